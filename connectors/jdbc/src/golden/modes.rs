//! Timestamp mode: records, stored offsets and their order, step by step.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::play::Player;
use super::{name, object, play_cases, texts};

/// What comes instead of the recorded outcome.
enum Outcome {
    /// Validation or start fails, naming this.
    Refused(&'static str),
    /// These records, and these offsets at the end (partition and offset).
    Ends(&'static [(&'static str, &'static [&'static str])], &'static [(&'static str, &'static str)]),
}

use Outcome::{Ends, Refused};

const USERS: &str = r#"["CONNECTOR",{"protocol":"1","table":"public.users"}]"#;
const ORDERS: &str = r#"["CONNECTOR",{"protocol":"1","table":"public.orders"}]"#;

/// Case, row of the list of defects (0: not part of this release), outcome.
const DIFFERENCES: &[(&str, u32, Outcome)] = &[
    (
        "ts-column-other-case",
        13,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"a","ts":1704067200000}"#,
                    r#"{"id":2,"name":"b","ts":1704153600500}"#,
                    r#"{"id":3,"name":"c","ts":1704240000123}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":123456000,"timestamp":1704240000123}"#)],
        ),
    ),
    ("ts-column-time", 14, Refused("of type time")),
    (
        "ts-suffix-limit",
        23,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"a","ts":1704067200000}"#,
                    r#"{"id":2,"name":"b","ts":1704153600500}"#,
                    r#"{"id":3,"name":"c","ts":1704153600500}"#,
                    r#"{"id":4,"name":"d","ts":1704153600500}"#,
                    r#"{"id":5,"name":"e","ts":1704240000123}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":123456000,"timestamp":1704240000123}"#)],
        ),
    ),
    (
        "ts-proleptic",
        28,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"a","ts":1704067200000}"#,
                    r#"{"id":2,"name":"b","ts":1704153600500}"#,
                    r#"{"id":3,"name":"c","ts":1704240000123}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":123456000,"timestamp":1704240000123}"#)],
        ),
    ),
    (
        "ts-epoch",
        30,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"pre","ts":-1}"#,
                    r#"{"id":2,"name":"epoch","ts":0}"#,
                    r#"{"id":3,"name":"us","ts":0}"#,
                    r#"{"id":4,"name":"ms","ts":1}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":1000000,"timestamp":1}"#)],
        ),
    ),
    (
        "ts-zone-epoch-New_York",
        30,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"a","ts":-3600000}"#,
                    r#"{"id":2,"name":"b","ts":1}"#,
                    r#"{"id":3,"name":"c","ts":18000001}"#,
                    r#"{"id":4,"name":"d","ts":37800000}"#,
                    r#"{"id":5,"name":"e","ts":37800001}"#,
                    r#"{"id":6,"name":"f","ts":57600000}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":0,"timestamp":57600000}"#)],
        ),
    ),
    (
        "ts-zone-epoch-Kolkata",
        30,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"a","ts":-41400000}"#,
                    r#"{"id":2,"name":"b","ts":-37799999}"#,
                    r#"{"id":3,"name":"c","ts":-19799999}"#,
                    r#"{"id":4,"name":"d","ts":0}"#,
                    r#"{"id":5,"name":"e","ts":1}"#,
                    r#"{"id":6,"name":"f","ts":19800000}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":0,"timestamp":19800000}"#)],
        ),
    ),
    (
        "ts-zone-epoch-Lord_Howe",
        30,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":1,"name":"a","ts":-57600000}"#,
                    r#"{"id":2,"name":"b","ts":-53999999}"#,
                    r#"{"id":3,"name":"c","ts":-35999999}"#,
                    r#"{"id":4,"name":"d","ts":-16200000}"#,
                    r#"{"id":5,"name":"e","ts":-16199999}"#,
                    r#"{"id":6,"name":"f","ts":3600000}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":0,"timestamp":3600000}"#)],
        ),
    ),
    (
        "patched-ts-proleptic",
        28,
        Ends(
            &[(
                "users",
                &[
                    r#"{"id":4,"name":"d","ts":1704067200123}"#,
                    r#"{"id":5,"name":"e","ts":1704067200124}"#,
                    r#"{"id":6,"name":"f","ts":1704067201000}"#,
                ],
            )],
            &[(USERS, r#"{"timestamp_nanos":0,"timestamp":1704067201000}"#)],
        ),
    ),
    // Brackets may be left out.
    (
        "mapping-no-brackets",
        7,
        Ends(
            &[
                (
                    "orders",
                    &[
                        r#"{"oid":10,"made":1704067200000,"changed":null}"#,
                        r#"{"oid":11,"made":1704153600000,"changed":1704412800000}"#,
                    ],
                ),
                ("users", &[r#"{"uid":1,"seen":1704067200000}"#, r#"{"uid":2,"seen":1704153600000}"#]),
            ],
            &[
                (ORDERS, r#"{"timestamp_nanos":0,"timestamp":1704153600000}"#),
                (USERS, r#"{"timestamp_nanos":0,"timestamp":1704153600000}"#),
            ],
        ),
    ),
    ("ts-query", 0, Refused("not available in this release")),
    ("ts-query-coalesce", 0, Refused("not available in this release")),
    ("ts-query-alias", 0, Refused("not available in this release")),
    ("ts-query-equal-group", 0, Refused("not available in this release")),
];

fn difference(case: &Value) -> Option<&'static Outcome> {
    // Names repeat in the recording of offsets, where a case has begun with an offset of its own.
    let patched = case["steps"][0].get("create_connector").is_some();
    let named = match (patched, name(case)) {
        (true, "ts-proleptic") => "patched-ts-proleptic",
        (_, name) => name,
    };
    DIFFERENCES.iter().find(|(case, ..)| *case == named).map(|(_, _, outcome)| outcome)
}

/// Removes what depends on the present from a recorded or played text.
fn steady(text: &str, volatile: &[&str], offset: bool) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    if let Some(map) = value.as_object_mut() {
        for field in volatile {
            let field = match (offset, field.strip_prefix("offset.")) {
                (true, Some(field)) => field,
                (false, None) => field,
                _ => continue,
            };
            if map.contains_key(field) {
                map.insert(field.to_owned(), Value::from("volatile"));
            }
        }
    }
    value
}

async fn play(case: &Value, player: &mut Player<'_>) -> millstream_api::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let volatile = texts(&case["volatile"]);
    if !case["steps"][0].as_object().unwrap().contains_key("create_connector") {
        player.start().await?;
    }
    for step in case["steps"].as_array().unwrap() {
        if step.get("checkpoint").is_none() {
            player.step(step).await?;
            continue;
        }
        match difference(case) {
            None => {}
            Some(Refused(_)) => continue,
            Some(Ends(topics, _)) => {
                for (topic, values) in *topics {
                    player.wait_records(topic, values.len()).await?;
                }
                player.watch(std::time::Duration::from_millis(200)).await?;
                continue;
            }
        }
        for (topic, count) in object(&step["counts"]) {
            // The recording waited a while before it looked.
            let _ = player.wait_records(&topic, count.as_u64().unwrap() as usize).await;
            if player.count(&topic) as u64 != count.as_u64().unwrap() {
                wrong.push(format!(
                    "{}: {topic} has {} records, not {count}",
                    step["checkpoint"],
                    player.count(&topic)
                ));
            }
        }
        if let Some(offsets) = step["offsets"].as_array() {
            let text = |offset: &Value| steady(&offset.to_string(), &volatile, true);
            let expected: BTreeMap<String, Value> = offsets
                .iter()
                .map(|one| (millstream_api::offsets::canonical(&one["partition"]), text(&one["offset"])))
                .collect();
            let got: BTreeMap<String, Value> =
                player.offsets().into_iter().map(|(partition, offset)| (partition, text(&offset))).collect();
            if got != expected {
                wrong.push(format!("{}: offsets {got:?}, not {expected:?}", step["checkpoint"]));
            }
        }
    }
    Ok(wrong)
}

/// Offsets per partition, repeats left out.
fn steps_of<'a>(trace: impl Iterator<Item = (&'a str, &'a str)>, volatile: &[&str]) -> BTreeMap<&'a str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (partition, offset) in trace {
        let steps = all.entry(partition).or_default();
        let offset = steady(offset, volatile, true).to_string();
        if steps.last() != Some(&offset) {
            steps.push(offset);
        }
    }
    all
}

/// Records by topic, and the last offset by partition.
fn expected_ends(case: &Value) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, String>) {
    match difference(case) {
        Some(Ends(topics, offsets)) => (
            topics
                .iter()
                .map(|(topic, values)| ((*topic).to_owned(), values.iter().map(|text| (*text).to_owned()).collect()))
                .collect(),
            offsets.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ),
        _ => (
            object(&case["topics"])
                .into_iter()
                .map(|(topic, values)| (topic, texts(&values).into_iter().map(str::to_owned).collect()))
                .collect(),
            case["offsets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned()))
                .collect(),
        ),
    }
}

fn compare_ends(case: &Value, player: &Player<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let volatile = texts(&case["volatile"]);
    let (topics, offsets) = expected_ends(case);
    let values = |topics: &BTreeMap<String, Vec<String>>| -> BTreeMap<String, Vec<Value>> {
        topics
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(topic, values)| (topic.clone(), values.iter().map(|text| steady(text, &volatile, false)).collect()))
            .collect()
    };
    if volatile.is_empty() && topics != player.topics && !player.topics.values().all(Vec::is_empty) {
        wrong.push(format!("records {:#?}, not {topics:#?}", player.topics));
    } else if values(&topics) != values(&player.topics) {
        wrong.push(format!("records {:?}, not {topics:?}", player.topics));
    }
    let last: BTreeMap<&str, &str> = player.trace.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let same = last.len() == offsets.len()
        && offsets.iter().all(|(key, value)| {
            last.get(key.as_str()).is_some_and(|got| match volatile.is_empty() {
                true => got == value,
                false => steady(got, &volatile, true) == steady(value, &volatile, true),
            })
        });
    if !same {
        wrong.push(format!("last offsets {last:#?}, not {offsets:#?}"));
    }
    if let (Some(trace), None) = (case["trace"].as_array(), difference(case)) {
        let recorded = trace.iter().filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)));
        let recorded = steps_of(recorded, &volatile);
        let ours = steps_of(player.trace.iter().map(|(key, value)| (key.as_str(), value.as_str())), &volatile);
        // Only with one row per poll every offset was seen.
        let same = match case["config"]["batch.max.rows"] == "1" {
            true => ours == recorded,
            false => {
                ours.len() == recorded.len()
                    && recorded.iter().all(|(partition, steps)| {
                        let mut all = ours.get(partition).into_iter().flatten();
                        steps.iter().all(|step| all.any(|one| one == step))
                    })
            }
        };
        if !same {
            wrong.push(format!("offsets went {ours:#?}, not {recorded:#?}"));
        }
    }
    if let Some(configs) = case["task_configs"].as_array() {
        let recorded: Vec<Map<String, Value>> = configs.iter().map(object).collect();
        let ours: Vec<Map<String, Value>> = player
            .task_configs
            .iter()
            .map(|config| {
                ["tables", "tables.fetched"]
                    .into_iter()
                    .filter_map(|key| Some((key.to_owned(), Value::from(config.get(key)?))))
                    .collect()
            })
            .collect();
        if ours != recorded {
            wrong.push(format!("task configs {ours:?}, not {recorded:?}"));
        }
    }
    wrong
}

