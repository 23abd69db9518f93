//! The format of a scenario file. `tests/contract/README.md` describes it for those who write one.

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use millstream_testbed::{Context, Error, Result};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_saphyr::Spanned;

/// One file of `tests/contract`: scenario names and scenarios, after `let`, which holds what they share by YAML anchors.
#[derive(Debug)]
pub struct File(pub IndexMap<String, Scenario>);

/// A scenario: what is there before it, and its steps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What Millstream has to get before this scenario can hold on it.
    pub awaited: Option<String>,
    /// Topic -> number of partitions.
    #[serde(default)]
    pub topics: IndexMap<String, i32>,
    /// File in the scenario's folder -> its text.
    #[serde(default)]
    pub files: IndexMap<String, String>,
    /// A worker of its own; without it the scenario runs on the one that all share.
    pub worker: Option<OwnWorker>,
    pub steps: Vec<Spanned<Step>>,
}

/// How a worker of a scenario's own differs from the shared one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnWorker {
    /// Settings to add or replace; null takes one out.
    #[serde(default)]
    pub settings: IndexMap<String, Option<String>>,
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// A standalone worker; distributed if not given.
    #[serde(default)]
    pub standalone: bool,
    /// False: a step starts it.
    #[serde(default = "yes")]
    pub started: bool,
}

fn yes() -> bool {
    true
}

/// One step: a mapping of one name, which is a request (`GET /connectors`) or a verb.
#[derive(Debug)]
pub enum Step {
    Call { method: String, path: String, call: Box<Call> },
    Wait(String),
    Produce(Produce),
    Records(Records),
    Topic(IndexMap<String, IndexMap<String, Value>>),
    Append(IndexMap<String, Vec<String>>),
    Lines(IndexMap<String, Value>),
    Committed(Committed),
    Configs(Vec<IndexMap<String, Value>>),
    Offsets(Vec<IndexMap<String, Value>>),
    Statuses(IndexMap<String, Vec<Value>>),
    Newest(IndexMap<String, IndexMap<String, Value>>),
    Worker(WorkerStep),
}

/// A request and what its answer has to be like.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Another `host:port` than the worker's first listener.
    pub at: Option<String>,
    /// Null leaves out `Content-Type`, which a body has otherwise.
    #[serde(default)]
    pub headers: IndexMap<String, Option<String>>,
    /// A body as JSON.
    pub json: Option<Value>,
    /// A body as it is.
    pub body: Option<String>,
    /// Sent again until the answer is as expected.
    #[serde(default)]
    pub until: bool,
    pub status: Option<u16>,
    pub answer: Option<Value>,
    pub error: Option<String>,
    pub text: Option<Value>,
    pub invalid: Option<IndexMap<String, usize>>,
    #[serde(default)]
    pub answer_headers: IndexMap<String, Value>,
    /// The id of a known difference: then `java` or `millstream` says what differs.
    pub difference: Option<String>,
    pub java: Option<Expected>,
    pub millstream: Option<Expected>,
}

/// What an answer has to be like; what is not given is not looked at, and the status is 200.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub status: Option<u16>,
    /// Pattern of a JSON body.
    pub answer: Option<Value>,
    /// An error body whose message contains this.
    pub error: Option<String>,
    /// Pattern of the body as text.
    pub text: Option<Value>,
    /// The answer of a validation: these keys have this many errors, and no others have any.
    pub invalid: Option<IndexMap<String, usize>>,
    /// Header -> pattern of its text.
    #[serde(default)]
    pub answer_headers: IndexMap<String, Value>,
}

/// Records for a topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Produce {
    pub to: String,
    /// Values alone.
    #[serde(default)]
    pub values: Vec<String>,
    #[serde(default)]
    pub records: Vec<NewRecordText>,
}

/// A record to produce.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRecordText {
    pub key: Option<String>,
    pub value: Option<String>,
    /// `{name: value}`, or `[[name, value], ...]`; a value may be null.
    #[serde(default)]
    pub headers: Value,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
}

/// All records a topic has to hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    pub of: String,
    /// Patterns of their values.
    pub values: Option<Vec<Value>>,
    /// Patterns of `{key, value, headers, partition, timestamp}`, of which those named count.
    pub are: Option<Vec<Value>>,
}

/// Offsets a consumer group has to have committed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    pub group: String,
    pub topic: String,
    /// Partition -> offset.
    pub offsets: IndexMap<i32, i64>,
}

/// What happens to a worker of the scenario's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerStep {
    Start,
    /// Stops in good order and starts again.
    Restart,
    Stop,
    /// Ends without warning and starts again.
    Kill,
    /// Is started and ends by itself with this exit code.
    Exits(i32),
}

