use serde_json::Value;

use super::*;

/// Where an expression differs from Java's: pattern, text (empty: any), and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("(?U)\\w+", "", NOT_HERE),
    ("\\p{InGreek}", "", NOT_HERE),
    ("\\Gab", "", NOT_HERE),
    ("\\Xab", "", NOT_HERE),
    ("\\N{DIGIT ONE}", "", NOT_HERE),
];

const NOT_HERE: &str = "the engine has no counterpart: refused by name";

/// What became of a case: refused, or whether all matches and what the replacement gives (`None` when it is refused).
type Outcome = Option<(bool, Option<String>)>;

fn ours(pattern: &str, text: &str, replacement: &str) -> Outcome {
    let regex = JavaRegex::new(pattern).ok()?;
    let replacement = Replacement::new(replacement).ok();
    let replaced = regex.is_found(text).then(|| regex.replace_first(text, replacement.as_ref()?).ok().flatten());
    Some((regex.is_match(text).unwrap(), replaced.unwrap_or_else(|| Some(text.to_owned()))))
}

#[test]
fn expressions_as_java_17_takes_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/plugins/java-regex.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    let mut used = vec![false; DIFFERENCES.len()];
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let [pattern, text, replacement] = ["pattern", "text", "replacement"].map(|key| case[key].as_str().unwrap());
        let theirs: Outcome = (case["refused"] != true)
            .then(|| (case["matches"].as_bool().unwrap(), case["replaced"].as_str().map(str::to_owned)));
        let ours = ours(pattern, text, replacement);
        match DIFFERENCES.iter().position(|(p, t, _)| *p == pattern && (t.is_empty() || *t == text)) {
            Some(listed) if ours != theirs => used[listed] = true,
            None if ours != theirs => wrong.push(format!("{line} {ours:?} {:?}", JavaRegex::new(pattern).err())),
            _ => {}
        }
    }
    let unused: Vec<_> = DIFFERENCES.iter().zip(used).filter(|(_, used)| !used).collect();
    assert!(wrong.is_empty() && unused.is_empty(), "{}\nnot different: {unused:?}", wrong.join("\n"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_pattern_is_taken_without_panic(
        pattern in r"[ab\\\[\]{}()|*+?^$.&\-:#0-9pPQExuk<>!=,é]{0,12}",
        text in "[ab1é]{0,6}",
        replacement in r"[a$\\{}0-9]{0,4}",
    ) {
        if let Ok(regex) = JavaRegex::new(&pattern) {
            let _ = regex.is_match(&text);
            if let Ok(replacement) = Replacement::new(&replacement) {
                let _ = regex.replace_first(&text, &replacement);
            }
        }
    }
}
