//! Kafka Connect's own classes, asked by the programs of `tests/differential/java`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The answers of a program, one for each case.
///
/// The class path is in `MILLSTREAM_DIFFERENTIAL_CLASSES`: `make differential` compiles the programs and sets it.
pub fn answers(program: &str, cases: &[Value]) -> Vec<Value> {
    let classes = std::env::var("MILLSTREAM_DIFFERENTIAL_CLASSES").expect("the class path of the Java side");
    let mut java = Command::new("java")
        .args(["-Duser.language=en", "-Duser.country=US", "-Duser.timezone=UTC", "-cp", &classes, program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("java");
    let mut input = java.stdin.take().unwrap();
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = java.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), cases.len(), "Java ended early");
    answers
}

/// A number from the environment.
pub fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
