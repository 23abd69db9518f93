//! Java's answers to a selection of the cases, those with them that once differed.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::cases::{KINDS, siblings};
use super::known_once;
use super::ours::{answers, difference, known};
use super::random::Random;
use crate::java;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/converters/differential.jsonl");

#[test]
fn recorded_answers_are_ours() {
    let lines = std::fs::read_to_string(FILE).unwrap();
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let (case, theirs) = (&recorded["case"], &recorded["answer"]);
        let ours = answers(&[case]).remove(0);
        match (difference(case, &ours, theirs), recorded.get("known")) {
            (Some(difference), None) => wrong.push(format!("{case}\n  {difference}")),
            (None, Some(known)) => wrong.push(format!("{case}\n  no longer differs: {known}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.lines().count(), wrong.join("\n"));
    assert!(lines.lines().count() > 500);
}

/// Writes the file. Of cases that are alike, by kind and outcome, a few are taken.
#[test]
#[ignore = "writes what is recorded: ONLY=record make differential"]
fn record() {
    if std::env::var("ONLY").as_deref() != Ok("record") {
        return;
    }
    let mut cases = known_once::cases();
    let kept = cases.len();
    for (_, make) in KINDS {
        let mut random = Random::new(7);
        cases.extend((0..400).flat_map(|_| siblings(&mut random, *make)));
    }
    let theirs = java::answers("Converters", &cases);
    let mut alike: HashMap<String, usize> = HashMap::new();
    let mut out = String::new();
    for (index, (case, theirs)) in cases.iter().zip(&theirs).enumerate() {
        let ours = answers(&[case]).remove(0);
        let known = difference(case, &ours, theirs)
            .map(|difference| known(case, &ours, theirs).unwrap_or_else(|| panic!("{case} differs: {difference}")));
        let outcome = format!("{} {} {known:?}", theirs["error"]["message"], theirs["schema"]["type"]);
        let shape = ["converter", "as", "op", "then"].map(|part| case[part].to_string()).join(" ");
        let seen = alike.entry(format!("{shape} {outcome}")).or_default();
        *seen += 1;
        let mut answer = theirs.clone();
        if let Some(error) = answer.get_mut("error") {
            error["message"] = "<message>".into();
        }
        let mut line = json!({"case": case, "answer": answer});
        if let Some(known) = known {
            line["known"] = known.into();
        }
        let line = line.to_string();
        if index < kept || (*seen <= 4 && line.len() < 380) {
            writeln!(out, "{line}").unwrap();
        }
    }
    std::fs::write(FILE, out).unwrap();
}
