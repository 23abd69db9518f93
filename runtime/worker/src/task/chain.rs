//! What stands between a task and the bytes in Kafka: the converters of keys, values and headers, and the transformations.

use arrow::array::{BinaryArray, Int64Array, UInt32Array};
use millstream_api::{
    Batch, Config, ConnectorKind, Consumed, Converter, ConverterRole, Decoded, DecodedRun, Encoded, ErrorKind, Headers,
    Result, RowFailure, SinkBatch,
};
use millstream_core::delivery::Stage;
use millstream_core::settings::ConverterSettings;
use millstream_plugins::{Chain, ChainOutput, decode_headers, encode_headers};

use super::failures::{FailurePolicy, StageFailure};
use super::supervise::TaskSpec;
use crate::kafka::consumer::RawRun;
use crate::observe::metrics;

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// The plugins of one task, configured. Used from the thread that sends or fetches.
pub struct Plugins {
    keys: Named,
    values: Named,
    headers: Named,
    /// `None` without transformations: nothing is paid for them.
    chain: Option<Chain>,
    failures: FailurePolicy,
}

struct Named {
    /// Java's full name of the class.
    class: &'static str,
    converter: Box<dyn Converter>,
}

/// Records as Kafka takes them: one of each per row.
pub struct Written {
    /// Keys.
    pub keys: BinaryArray,
    /// Values.
    pub values: BinaryArray,
    /// Headers, all of them bytes.
    pub headers: Headers,
}

/// Records to be sent, and the rows they were in what was transformed; `None`: the same.
pub type Part = (Batch, Option<UInt32Array>);

/// A run of records as columns. Failed rows are still in it.
pub struct Read {
    /// Keys, cut where their schema changes.
    pub keys: Vec<DecodedRun>,
    /// Values, cut where their schema changes.
    pub values: Vec<DecodedRun>,
    /// Headers, all of them values.
    pub headers: Headers,
}

impl Plugins {
    /// As the connector's configuration says. Errors name the key.
    pub fn of(spec: &TaskSpec, kind: ConnectorKind, failures: FailurePolicy) -> Result<Self> {
        let settings = &spec.settings;
        let converter = |setting: &ConverterSettings, role| {
            let make = match role {
                ConverterRole::Header => millstream_plugins::header_converter,
                ConverterRole::Key | ConverterRole::Value => millstream_plugins::converter,
            };
            let mut converter = make(&setting.class)?;
            converter.configure(&setting.config, role)?;
            Ok(Named { class: java_class(&setting.class), converter })
        };
        let chain = Chain::from_config(&settings.chain, kind)?;
        Ok(Self {
            keys: converter(&settings.key_converter, ConverterRole::Key)?,
            values: converter(&settings.value_converter, ConverterRole::Value)?,
            headers: converter(&settings.header_converter, ConverterRole::Header)?,
            chain: (!chain.is_empty()).then_some(chain),
            failures,
        })
    }

    /// Converters that write any record, whatever its connector uses: JSON with schemas. No transformations.
    pub fn json(failures: FailurePolicy) -> Result<Self> {
        let json = |make: fn(&str) -> Result<Box<dyn Converter>>, role| {
            let mut converter = make(JSON)?;
            converter.configure(&Config::default(), role)?;
            Ok(Named { class: JSON, converter })
        };
        Ok(Self {
            keys: json(millstream_plugins::converter, ConverterRole::Key)?,
            values: json(millstream_plugins::converter, ConverterRole::Value)?,
            headers: json(millstream_plugins::header_converter, ConverterRole::Header)?,
            chain: None,
            failures,
        })
    }

    /// What the transformations make of a source's batch: batches in the order in which they are to be sent, none of them empty, each with
    /// the rows it had in the input (`None`: as they were); and the rows of the input that could not be transformed. Rows in neither were
    /// dropped on purpose.
    pub fn transform(&mut self, batch: Batch) -> Result<(Vec<Part>, Vec<StageFailure>)> {
        let Some(chain) = &mut self.chain else {
            let all = if batch.is_empty() { Vec::new() } else { vec![(batch, None)] };
            return Ok((all, Vec::new()));
        };
        let output = applied(&self.failures, || chain.apply(batch.clone()))?;
        let parts = output.parts.into_iter().map(|(part, rows)| (part, Some(rows)));
        Ok((parts.collect(), failed(output.failures)))
    }

