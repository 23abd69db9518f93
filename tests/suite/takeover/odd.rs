//! Topics full of records that are old, late, incomplete or broken: both workers start on them and make the same of them.

use std::collections::BTreeMap;

use millstream_testbed::{Context, NewRecord, Result, Topics, WorkerProperties, shared, unique};
use serde_json::Value;

use super::answers::{self, wait_answers};
use crate::scenario::Kind;

const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/topics/odd-records.jsonl");
const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/topics/odd-answers.jsonl");

#[tokio::test]
async fn odd_records_are_read_by_millstream_as_recorded() -> Result<()> {
    read_by(Kind::Millstream).await
}

#[tokio::test]
async fn odd_records_are_read_by_java_as_recorded() -> Result<()> {
    read_by(Kind::Java).await
}

async fn read_by(kind: Kind) -> Result<()> {
    let kafka = shared().kafka().await?;
    let group = unique("odd");
    let topics = Topics::new(kafka.bootstrap());
    let mut records: BTreeMap<String, Vec<NewRecord>> = BTreeMap::new();
    for line in lines_of(RECORDS)? {
        let text = |field: &str| line[field].as_str().map(str::to_owned);
        let key = text("key").unwrap_or_default();
        let record = text("value").map_or_else(|| NewRecord::tombstone(key.clone()), NewRecord::value).key(key);
        records.entry(text("topic").unwrap_or_default()).or_default().push(record);
    }
    for (name, partitions) in [("configs", 1), ("offsets", 3), ("status", 1)] {
        let topic = format!("{group}-{name}");
        topics.create(&topic, partitions, &[("cleanup.policy", "compact")]).await?;
        topics.produce(&topic, records.remove(name).unwrap_or_default()).await?;
    }
    let worker = kind.start(WorkerProperties::distributed(&kafka.bootstrap(), &group)).await?;
    let recorded: Vec<String> = lines_of(ANSWERS)?.iter().map(|line| recorded_line(line, kind)).collect();
    wait_answers(&worker, &recorded).await?;
    assert_eq!(worker.terminate().await?, kind.stopped(), "{}", worker.log_tail());
    if kind == Kind::Millstream {
        let log = worker.log_text()?;
        for key in ["connector-conn-bad-json", "task-bad-task-0", "status-task-plain-14", "nonsense"] {
            let told: Vec<_> = log.lines().filter(|line| line.contains(key) && line.contains("is ignored")).collect();
            assert!(!told.is_empty() && told.iter().all(|line| line.contains("offset=")), "{key}: {told:?}");
        }
        let told = |key: &str| log.lines().filter(|line| line.contains(key)).count();
        assert_eq!(told("connector-conn-bad-json"), 1, "once");
        assert!(!log.contains("hunter2"), "no values");
    }
    Ok(())
}

fn lines_of(file: &str) -> Result<Vec<Value>> {
    std::fs::read_to_string(file).context(file)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What Java answered, or ours where a difference is meant to be.
fn recorded_line(line: &Value, kind: Kind) -> String {
    let own = line.get("millstream").filter(|_| kind == Kind::Millstream);
    let text = |field: &str| line[field].as_str().unwrap_or_default();
    answers::line(text("connector"), text("question"), own.unwrap_or(&line["java"]))
}
