use chrono::TimeZone;
use serde_json::Value;

use super::*;

/// What differs from Java's: pattern, the time that is written or the text that is read (empty: any), and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("YY w", "-99999999999999", "Java writes a week year before 1 with a sign, of two digits that are not its last"),
    ("F W w", "-12219292800000", "Java counts the weeks of the month that lost ten days from its first Gregorian day"),
    ("y", "9999999999", FAR),
    ("yyy", "9999999999", FAR),
    ("yyyyy", "9999999999", FAR),
    ("y", "20200102030405678", FAR),
    ("yyy", "20200102030405678", FAR),
    ("yyyyy", "20200102030405678", FAR),
];

const FAR: &str = "a year that milliseconds do not reach: Java makes up another";

#[test]
fn patterns_as_java_17_takes_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/plugins/java-date-patterns.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts = cases.iter().find_map(|case| case["texts"].as_array()).unwrap();
    let mut wrong = Vec::new();
    let mut used = vec![false; DIFFERENCES.len()];
    for case in cases.iter().filter(|case| case["pattern"].is_string()) {
        let text = case["pattern"].as_str().unwrap();
        let Ok(pattern) = DatePattern::new(text) else {
            assert_eq!(case["refused"], true, "{text}");
            continue;
        };
        assert_ne!(case["refused"], true, "{text}");
        let recorded = Utc.with_ymd_and_hms(2026, 11, 25, 2, 40, 0).unwrap();
        let pattern = DatePattern { century_start: years_before(recorded, 80), ..pattern };
        for (millis, theirs) in case["formatted"].as_object().unwrap() {
            let mut ours = String::new();
            pattern.format(millis.parse().unwrap(), &mut ours);
            let listed = DIFFERENCES.iter().position(|(p, t, _)| *p == text && *t == millis);
            if let Some(listed) = listed {
                used[listed] = ours != *theirs;
            } else if ours != *theirs {
                wrong.push(format!("{text} of {millis}: {ours} instead of {theirs}"));
            }
        }
        for given in texts {
            let given = given.as_str().unwrap();
            let (ours, theirs) = (pattern.parse(given).ok(), case["parsed"][given].as_i64());
            let listed = DIFFERENCES.iter().position(|(p, t, _)| *p == text && *t == given);
            match listed {
                Some(listed) if ours != theirs => used[listed] = true,
                None if ours != theirs => wrong.push(format!("{text} reads {given}: {ours:?} instead of {theirs:?}")),
                _ => {}
            }
        }
    }
    let unused: Vec<_> = DIFFERENCES.iter().zip(used).filter(|(_, used)| !used).collect();
    assert!(wrong.is_empty() && unused.is_empty(), "{}\nnot different: {unused:?}", wrong.join("\n"));
}

/// What was written is read again, by patterns that lose nothing.
#[test]
fn what_is_written_is_read_again() {
    let patterns = [
        "yyyy-MM-dd'T'HH:mm:ss.SSSX",
        "EEE, d MMMM yyyy G hh:mm:ss.SSS a Z",
        "yyyyMMddHHmmssSSS",
        "yyyy-DDD kk:mm:ss.SSS z",
        "YYYY-'W'ww-u H:m:s.S",
    ];
    let patterns = patterns.map(|pattern| DatePattern::new(pattern).unwrap());
    // A walk over the years 1583 to 9999; week dates of Sundays belong to the week before, which Java reads otherwise.
    let mut millis: i64 = -12_200_000_000_000;
    let mut text = String::new();
    while millis < 253_402_300_800_000 {
        let sunday = millis.div_euclid(DAY).rem_euclid(7) == 3;
        for (place, pattern) in patterns.iter().enumerate().filter(|(place, _)| *place < 4 || !sunday) {
            text.clear();
            pattern.format(millis, &mut text);
            assert_eq!(pattern.parse(&text), Ok(millis), "{place} {text}");
        }
        millis += 977_777_777_777;
    }
}

#[test]
fn any_text_is_taken_without_panic() {
    let texts =
        ["", " ", "é", "-", "99999999999999999999", "2020-é", "Janué", "GMT+", "GMT+1:", "+1é", "-é0:00", "0\u{0661}"];
    for pattern in ["y", "yyyyMMdd", "MMM", "z", "X", "XXX", "Z", "'é'y", "EEEé", "Y-w-u", "D", "a", "F"] {
        let pattern = DatePattern::new(pattern).unwrap();
        for text in texts {
            let _ = pattern.parse(text);
        }
        for millis in [i64::MIN, i64::MAX, 0] {
            pattern.format(millis, &mut String::new());
        }
    }
}