    /// What the transformations make of consumed batches, each with its origin and its offsets as they were. The rows of failures are those
    /// of `run`.
    pub fn transform_consumed(
        &mut self,
        batches: Vec<SinkBatch>,
        run: &RawRun,
        failures: &mut Vec<StageFailure>,
    ) -> Result<Vec<SinkBatch>> {
        let Some(chain) = &mut self.chain else { return Ok(batches) };
        let mut transformed = Vec::with_capacity(batches.len());
        for SinkBatch { batch, origin, offsets } in batches {
            let consumed = Consumed { partition: origin.partition, offsets: &offsets };
            let output = applied(&self.failures, || chain.apply_consumed(batch.clone(), consumed))?;
            let offset_of = |row: usize| offsets.values().get(row).copied();
            transformed.extend(output.parts.into_iter().map(|(batch, rows)| {
                let kept = rows.values().iter().filter_map(|row| offset_of(*row as usize));
                SinkBatch { batch, origin: origin.clone(), offsets: Int64Array::from_iter_values(kept) }
            }));
            failures.extend(failed(output.failures).into_iter().filter_map(|mut failure| {
                failure.row = run.offsets.values().binary_search(&offset_of(failure.row)?).ok()?;
                Some(failure)
            }));
        }
        Ok(transformed)
    }

    /// A batch as bytes, and the rows that could not be converted; those are null in what is written.
    pub fn encode(&mut self, batch: &Batch) -> Result<(Written, Vec<StageFailure>)> {
        let Self { keys, values, headers, failures: policy, .. } = self;
        let topic = &batch.topic;
        let mut failures = Vec::new();
        let written = policy.metrics.timed(metrics::Stage::Encode, || {
            // In the order of Kafka Connect: the first failure of a row is the one that is told.
            let (raw, bad) = policy.again(headers_for_now, || {
                encode_headers(headers.converter.as_mut(), topic, &batch.headers, batch.len())
            })?;
            failures.extend(headers.failed(Stage::HeaderConverter, bad));
            let key =
                policy.again(|done: &Encoded| for_now(&done.failures), || keys.converter.encode(topic, &batch.key))?;
            failures.extend(keys.failed(Stage::KeyConverter, key.failures));
            let value = policy
                .again(|done: &Encoded| for_now(&done.failures), || values.converter.encode(topic, &batch.value))?;
            failures.extend(values.failed(Stage::ValueConverter, value.failures));
            Ok(Written { keys: key.payloads, values: value.payloads, headers: raw })
        })?;
        Ok((written, StageFailure::one_a_row(failures)))
    }

    /// Consumed bytes as columns. The failures are in the order in which Kafka Connect meets them.
    pub fn decode(&mut self, run: &RawRun) -> Result<(Read, Vec<StageFailure>)> {
        let Self { keys, values, headers, failures: policy, .. } = self;
        let (topic, rows) = (&run.origin.topic, run.offsets.len());
        let mut failures = Vec::new();
        let read = policy.metrics.timed(metrics::Stage::Decode, || {
            let key =
                policy.again(|done: &Decoded| for_now(&done.failures), || keys.converter.decode(topic, &run.keys))?;
            failures.extend(keys.failed(Stage::KeyConverter, key.failures));
            let value = policy
                .again(|done: &Decoded| for_now(&done.failures), || values.converter.decode(topic, &run.values))?;
            failures.extend(values.failed(Stage::ValueConverter, value.failures));
            let (typed, bad) = policy
                .again(headers_for_now, || decode_headers(headers.converter.as_mut(), topic, &run.headers, rows))?;
            failures.extend(headers.failed(Stage::HeaderConverter, bad));
            Ok(Read { keys: key.runs, values: value.runs, headers: typed })
        })?;
        failures.retain(|failure| failure.row < rows);
        Ok((read, failures))
    }
}

impl Named {
    fn failed(&self, stage: Stage, failures: Vec<RowFailure>) -> impl Iterator<Item = StageFailure> {
        let class = self.class;
        failures.into_iter().map(move |RowFailure { row, error }| StageFailure { row, stage, class, error })
    }
}

fn applied(policy: &FailurePolicy, mut apply: impl FnMut() -> ChainOutput) -> Result<ChainOutput> {
    let for_now = |output: &ChainOutput| output.failures.iter().filter(|failure| failure.error.is_retriable()).count();
    policy.metrics.timed(metrics::Stage::Transform, || policy.again(for_now, &mut apply))
}

fn failed(failures: Vec<millstream_plugins::ChainFailure>) -> Vec<StageFailure> {
    let failed = |failure: millstream_plugins::ChainFailure| StageFailure {
        row: failure.row,
        stage: Stage::Transformation,
        class: failure.class,
        error: failure.error.at(format!("transformation {}", failure.alias)),
    };
    failures.into_iter().map(failed).collect()
}

fn for_now(failures: &[RowFailure]) -> usize {
    failures.iter().filter(|failure| failure.error.kind() == ErrorKind::Retriable).count()
}

fn headers_for_now((_, failures): &(Headers, Vec<RowFailure>)) -> usize {
    for_now(failures)
}

/// The full name of a converter that may be named in short.
pub(super) fn java_class(name: &str) -> &'static str {
    let found = millstream_plugins::plugin_list().into_iter().map(|(_, info)| info).find(|info| info.is_named(name));
    // The converter was made by that name before.
    found.map_or("org.apache.kafka.connect.storage.Converter", |info| info.class)
}
