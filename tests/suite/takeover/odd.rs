//! Topics full of records that are old, late, incomplete or broken: both workers start on them and make the same of them.

use std::collections::BTreeMap;

use millstream_testbed::poll::until;
use millstream_testbed::{Context, Error, NewRecord, Result, Topics, Worker, WorkerProperties, rest, shared, unique};
use serde_json::{Value, json};

use crate::mask::differences;
use crate::scenario::{Kind, LIMIT};

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
    let settled = until("the recorded answers", LIMIT, || async {
        let differing = differences(("recorded", "answered"), &recorded, &answers(&worker).await?);
        if differing.is_empty() { Ok(Some(())) } else { Err(Error::new(differing.join("\n"))) }
    });
    settled.await.map_err(|error| error.with_log(&worker.log()))?;
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
    answer_line(
        line["connector"].as_str().unwrap_or_default(),
        line["question"].as_str().unwrap_or_default(),
        own.unwrap_or(&line["java"]),
    )
}

fn answer_line(connector: &str, question: &str, answer: &Value) -> String {
    json!({"connector": connector, "question": question, "java": answer}).to_string()
}

/// What a worker says of every connector, without what differs from run to run.
async fn answers(worker: &Worker) -> Result<Vec<String>> {
    let id = worker.rest().base().trim_start_matches("http://");
    let mut all = Vec::new();
    let mut names = worker.rest().list().await?;
    names.sort();
    for name in names {
        let path = rest::path_of(&name);
        for question in ["", "/tasks", "/status", "/topics", "/offsets"] {
            let answer = worker.rest().get(&format!("{path}{question}")).await?;
            if answer.status != 200 {
                all.push(answer_line(&name, question, &json!({"code": answer.status})));
                continue;
            }
            let mut body = answer.json()?;
            // Java lists these in the order of a hash map.
            for list in ["/offsets".to_owned(), format!("/{name}/topics")] {
                if let Some(list) = body.pointer_mut(&list).and_then(Value::as_array_mut) {
                    list.sort_by_key(Value::to_string);
                }
            }
            all.push(answer_line(&name, question, &comparable(&body, id)));
        }
    }
    Ok(all)
}

/// The same value with the fields of all maps by name, without versions, and with a placeholder for the worker.
fn comparable(value: &Value, worker: &str) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| match key.as_str() {
                "version" if value.is_string() => (key.clone(), json!("<version>")),
                _ => (key.clone(), comparable(value, worker)),
            });
            Value::Object(fields.collect::<BTreeMap<_, _>>().into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|item| comparable(item, worker)).collect(),
        Value::String(text) if text == worker => json!("<worker>"),
        other => other.clone(),
    }
}
