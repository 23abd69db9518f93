//! Records that Apache Kafka Connect wrote, read and written back; and its settings of every connector.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

mod settings;
mod topics;

/// Lines of a golden file. Numbers that differ from run to run are texts like `<ts>` there; any number will do.
fn lines(file: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
    let text = text.replace("\\\"<ts>\\\"", "1700000000000");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

struct Record {
    partition: i64,
    offset: i64,
    key: String,
    value: Option<String>,
}

fn records(file: &str) -> Vec<Record> {
    let record = |line: Value| Record {
        partition: line["partition"].as_i64().unwrap(),
        offset: line["offset"].as_i64().unwrap(),
        key: line["key"].as_str().unwrap().to_owned(),
        value: line["value"].as_str().map(str::to_owned),
    };
    lines(file).into_iter().map(record).collect()
}

/// Records below the end offsets of a step that were not given out before.
fn up_to<'a>(records: &'a [Record], done: &mut BTreeMap<i64, i64>, ends: &Value) -> Vec<&'a Record> {
    let mut found = Vec::new();
    for record in records {
        let end = ends[record.partition.to_string()].as_i64().unwrap_or(0);
        let from = done.get(&record.partition).copied().unwrap_or(0);
        if (from..end).contains(&record.offset) {
            found.push(record);
        }
    }
    for (partition, end) in ends.as_object().unwrap() {
        done.insert(partition.parse().unwrap(), end.as_i64().unwrap());
    }
    found
}