async fn play_all(recording: &str) {
    let wrong = play_cases(recording, async |database, case| {
        let mut config = database.config([("poll.interval.ms", "50"), ("connection.attempts", "1")]);
        for (key, value) in object(&case["config"]) {
            config.set(key, value.as_str().unwrap());
        }
        for (key, value) in object(&case["initial_config"]) {
            config.set_nullable(key, value.as_str().map(str::to_owned));
        }
        let mut player = Player::new(database, config);
        let played = play(case, &mut player).await;
        let to_fail = case["failed"] == true || case["refused"] == true;
        let problems = match (played, difference(case)) {
            (Err(error), Some(Refused(part))) if error.to_string().contains(part) => vec![],
            (Err(_), None) if to_fail => vec![],
            (Err(error), _) => vec![format!("failed: {error}")],
            (Ok(_), Some(Refused(_))) => vec!["was to be refused".to_owned()],
            (Ok(_), None) if to_fail => vec!["was to fail".to_owned()],
            (Ok(mut wrong), _) => {
                for (topic, values) in &expected_ends(case).0 {
                    let _ = player.wait_records(topic, values.len()).await;
                }
                wrong.extend(compare_ends(case, &player));
                wrong.extend(player.failures.iter().map(|failure| format!("row failure {failure}")));
                wrong
            }
        };
        player.stop().await;
        problems
    })
    .await;
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn timestamp_mode_is_as_recorded() {
    play_all(include_str!("../../../../tests/golden/jdbc/timestamp_mode.jsonl")).await;
}

#[tokio::test]
async fn offsets_are_read_and_written_as_recorded() {
    play_all(include_str!("../../../../tests/golden/jdbc/timestamp_offsets.jsonl")).await;
}
