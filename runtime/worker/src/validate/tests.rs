use std::collections::BTreeMap;

use async_trait::async_trait;
use millstream_api::{Connector, PluginInfo, Task};
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::json_object::Document;
use crate::testing;

/// A recorded validation.
#[derive(Deserialize)]
struct Case {
    case: String,
    path: String,
    raw: String,
    status: u16,
    #[serde(default)]
    name: String,
    #[serde(default)]
    error_count: usize,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    values: Vec<Shown>,
}

/// Cases that end otherwise here: the number of errors in place of Java's, and why. `None`: no verdict at all (400).
const DIFFERENCES: &[(&str, Option<usize>, &str)] = &[
    ("source-null-values", Some(2), "one error in place of two where null is not allowed"),
    ("source-empty-values", Some(4), "one error in place of two where the value cannot be read"),
    ("source-converter-alias", Some(1), "SimpleHeaderConverter comes later"),
    ("source-converter-wrong-type", Some(2), "a class that is no converter is shown as null, as an unknown one is"),
    ("source-topic-creation-errors", Some(5), "settings of topic creation that fail at start are errors here"),
    ("source-topic-creation-default-missing", Some(2), "groups without a default fail at start in Java"),
    ("source-overrides", Some(0), "overrides are not listed among the keys"),
    ("sink-group-id-conflict", Some(1), "the override stands once, with its error"),
    ("source-plugin-version", Some(1), "one error in place of two, and all keys"),
];

/// Plugins that come later: their keys differ until then.
const LATER: &[&str] = &["header.converter.plugin.version"];

fn lines<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    let path = format!("{}/../../tests/golden/validate/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{path}: {e}: {line}"))).collect()
}

fn validator() -> ConfigValidator {
    ConfigValidator::new(testing::plugins(), testing::worker())
}

fn config(text: &str) -> Config {
    let document = Document::new(text.as_bytes(), "the body").unwrap();
    document.settings(document.entries().unwrap()).unwrap()
}

