//! Records of a recorded case.

use serde_json::Value;

/// A record as it was produced, with its offset.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
    pub(super) headers: Vec<String>,
}

/// All records of a case, in produce order.
pub(super) fn records(case: &Value) -> Vec<Record> {
    let first_topic =
        case["config"]["topics"].as_str().unwrap_or_default().split(',').next().unwrap_or_default().trim();
    let mut all = Vec::new();
    for entry in case["records"].as_array().into_iter().flatten() {
        match entry.get("generate") {
            Some(generate) => generated(generate, first_topic, &mut all),
            None => all.push(Record {
                topic: entry["topic"].as_str().unwrap_or(first_topic).to_owned(),
                partition: entry["partition"].as_i64().unwrap_or(0) as i32,
                offset: 0,
                key: entry["key"].as_str().map(str::to_owned),
                value: entry["value"].as_str().map(str::to_owned),
                headers: entry["headers"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|header| header[0].as_str().map(str::to_owned))
                    .collect(),
            }),
        }
    }
    let mut next = std::collections::HashMap::new();
    for record in &mut all {
        let offset = next.entry((record.topic.clone(), record.partition)).or_insert(0);
        record.offset = *offset;
        *offset += 1;
    }
    all
}

fn generated(generate: &Value, first_topic: &str, all: &mut Vec<Record>) {
    let int = |key: &str| generate[key].as_i64().unwrap_or(0);
    let partitions: Vec<i64> =
        generate["partitions"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    for n in 0..int("count") {
        let place = |list: usize| usize::try_from(n).unwrap() % list;
        let fill = |template: &Value| {
            let mut text = template.as_str()?.to_owned();
            text = text.replace("{pad}", &"x".repeat(generate["pad"].as_u64().unwrap_or(0) as usize));
            for (name, words) in generate["cycles"].as_object().into_iter().flatten() {
                let words = words.as_array().unwrap();
                let word = &words[place(words.len())];
                let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
                text = text.replace(&format!("{{{name}}}"), &word);
            }
            let timestamp = int("start_timestamp_ms") + n * int("step_ms");
            Some(text.replace("{i}", &(int("first_i") + n).to_string()).replace("{ts}", &timestamp.to_string()))
        };
        all.push(Record {
            topic: generate["topic"].as_str().unwrap_or(first_topic).to_owned(),
            partition: if partitions.is_empty() { 0 } else { partitions[place(partitions.len())] as i32 },
            offset: 0,
            key: fill(&generate["key"]),
            value: fill(&generate["value"]),
            headers: Vec::new(),
        });
    }
}
