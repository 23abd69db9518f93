//! What we make of a case, and whether it is what Java makes of it.

use std::collections::BTreeMap;

use millstream_plugins::{predicate, predicate_def, transform_def};
use serde_json::{Value, json};

use super::super::{Cell, Fate, Kept, apply, batch_of, fates, json_output, made, recorded, same};
use crate::vectors::config_of;

/// A difference: what kind of one, and the two answers.
#[derive(Debug)]
pub struct Difference {
    pub kind: String,
    pub ours: String,
    pub theirs: String,
}

fn different(kind: &str, ours: impl Into<String>, theirs: impl Into<String>) -> Difference {
    Difference { kind: kind.to_owned(), ours: ours.into(), theirs: theirs.into() }
}

/// Why answers may differ, as docs/differences.md has it; `None`: they may not.
pub fn known(case: &Value, difference: &Difference) -> Option<&'static str> {
    let (ours, theirs, kind) = (difference.ours.as_str(), difference.theirs.as_str(), difference.kind.as_str());
    let class = case["transform"].as_str().unwrap_or_default();
    let reasons = [
        (ours.contains("without schema there are no dates"), "dates without schema"),
        (kind == "ours fails" && ours.contains("of InsertField has no value"), "null in a required field"),
        (kind == "no column" && class.contains("MaskField") && theirs.contains("decimal"), "scale of a masked Decimal"),
        (class.contains("TimestampRouter") && kind == "settings refused", "a pattern that is none"),
        (ours.contains("the replacement of MaskField is no value of the field"), "scale of a masked Decimal"),
        (
            class.contains("ReplaceField") && theirs.contains("is not a valid field name"),
            "a rename to a name that is there",
        ),
        (class.contains("HoistField") && case["config"]["field"].is_null(), "no name"),
        (class.contains("InsertHeader") && case["config"]["value.literal"] == "١٢", "digits of other scripts"),
        (
            kind == "validation" && ours.contains("is not supported"),
            "a regular expression that the engine has no counterpart for",
        ),
        (theirs.contains("thrown"), "validation that ends in an exception"),
        (kind == "no column" && class.contains("Cast"), "a cast value under a logical name"),
    ];
    let format = case["config"]["format"].as_str().unwrap_or_default().to_ascii_lowercase();
    let null = case["config"].as_object().is_some_and(|config| config.values().any(Value::is_null));
    let dates = [
        (
            kind == "record" && class.contains("TimestampConverter") && format.contains('z'),
            "text in the zone that was read",
        ),
        (kind == "record" && class.contains("MaskField") && theirs.contains("Decimal"), "scale of a masked Decimal"),
        (class.contains("ReplaceField") && kind == "theirs fails", "a rename to a name that is there"),
        (null && kind == "theirs fails" && theirs.contains("NullPointerException"), "a null setting"),
        (ours.contains("by the letter F of") || ours.contains("by the letter W of"), "weeks of the month"),
        (ours.contains("too far away"), "years beyond milliseconds"),
        (ours.contains("the time zone is not known"), "names of time zones"),
        (ours.contains("Bad class syntax"), "an intersection with nothing"),
        (
            kind == "validation" && ours.starts_with("{} ") && (theirs.contains("regex") || theirs.contains("pattern")),
            "a look behind of any length",
        ),
    ];
    reasons.iter().chain(&dates).find(|(holds, _)| *holds).map(|(_, why)| *why)
}

/// `None` when the answers are equal, or the case says nothing (a record that no column holds).
pub fn difference(case: &Value, theirs: &Value) -> Option<Difference> {
    if theirs.get("unusable").is_some() {
        return None;
    }
    let batch = batch_of(&case["input"]).ok()?;
    let config = config_of(case);
    let class = case["transform"].as_str().or_else(|| case["predicate"].as_str()).unwrap();
    let def = if case["predicate"].is_string() { predicate_def(class) } else { transform_def(class) };
    let verdicts = def.unwrap().validate(&config);
    let invalid: BTreeMap<String, usize> = verdicts
        .iter()
        .filter(|value| !value.errors.is_empty())
        .map(|value| (value.key.name.clone(), value.errors.len()))
        .collect();
    let invalid = json!(invalid);
    if invalid != theirs["invalid"] {
        let why: Vec<&str> = verdicts.iter().flat_map(|value| &value.errors).map(String::as_str).collect();
        return Some(different("validation", format!("{invalid} {why:?}"), theirs["invalid"].to_string()));
    }
    let error = || theirs["error"].to_string();
    let fails_early = theirs["stage"] == "configure";
    if case["predicate"].is_string() {
        let mut predicate = predicate(class).unwrap();
        return match predicate.configure(&config) {
            Err(_) if fails_early => None,
            Err(e) => Some(different("settings refused", e.to_string(), theirs.to_string())),
            Ok(()) if fails_early => Some(different("settings taken", "", error())),
            Ok(()) => {
                let holds = predicate.test(&batch).value(0);
                let equal = theirs["result"] == holds;
                (!equal).then(|| different("result", holds.to_string(), theirs.to_string()))
            }
        };
    }
    let mut transform = match made(case) {
        Err(_) if fails_early => return None,
        Err(e) => return Some(different("settings refused", e, theirs.to_string())),
        Ok(_) if fails_early => return Some(different("settings taken", "", error())),
        Ok(transform) => transform,
    };
    let ours = fates(apply(transform.as_mut(), batch, &case["input"]), 1).remove(0);
    if theirs["stage"] == "apply" {
        return match ours {
            Fate::Failed(_) => None,
            ours => Some(different("theirs fails", format!("{ours:?}"), error())),
        };
    }
    let answer = json!({"output": theirs["output"]});
    let wanted = match json_output(&answer) {
        Some(fate) => Ok(fate),
        None => recorded(&answer),
    };
    match (ours, wanted) {
        (ours, Ok(wanted)) if same(&ours, &wanted) => None,
        (Fate::Failed(e), _) => Some(different("ours fails", e, theirs["output"].to_string())),
        (Fate::Kept(ours), Ok(Fate::Kept(wanted))) => {
            let differing: Vec<_> =
                parts(&ours).into_iter().zip(parts(&wanted)).filter(|(ours, theirs)| ours != theirs).collect();
            let (ours, theirs): (Vec<_>, Vec<_>) = differing.into_iter().unzip();
            Some(different("record", ours.join("; "), theirs.join("; ")))
        }
        (ours, Ok(wanted)) => Some(different("record", format!("{ours:?}"), format!("{wanted:?}"))),
        (ours, Err(e)) => Some(different("no column", format!("{ours:?}"), format!("{e}: {}", theirs["output"]))),
    }
}

fn parts(kept: &Kept) -> Vec<String> {
    let cell = |name: &str, cell: &Cell| match cell {
        Cell::Typed(field, data) => {
            vec![
                format!("schema of {name}: {field:?}"),
                format!("{name}: {:?}", arrow::array::make_array(data.clone())),
            ]
        }
        other => vec![format!("{name}: {other:?}"), String::new()],
    };
    let mut out = vec![format!("topic {:?}, {:?}, {:?}", kept.topic, kept.partition, kept.timestamp)];
    out.extend(cell("key", &kept.key));
    out.extend(cell("value", &kept.value));
    out.extend(kept.headers.iter().flat_map(|(name, value)| cell(name, value)));
    out
}
