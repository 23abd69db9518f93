//! A selection of the cases with Java's answers, tried without Java.

use std::io::Write;

use serde_json::{Value, json};

use super::cases::{SUBJECTS, cases};
use super::compare::difference;
use super::dice::Dice;
use super::live::ask_java;

/// Cases of each kind, and the longest that a case and its answer may be together.
const EACH: usize = 24;
const LONGEST: usize = 900;

fn path() -> String {
    format!("{}/../../tests/golden/transforms/differential.jsonl", env!("CARGO_MANIFEST_DIR"))
}

/// What years of two digits mean depends on the day, and what a named zone does to later texts on those before.
fn lasts(case: &Value) -> bool {
    let format = case["config"]["format"].as_str().unwrap_or_default().to_ascii_lowercase();
    let years = format.split(|c| c != 'y').map(str::len).filter(|len| *len > 0);
    years.min().is_none_or(|len| len > 2) && !format.contains('z')
}

#[test]
fn recorded_cases() {
    let text = std::fs::read_to_string(path()).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        if let Some(difference) = difference(&recorded["case"], &recorded["answer"]) {
            wrong.push(format!("{line}\n  {difference:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(text.lines().count(), SUBJECTS.len() * EACH);
}

#[test]
#[ignore = "writes the recorded cases anew: ONLY=record make differential"]
fn record_cases() {
    if std::env::var("ONLY").as_deref() != Ok("record") {
        return;
    }
    let mut file = std::fs::File::create(path()).unwrap();
    for subject in SUBJECTS {
        let mut dice = Dice::new(17);
        let mut made: Vec<Value> = Vec::new();
        while made.len() < 3000 {
            let mut few = cases(subject, &mut dice);
            few.truncate(1);
            made.extend(few.into_iter().filter(|case| lasts(case) && case.to_string().len() < LONGEST / 2));
        }
        let answers = ask_java(&made);
        let (mut written, mut failed) = (0, 0);
        for (case, answer) in made.iter().zip(&answers) {
            let line = json!({"case": case, "answer": answer}).to_string();
            let fails = answer.get("error").is_some();
            let says = answer.get("unusable").is_none() && difference(case, answer).is_none();
            // Most of them are to do something.
            if !says || line.len() > LONGEST || (fails && failed > EACH / 3) {
                continue;
            }
            failed += usize::from(fails);
            writeln!(file, "{line}").unwrap();
            written += 1;
            if written == EACH {
                break;
            }
        }
        assert_eq!(written, EACH, "{subject}");
    }
}