#[tokio::test]
async fn recorded_validations() {
    let validator = validator();
    let mut wrong = Vec::new();
    for case in lines::<Case>("cases") {
        let plugin = case.path.split('/').nth(2).unwrap();
        let verdict = validator.validate(Some(plugin), &config(&case.raw)).await;
        if let Err(reason) = compare(&case, verdict) {
            wrong.push(format!("{}: {reason}", case.case));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(case: &Case, verdict: Result<Validation>) -> Result<(), String> {
    let known = DIFFERENCES.iter().find(|(name, ..)| *name == case.case);
    let verdict = match verdict {
        // Java: 500 where the class is missing or unknown.
        Err(error) if case.status != 200 && error.kind() == millstream_api::ErrorKind::Config => return Ok(()),
        Err(error) => return Err(format!("{} expected, got {error}", case.status)),
        Ok(_) if case.case == "source-plugin-version-bad" => return Ok(()),
        Ok(_) if case.status != 200 => return Err(format!("{} expected, got a verdict", case.status)),
        Ok(verdict) => verdict,
    };
    let errors: Vec<_> = verdict.values.iter().flat_map(|value| value.errors.clone()).collect();
    let expected = known.map_or(Some(case.error_count), |(_, ours, _)| *ours);
    if expected != Some(errors.len()) {
        return Err(format!("{expected:?} errors expected, got {}: {errors:#?}", errors.len()));
    }
    if known.is_some() {
        return Ok(());
    }
    if verdict.name != case.name {
        return Err(format!("name {} expected, got {}", case.name, verdict.name));
    }
    let ours: Vec<_> = verdict
        .values
        .iter()
        .map(|value| (value.key.name.clone(), value.text(), value.errors.len(), value.visible))
        .filter(|(name, ..)| !LATER.contains(&name.as_str()))
        .collect();
    let theirs: Vec<_> = case.values.iter().filter(|(name, ..)| !LATER.contains(&name.as_str())).cloned().collect();
    // Converters list their keys in the order of a Java hash map.
    let (common, below) = split(ours);
    let (theirs_common, theirs_below) = split(theirs);
    if common != theirs_common || below != theirs_below {
        let differ: Vec<_> = common
            .iter()
            .chain(&below)
            .filter(|value| !theirs_common.contains(value) && !theirs_below.contains(value))
            .collect();
        let lost: Vec<_> = theirs_common
            .iter()
            .chain(&theirs_below)
            .filter(|value| !common.contains(value) && !below.contains(value))
            .collect();
        return Err(format!("values differ: ours {differ:?}, theirs {lost:?}"));
    }
    let shared = case.groups.iter().filter(|group| !matches!(group.as_str(), "Serialization" | "Schemas"));
    let ours = verdict.groups.iter().filter(|group| !matches!(group.as_str(), "Serialization" | "Schemas"));
    if !shared.clone().eq(ours) || case.groups.len() != verdict.groups.len() {
        return Err(format!("groups {:?} expected, got {:?}", case.groups, verdict.groups));
    }
    Ok(())
}

/// Name, value, number of errors, visible.
type Shown = (String, Option<String>, usize, bool);

/// The keys in order, and those of converters by name.
fn split(all: Vec<Shown>) -> (Vec<Shown>, Vec<Shown>) {
    let is_below = |name: &str| name.contains(".converter.") && !name.ends_with(".plugin.version");
    let (mut below, common): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, ..)| is_below(name));
    below.sort();
    (common, below)
}

#[tokio::test]
async fn recorded_definitions() {
    let validator = validator();
    let cases: BTreeMap<_, _> = lines::<Case>("cases").into_iter().map(|case| (case.case.clone(), case)).collect();
    let mut wrong = Vec::new();
    for mut theirs in lines::<serde_json::Map<String, Value>>("definitions") {
        let case = &cases[theirs.shift_remove("of").unwrap().as_str().unwrap()];
        let verdict = validator.validate(None, &config(&case.raw)).await.unwrap();
        let name = theirs["name"].as_str().unwrap().to_owned();
        if LATER.contains(&name.as_str()) {
            continue;
        }
        let Some(value) = verdict.values.get(&name) else {
            wrong.push(format!("{name}: missing"));
            continue;
        };
        let Value::Object(mut ours) = crate::rest::key_info(&value.key) else { panic!("an object") };
        assert_eq!(ours.keys().position(|key| key == "documentation"), Some(5));
        ours.shift_remove("documentation");
        // As text, since the order of fields counts.
        let (ours, theirs) = (Value::Object(ours).to_string(), Value::Object(theirs).to_string());
        if ours != theirs {
            wrong.push(format!("{name}:\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} definitions differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn nothing_to_validate_against_names_the_key() {
    let validator = validator();
    for (text, phrase) in [
        ("{}", "contains no connector type"),
        ("{\"connector.class\":null}", "contains no connector type"),
        ("{\"connector.class\":\"\"}", "Failed to find any class"),
        ("{\"connector.class\":\"Nope\"}", "Failed to find any class"),
    ] {
        let error = validator.validate(None, &config(text)).await.err().unwrap();
        assert!(error.kind() == millstream_api::ErrorKind::Config && error.to_string().contains(phrase), "{error}");
    }
}

/// A connector that never finishes looking at the outside world.
struct Stuck(millstream_api::ConfigDef);

#[async_trait]
impl ConnectorPlugin for Stuck {
    fn info(&self) -> PluginInfo {
        PluginInfo { class: "org.example.StuckConnector", aliases: &[], version: "1" }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn task_class(&self) -> &'static str {
        "org.example.StuckTask"
    }

    fn config_def(&self) -> &millstream_api::ConfigDef {
        &self.0
    }

    async fn validate(&self, _config: &Config, values: &mut ConfigValues) {
        values.error("name", "half a verdict");
        std::future::pending::<()>().await;
    }

    fn connector(&self) -> Box<dyn Connector> {
        unreachable!("it is only validated")
    }

    fn task(&self) -> Task {
        unreachable!("it is only validated")
    }
}

#[tokio::test]
async fn a_connector_that_does_not_finish_is_an_error_of_its_class() {
    let plugins = Arc::new(PluginTable::new(vec![Arc::new(Stuck(millstream_api::ConfigDef::new()))]));
    let limit = Duration::from_millis(1);
    let validator = ConfigValidator { plugin_limit: limit, ..ConfigValidator::new(plugins, testing::worker()) };
    let verdict = validator.validate(None, &config("{\"name\":\"a\",\"connector.class\":\"Stuck\"}")).await.unwrap();
    let errors: Vec<_> = verdict.values.iter().filter(|value| !value.errors.is_empty()).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].key.name, "connector.class");
    assert!(errors[0].errors[0].contains("within 1 ms"), "{:?}", errors[0].errors);
}
