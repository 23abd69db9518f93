//! The live comparison.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::cases::{KINDS, siblings};
use super::ours::{answers, difference, known};
use super::random::Random;
use crate::java;

#[test]
#[ignore = "needs a JDK and Kafka Connect: make differential"]
fn java_answers_the_same() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let count = java::number("CASES", 2000);
    let show = java::number("SHOW", 3);
    let mut total = 0;
    for (name, make) in KINDS.iter().filter(|(name, _)| only.is_empty() || only.split(',').any(|only| only == *name)) {
        let mut random = Random::new(java::number("SEED", 1) as u64);
        let made: Vec<Value> = (0..count).flat_map(|_| siblings(&mut random, *make)).take(count).collect();
        let theirs = java::answers("Converters", &made);
        let mut batches: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, case) in made.iter().enumerate() {
            let key = ["converter", "as", "op", "config", "then", "schema", "of"]
                .map(|part| case[part].to_string())
                .join(" ");
            batches.entry(key).or_default().push(index);
        }
        let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for batch in batches.values().flat_map(|batch| batch.chunks(30)) {
            let cases: Vec<&Value> = batch.iter().map(|index| &made[*index]).collect();
            let together = answers(&cases);
            for (place, index) in batch.iter().enumerate() {
                let alone = answers(&[cases[place]]).remove(0);
                let differs = difference(cases[place], &together[place], &theirs[*index]);
                let differs_alone = difference(cases[place], &alone, &theirs[*index]);
                if differs.is_some() != differs_alone.is_some() {
                    found
                        .entry("batch".to_owned())
                        .or_default()
                        .push(format!("{}\n    {differs:?}\n    {differs_alone:?}", cases[place]));
                }
                if let Some(difference) = differs {
                    if let Some(reason) = known(cases[place], &together[place], &theirs[*index]) {
                        *accepted.entry(reason).or_default() += 1;
                        continue;
                    }
                    let input = cases[place]["bytes_base64"]
                        .as_str()
                        .map(|text| String::from_utf8_lossy(&STANDARD.decode(text).unwrap()).into_owned());
                    let case = input.map_or_else(
                        || cases[place].to_string(),
                        |input| format!("{:?} {}", input.chars().take(300).collect::<String>(), cases[place]["config"]),
                    );
                    let mut class: String = difference
                        .split([';', '\n'])
                        .next()
                        .unwrap_or_default()
                        .chars()
                        .filter(|c| !c.is_ascii_digit())
                        .take(90)
                        .collect();
                    if class.starts_with("value:") || class.starts_with("schema:") || class.starts_with("bytes:") {
                        class.truncate(6);
                        class += cases[place]["config"]["converter.encoding"].as_str().unwrap_or_default();
                    }
                    if class == "theirs fails" {
                        class = format!(
                            "{class} {} {}",
                            theirs[*index]["error"]["class"],
                            theirs[*index]["error"]["message"].to_string().chars().take(50).collect::<String>()
                        );
                    }
                    if let Some(cut) = class.find(" at payload") {
                        class.truncate(cut);
                    }
                    found.entry(class).or_default().push(format!(
                        "{case}\n    {difference}\n    {}",
                        theirs[*index].to_string().chars().take(600).collect::<String>()
                    ));
                }
            }
        }
        println!("== {name}: {count} cases, known differences: {accepted:?}");
        for (class, of) in found {
            total += of.len();
            println!("{} x {class}", of.len());
            for text in of.iter().take(show) {
                println!("  {text}");
            }
        }
    }
    assert_eq!(total, 0, "differences");
}
