//! What a worker says of all its connectors, as far as two workers on the same topics must say the same.

use std::collections::BTreeMap;

use millstream_testbed::poll::until;
use millstream_testbed::{Error, Result, Worker, rest};
use serde_json::{Value, json};

use crate::mask::differences;
use crate::scenario::LIMIT;

/// One answer about one connector.
pub fn line(connector: &str, question: &str, answer: &Value) -> String {
    json!({"connector": connector, "question": question, "java": answer}).to_string()
}

/// The answers to every question about every connector, by name.
pub async fn answers(worker: &Worker) -> Result<Vec<String>> {
    let id = worker.rest().base().trim_start_matches("http://");
    let mut all = Vec::new();
    let mut names = worker.rest().list().await?;
    names.sort();
    for name in names {
        let path = rest::path_of(&name);
        for question in ["", "/tasks", "/status", "/topics", "/offsets"] {
            let answer = worker.rest().get(&format!("{path}{question}")).await?;
            if answer.status != 200 {
                all.push(line(&name, question, &json!({"code": answer.status})));
                continue;
            }
            let mut body = comparable(&answer.json()?, id);
            // Java lists these in the order of a hash map.
            for list in ["/offsets".to_owned(), format!("/{name}/topics")] {
                if let Some(list) = body.pointer_mut(&list).and_then(Value::as_array_mut) {
                    list.sort_by_key(Value::to_string);
                }
            }
            all.push(line(&name, question, &body));
        }
    }
    Ok(all)
}

/// Waits until a worker answers just this.
pub async fn wait_answers(worker: &Worker, wanted: &[String]) -> Result<()> {
    let settled = until("the same answers", LIMIT, || async {
        let differing = differences(("wanted", "answered"), wanted, &answers(worker).await?);
        if differing.is_empty() { Ok(Some(())) } else { Err(Error::new(differing.join("\n"))) }
    });
    settled.await.map_err(|error| error.with_log(&worker.log()))
}

/// The same value with the fields of all maps by name, without versions and traces, and with a placeholder for the worker.
fn comparable(value: &Value, worker: &str) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| match key.as_str() {
                // Of Java's failures the version may be unknown; ours is always known.
                "version" => (key.clone(), json!("<version>")),
                "trace" if value.is_string() => (key.clone(), json!("<trace>")),
                _ => (key.clone(), comparable(value, worker)),
            });
            Value::Object(fields.collect::<BTreeMap<_, _>>().into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|item| comparable(item, worker)).collect(),
        Value::String(text) if text == worker => json!("<worker>"),
        other => other.clone(),
    }
}
