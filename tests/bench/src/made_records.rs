//! Records of the datagen source, made in this process: 12 fields, and the chain of transformations that changes them.

use std::sync::Arc;

use arrow::array::BinaryArray;
use millstream_api::{Config, ConverterRole, MemoryBudget, SourceTaskContext, Task, TaskId};
use millstream_testbed::{Context, Error, Result};
use serde_json::{Value, json};

use crate::plain_loop::Form;
use crate::read_encode::Nobody;
use crate::topic::Payloads;

const BUDGET: usize = 256 << 20;

/// Three transformations people use: a field goes and one gets another name, two get another type, a constant comes.
pub const CHAIN: [(&str, &str); 9] = [
    ("transforms", "replace,cast,insert"),
    ("transforms.replace.type", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
    ("transforms.replace.exclude", "birthday"),
    ("transforms.replace.renames", "account:account_id"),
    ("transforms.cast.type", "org.apache.kafka.connect.transforms.Cast$Value"),
    ("transforms.cast.spec", "quantity:int64,account_id:string"),
    ("transforms.insert.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
    ("transforms.insert.static.field", "origin"),
    ("transforms.insert.static.value", "bench"),
];

/// The configuration of a datagen source that makes this many records.
pub fn source_config(topic: &str, records: u64) -> Value {
    json!({
        "connector.class": "io.millstream.connect.datagen.DatagenSourceConnector",
        "tasks.max": "1", "topic": topic, "max.rows": records.to_string(),
    })
}

/// The settings of a JsonConverter.
pub fn converter_config(form: Form) -> Config {
    let (schemas, decimals) = match form {
        Form::Envelope => ("true", "BASE64"),
        Form::Plain => ("false", "NUMERIC"),
    };
    [("schemas.enable", schemas), ("decimal.format", decimals)].into_iter().collect()
}

/// As many payloads as the datagen source and the JsonConverter make of them.
pub async fn payloads(form: Form, records: usize) -> Result<Payloads> {
    let plugin = millstream_datagen::source();
    let settings = source_config("made", records as u64);
    let settings = settings.as_object().into_iter().flatten();
    let config: Config = settings.map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned))).collect();
    let Task::Source(mut task) = plugin.task() else { return Err(Error::new("the connector is no source")) };
    let context = SourceTaskContext {
        id: TaskId::new("bench", 0),
        config,
        offsets: Arc::new(Nobody),
        budget: MemoryBudget::new(BUDGET),
    };
    task.start(context).await.context("starting the task")?;
    let mut converter = millstream_plugins::converter("org.apache.kafka.connect.json.JsonConverter")?;
    converter.configure(&converter_config(form), ConverterRole::Value)?;
    let mut payloads = Payloads::default();
    while payloads.len() < records {
        for batch in task.poll().await.context("making records")? {
            let encoded = converter.encode(&batch.batch.topic, &batch.batch.value);
            if let Some(failure) = encoded.failures.first() {
                return Err(Error::new(format!("row {} was not encoded: {}", failure.row, failure.error)));
            }
            payloads.extend(&encoded.payloads);
        }
    }
    Ok(payloads)
}

/// The payloads in batches of this many, as a converter takes them.
pub fn batches(payloads: &Payloads, rows: usize) -> Vec<BinaryArray> {
    let all: Vec<&[u8]> = payloads.iter().collect();
    all.chunks(rows).map(|chunk| BinaryArray::from_iter_values(chunk.iter())).collect()
}