impl Call {
    /// What Java (or Millstream) has to answer.
    pub fn expected(&self, java: bool) -> Expected {
        let mut expected = Expected {
            status: self.status,
            answer: self.answer.clone(),
            error: self.error.clone(),
            text: self.text.clone(),
            invalid: self.invalid.clone(),
            answer_headers: self.answer_headers.clone(),
        };
        if let Some(own) = if java { &self.java } else { &self.millstream } {
            // A body that is said anew replaces the other forms of one.
            if own.answer.is_some() || own.error.is_some() || own.text.is_some() || own.invalid.is_some() {
                expected = Expected { answer: None, error: None, text: None, invalid: None, ..expected };
            }
            expected.answer = own.answer.clone().or(expected.answer);
            expected.error = own.error.clone().or(expected.error);
            expected.text = own.text.clone().or(expected.text);
            expected.invalid = own.invalid.clone().or(expected.invalid);
            expected.status = own.status.or(expected.status);
            expected.answer_headers.extend(own.answer_headers.clone());
        }
        expected
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of scenarios")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
        let mut scenarios = IndexMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "let" {
                map.next_value::<de::IgnoredAny>()?;
            } else if let Some(twice) = scenarios.insert(name, map.next_value::<Scenario>()?) {
                return Err(de::Error::custom(format!("a scenario name twice, with {} steps", twice.steps.len())));
            }
        }
        Ok(File(scenarios))
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<File, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: a mapping of one request or verb")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| de::Error::custom("an empty step"))?;
        let step = match name.as_str() {
            "wait" => Step::Wait(map.next_value()?),
            "produce" => Step::Produce(map.next_value()?),
            "records" => Step::Records(map.next_value()?),
            "topic" => Step::Topic(map.next_value()?),
            "append" => Step::Append(map.next_value()?),
            "lines" => Step::Lines(map.next_value()?),
            "committed" => Step::Committed(map.next_value()?),
            "configs" => Step::Configs(map.next_value()?),
            "offsets" => Step::Offsets(map.next_value()?),
            "statuses" => Step::Statuses(map.next_value()?),
            "newest" => Step::Newest(map.next_value()?),
            "worker" => Step::Worker(map.next_value()?),
            _ => {
                let (method, path) = name
                    .split_once(' ')
                    .filter(|(method, _)| method.bytes().all(|byte| byte.is_ascii_uppercase()))
                    .ok_or_else(|| de::Error::custom(format!("unknown step {name:?}")))?;
                let call = map.next_value::<CallForm>()?.0;
                Step::Call { method: method.to_owned(), path: path.to_owned(), call: Box::new(call) }
            }
        };
        match map.next_key::<String>()? {
            None => Ok(step),
            Some(other) => Err(de::Error::custom(format!("a second name in one step: {other:?}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Step, D::Error> {
        deserializer.deserialize_map(StepVisitor)
    }
}

/// A call is a status code, or a mapping.
struct CallForm(Call);

impl<'de> Visitor<'de> for CallForm {
    type Value = CallForm;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status code, or a mapping that describes a call")
    }

    fn visit_u64<E: de::Error>(self, status: u64) -> Result<CallForm, E> {
        let status = u16::try_from(status).map_err(|_| E::custom("no status code"))?;
        Ok(CallForm(Call { status: Some(status), ..Call::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CallForm, A::Error> {
        Call::deserialize(MapAccessDeserializer::new(map)).map(CallForm)
    }
}

impl<'de> Deserialize<'de> for CallForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CallForm, D::Error> {
        deserializer.deserialize_any(CallForm(Call::default()))
    }
}

/// The folder of the scenarios.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract")
}

/// One scenario and where it stands.
#[derive(Debug)]
pub struct Found {
    /// `file/scenario`.
    pub name: String,
    /// The file, as it is shown.
    pub file: String,
    pub scenario: Scenario,
}

/// All scenarios.
pub fn load() -> Result<Vec<Found>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).context(folder().display())? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.retain(|path| path.file_name().is_some_and(|name| name != super::difference::FILE));
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = format!("{stem}.yaml");
        let text = std::fs::read_to_string(&path).context(path.display())?;
        for (name, scenario) in read(&text).map_err(|error| error.context(&file))?.0 {
            found.push(Found { name: format!("{stem}/{name}"), file: file.clone(), scenario });
        }
    }
    Ok(found)
}

/// Reads the text of one file.
pub fn read(text: &str) -> Result<File> {
    serde_saphyr::from_str(text).map_err(|error| Error::new(error.to_string()))
}

#[test]
fn what_is_misspelt_is_refused_with_its_place() {
    for (text, reason) in [
        ("a: {step: []}", "unknown field `step`"),
        ("a:\n  steps:\n    - GET /: {stats: 200}", "unknown field `stats`"),
        ("a:\n  steps:\n    - get /: 200", "unknown step"),
        ("a:\n  steps:\n    - GET /: 70000", "no status code"),
        ("a:\n  steps:\n    - {GET /: 200, wait: GONE}", "a second name"),
        ("a: {steps: []}\na: {steps: []}", "duplicate"),
    ] {
        let refused = read(text).expect_err(text).to_string();
        assert!(refused.contains(reason) && refused.contains("line"), "{text}: {refused}");
    }
}
