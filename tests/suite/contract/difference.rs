//! Known differences: ids and reasons in one file, shown by docs/differences.md, used by steps.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use millstream_testbed::{Context, Error, Result};
use serde::Deserialize;

use super::script::{Found, Step, folder};

/// The file of the table, beside the scenarios.
pub const FILE: &str = "differences.yaml";

const BEGIN: &str = "<!-- tests/contract/differences.yaml -->\n";
const END: &str = "<!-- end -->\n";

/// One known difference, as the documents show it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub subject: String,
    pub java: String,
    pub millstream: String,
    pub why: String,
}

/// Id -> difference.
pub fn load() -> Result<IndexMap<String, Difference>> {
    let path = folder().join(FILE);
    let text = std::fs::read_to_string(&path).context(path.display())?;
    serde_saphyr::from_str(&text).map_err(|error| Error::new(error.to_string()).context(FILE))
}

/// The table between the markers of docs/differences.md.
fn table(differences: &IndexMap<String, Difference>) -> String {
    let mut text = String::from("| Subject | Java | Millstream | Why |\n|---|---|---|---|\n");
    for row in differences.values() {
        text.push_str(&format!("| {} | {} | {} | {} |\n", row.subject, row.java, row.millstream, row.why));
    }
    text
}

/// What is wrong with the use of differences in scenarios, one line each.
fn misuses(differences: &IndexMap<String, Difference>, scenarios: &[Found]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for found in scenarios {
        for step in &found.scenario.steps {
            let Step::Call { call, .. } = &step.value else { continue };
            let place = format!("{}:{}", found.file, step.referenced.line());
            let own = call.java.is_some() || call.millstream.is_some();
            match &call.difference {
                Some(id) if !differences.contains_key(id) => wrong.push(format!("{place}: unknown difference {id}")),
                Some(id) if own => drop(used.insert(id.clone())),
                Some(id) => wrong.push(format!("{place}: difference {id} without `java` or `millstream`")),
                None if own => wrong.push(format!("{place}: `java` or `millstream` without `difference`")),
                None => {}
            }
        }
    }
    wrong.extend(differences.keys().filter(|id| !used.contains(*id)).map(|id| format!("{FILE}: {id} is not used")));
    wrong
}

#[test]
fn each_difference_is_used() -> Result<()> {
    let wrong = misuses(&load()?, &super::script::load()?);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn the_documents_show_the_table() -> Result<()> {
    let path = folder().join("../../docs/differences.md");
    let text = std::fs::read_to_string(&path)?;
    let shown = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(table, _)| table.trim());
    let wanted = table(&load()?);
    assert_eq!(shown, Some(wanted.trim()), "docs/differences.md, between {BEGIN}and {END}");
    Ok(())
}

#[test]
fn misuses_are_found() -> Result<()> {
    let text = "a: {subject: s, java: j, millstream: m, why: w}\nb: {subject: s, java: j, millstream: m, why: w}\n";
    let differences: IndexMap<String, Difference> = serde_saphyr::from_str(text)?;
    let scenario = "x:\n  steps:\n  - GET /: {difference: a, java: {status: 500}}\n  - GET /: {difference: c, java: {}}\n  \
                    - GET /: {difference: a}\n  - GET /: {java: {status: 500}}\n";
    let scenarios = super::script::read(scenario)?.0;
    let found: Vec<Found> =
        scenarios.into_iter().map(|(name, scenario)| Found { name, file: "f.yaml".to_owned(), scenario }).collect();
    let wanted = [
        "f.yaml:4: unknown difference c",
        "f.yaml:5: difference a without `java` or `millstream`",
        "f.yaml:6: `java` or `millstream` without `difference`",
        "differences.yaml: b is not used",
    ];
    assert_eq!(misuses(&differences, &found), wanted);
    Ok(())
}
