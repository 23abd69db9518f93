//! Converters and transformations in this process, on one thread: columns beside records.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use millstream_api::{Batch, Config, ConnectorKind, ConverterRole};
use millstream_plugins::Chain;
use millstream_testbed::{Error, Result};
use serde_json::Value;

use crate::figures::{Figure, Mark, Scenario};
use crate::machine::thread_cpu_seconds;
use crate::made_records::{self, CHAIN, converter_config};
use crate::median;
use crate::per_record::{PerRecord, Schemas};
use crate::plain_loop::Form;
use crate::topic::Payloads;

/// Distinct records; more of them would only take longer.
const RECORDS: usize = 40_000;
/// Records of a batch: what one poll of the datagen source makes; a sink's batches are up to four times as long.
const BATCH: usize = 1_000;
/// Records between two looks at the clock, one after another: few enough to stay in the processor's cache.
const GROUP: usize = 50;
const TOPIC: &str = "made";

/// CPU seconds of each step.
#[derive(Clone, Copy, Default)]
struct Steps {
    decode: f64,
    chain: f64,
    encode: f64,
}

impl Steps {
    fn all(self) -> f64 {
        self.decode + self.chain + self.encode
    }
}

type Step = (&'static str, fn(Steps) -> f64);

const STEPS: [Step; 4] = [
    ("decode", |steps| steps.decode),
    ("3 transformations", |steps| steps.chain),
    ("encode", |steps| steps.encode),
    ("all of it", Steps::all),
];

/// Measures both forms of records.
pub async fn run(scenario: &mut Scenario, repeat: usize) -> Result<()> {
    scenario.about = "JsonConverter, then ReplaceField, Cast and InsertField, then JsonConverter, on records of 12 fields in this process, one \
                      thread, no Kafka; beside it the same work on one serde_json value after another. MB are bytes of the records \
                      as they stand in the topic, per CPU second of the thread";
    for (form, what) in [(Form::Envelope, "envelopes"), (Form::Plain, "plain JSON")] {
        let payloads = Arc::new(made_records::payloads(form, RECORDS).await?);
        let size = payloads.byte_size() / payloads.len();
        let by_record = match form {
            Form::Envelope => &[Schemas::OfEachRecord, Schemas::Kept][..],
            Form::Plain => &[Schemas::None],
        };
        let mut ours = Vec::new();
        let mut theirs = vec![Vec::new(); by_record.len()];
        // In turn, so that all meet the same moments of the machine.
        for turn in 0..repeat {
            let (columns, records) = tokio::task::spawn_blocking({
                let payloads = payloads.clone();
                move || -> Result<_> {
                    if turn == 0 {
                        check(&payloads, form, by_record)?;
                    }
                    let records = by_record.iter().map(|schemas| by_records(&payloads, *schemas));
                    Ok((by_columns(&payloads, form)?, records.collect::<Result<Vec<_>>>()?))
                }
            })
            .await??;
            ours.push(columns);
            theirs.iter_mut().zip(records).for_each(|(all, one)| all.push(one));
        }
        let megabytes = payloads.byte_size() as f64 / 1e6;
        for (schemas, theirs) in by_record.iter().zip(&theirs) {
            for (name, of) in STEPS {
                let value = megabytes / median(ours.iter().map(|steps| of(*steps)).collect())?;
                let peer = megabytes / median(theirs.iter().map(|steps| of(*steps)).collect())?;
                let (peer_name, mark) = match schemas {
                    Schemas::OfEachRecord => ("record by record, each schema parsed", Some(FIVE)),
                    Schemas::Kept => ("record by record, the last schema kept", None),
                    Schemas::None => ("record by record", Some(FIVE)),
                };
                let mut figure = Figure::new(format!("{name}, {what}"), value, "MB/s").beside(peer_name, peer);
                figure.mark = mark;
                scenario.figures.push(figure);
            }
        }
        scenario.notes.push(format!("{what}: {size} bytes a record, {RECORDS} records; medians of {repeat} runs"));
    }
    scenario.notes.push(
        "schemaless records stay text between the steps here, and are a parsed map there: decoding notes where the entries stand, the \
         transformations copy them, and encoding has nothing left to do; the row for all of it is the fair one"
            .to_owned(),
    );
    Ok(())
}

const FIVE: Mark = Mark::ShareAtLeast(5.0);

fn chain() -> Result<Chain> {
    Ok(Chain::from_config(&Config::from_iter(CHAIN), ConnectorKind::Source)?)
}

fn by_columns(payloads: &Payloads, form: Form) -> Result<Steps> {
    let mut steps = Steps::default();
    columns(payloads, form, |decode, chain, encode, _| {
        steps.decode += decode;
        steps.chain += chain;
        steps.encode += encode;
        Ok(())
    })?;
    Ok(steps)
}

/// Calls `done` with the CPU seconds of each step and the bytes, batch after batch.
fn columns(
    payloads: &Payloads,
    form: Form,
    mut done: impl FnMut(f64, f64, f64, &BinaryArray) -> Result<()>,
) -> Result<()> {
    let json = || {
        let mut converter = millstream_plugins::converter("org.apache.kafka.connect.json.JsonConverter")?;
        converter.configure(&converter_config(form), ConverterRole::Value)?;
        Ok::<_, Error>(converter)
    };
    let (mut reader, mut chain, mut writer) = (json()?, chain()?, json()?);
    for batch in made_records::batches(payloads, BATCH) {
        let start = thread_cpu_seconds()?;
        let decoded = reader.decode(TOPIC, &batch);
        let after_decode = thread_cpu_seconds()?;
        if let Some(failure) = decoded.failures.first() {
            return Err(Error::new(format!("row {} was not decoded: {}", failure.row, failure.error)));
        }
        for run in decoded.runs {
            let before_chain = thread_cpu_seconds()?;
            let output = chain.apply(Batch::of_values(TOPIC, run.column));
            let mut after_chain = thread_cpu_seconds()?;
            if let Some(failure) = output.failures.first() {
                return Err(Error::new(format!("row {} was not transformed: {}", failure.row, failure.error)));
            }
            let (mut decode, mut in_chain) = (after_decode - start, after_chain - before_chain);
            for (part, _) in output.parts {
                let encoded = writer.encode(TOPIC, &part.value);
                // As for the records: the end of the batch is part of the work.
                drop(part);
                let end = thread_cpu_seconds()?;
                if let Some(failure) = encoded.failures.first() {
                    return Err(Error::new(format!("row {} was not encoded: {}", failure.row, failure.error)));
                }
                done(std::mem::take(&mut decode), std::mem::take(&mut in_chain), end - after_chain, &encoded.payloads)?;
                after_chain = thread_cpu_seconds()?;
            }
        }
    }
    Ok(())
}

fn by_records(payloads: &Payloads, schemas: Schemas) -> Result<Steps> {
    let mut program = PerRecord::new(schemas);
    let all: Vec<&[u8]> = payloads.iter().collect();
    let mut steps = Steps::default();
    let mut bytes = 0;
    for group in all.chunks(GROUP) {
        let start = thread_cpu_seconds()?;
        let records = group.iter().map(|payload| program.decode(payload)).collect::<Result<Vec<_>>>()?;
        let after_decode = thread_cpu_seconds()?;
        let records = records.into_iter().map(|record| program.transform(record)).collect::<Result<Vec<_>>>()?;
        let after_chain = thread_cpu_seconds()?;
        for record in records {
            bytes += program.encode(record)?.len();
        }
        let end = thread_cpu_seconds()?;
        steps.decode += after_decode - start;
        steps.chain += after_chain - after_decode;
        steps.encode += end - after_chain;
    }
    std::hint::black_box(bytes);
    Ok(steps)
}

/// An error unless both ways make the same records.
fn check(payloads: &Payloads, form: Form, by_record: &[Schemas]) -> Result<()> {
    let mut ours = Vec::new();
    columns(payloads, form, |_, _, _, encoded| {
        ours.extend((0..encoded.len()).map(|row| encoded.value(row).to_vec()));
        Ok(())
    })?;
    for schemas in by_record {
        let mut program = PerRecord::new(*schemas);
        for (index, (payload, ours)) in payloads.iter().zip(&ours).enumerate() {
            let record = program.decode(payload)?;
            let record = program.transform(record)?;
            let theirs: Value = serde_json::from_slice(&program.encode(record)?)?;
            let ours: Value = serde_json::from_slice(ours)?;
            if ours != theirs {
                return Err(Error::new(format!("record {index} by columns:\n{ours}\nby records:\n{theirs}")));
            }
        }
    }
    if ours.len() == payloads.len() { Ok(()) } else { Err(Error::new("records were lost on the way")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn columns_and_records_make_the_same_bytes() -> Result<()> {
        for (form, schemas) in
            [(Form::Envelope, &[Schemas::OfEachRecord, Schemas::Kept][..]), (Form::Plain, &[Schemas::None])]
        {
            check(&made_records::payloads(form, 2_500).await?, form, schemas)?;
        }
        Ok(())
    }
}
