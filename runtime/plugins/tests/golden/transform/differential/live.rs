//! The live comparison.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cases::{SUBJECTS, cases};
use super::compare::{difference, known};
use super::dice::Dice;
use crate::java::{answers, number};

/// Java's answers, one for each case.
pub fn ask_java(cases: &[Value]) -> Vec<Value> {
    answers("Transforms", cases)
}

#[test]
#[ignore = "needs a JDK and Kafka Connect: make differential"]
fn java_makes_the_same_of_records() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let (count, seed, show) = (number("CASES", 2000), number("SEED", 1), number("SHOW", 2));
    let width = number("WIDTH", 400);
    let mut total = 0;
    for subject in SUBJECTS.into_iter().filter(|name| only.is_empty() || only.split(',').any(|only| only == *name)) {
        let mut dice = Dice::new(seed as u64 * 1000 + subject.len() as u64);
        let mut made = Vec::new();
        while made.len() < count {
            made.extend(cases(subject, &mut dice));
        }
        let theirs = ask_java(&made);
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (case, theirs) in made.iter().zip(&theirs) {
            if let Some(difference) = difference(case, theirs).filter(|difference| known(case, difference).is_none()) {
                let mut kind: String = difference.kind.clone();
                if kind != "record" {
                    let more = if kind == "theirs fails" || kind == "settings taken" {
                        &difference.theirs
                    } else {
                        &difference.ours
                    };
                    let more = more.rsplit_once("regex: ").map_or(more.as_str(), |(_, more)| more);
                    kind += &more.chars().filter(|c| !c.is_ascii_digit()).take(60).collect::<String>();
                }
                let input = &case["input"];
                let part = if case["transform"].as_str().is_some_and(|class| class.ends_with("$Key")) {
                    "key"
                } else {
                    "value"
                };
                let input = format!("{} {} {}", input["topic"], input[part], input[format!("{part}_schema")]);
                let input: String = input.chars().take(400).collect();
                found.entry(kind).or_default().push(format!(
                    "{} {input}\n    ours {}\n    theirs {}",
                    case["config"],
                    difference.ours.chars().take(width).collect::<String>(),
                    difference.theirs.chars().take(width).collect::<String>()
                ));
            }
        }
        println!("== {subject}: {} cases", made.len());
        for (kind, of) in found {
            total += of.len();
            println!("{} x {kind}", of.len());
            for text in of.iter().take(show) {
                println!("  {text}");
            }
        }
    }
    assert_eq!(total, 0, "differences");
}
