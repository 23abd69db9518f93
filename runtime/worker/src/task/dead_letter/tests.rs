use arrow::array::{BinaryArray, Int64Array};
use millstream_api::{Batch, Column, Config, ErrorKind, Headers};
use rdkafka::message::Headers as _;
use serde_json::Value;

use super::*;
use crate::config_provider::Providers;

const STAGES: [Stage; 3] = [Stage::TaskPut, Stage::KeyConverter, Stage::ValueConverter];

fn recorded() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/topics/dead-letters.jsonl");
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn letters(tolerance: Tolerance, context_headers: bool) -> DeadLetters {
    DeadLetters {
        id: TaskId::new("s4", 0),
        queue: DeadLetterQueue { topic: "q".to_owned(), replication_factor: 1, context_headers },
        tolerance,
        hidden: Hidden::default(),
        acks: Arc::new(Acknowledgements::new(crate::testing::task_metrics())),
        producer: tokio::sync::RwLock::new(None),
        put: Mutex::default(),
    }
}

fn run(headers: Headers) -> RawRun {
    RawRun {
        origin: TopicPartition::new("t", 3),
        offsets: Int64Array::from(vec![10, 12, 13]),
        timestamps: Int64Array::from(vec![Some(7), None, Some(9)]),
        keys: BinaryArray::from(vec![Some(b"k".as_slice()), None, Some(b"")]),
        values: BinaryArray::from(vec![None, Some(b"v".as_slice()), Some(b"\xff")]),
        headers,
        seek: 0,
    }
}

fn batch(offsets: Vec<i64>) -> SinkBatch {
    let batch = Batch::of_values("t", Column::absent(offsets.len()));
    SinkBatch { batch, origin: TopicPartition::new("t", 3), offsets: offsets.into() }
}

fn failure(row: usize, kind: ErrorKind) -> RowFailure {
    RowFailure { row, error: Error::new(kind, format!("row {row}")) }
}

fn all_headers(letter: &OutLetter<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    letter.headers.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect()
}

#[test]
fn headers_are_those_of_kafka_connect() {
    for record in recorded() {
        let headers: Vec<(String, Option<String>)> = serde_json::from_value(record["headers"].clone()).unwrap();
        let (own, context) = headers.split_at(headers.len() - 10);
        assert!(own.iter().all(|(key, _)| !key.starts_with("__connect.")), "the record's own come first");
        let text = |name: &str| -> &'static str {
            let found = context.iter().find(|(key, _)| key == name).unwrap();
            found.1.clone().unwrap().leak()
        };
        let whose = Whose {
            topic: text("__connect.errors.topic"),
            partition: text("__connect.errors.partition").parse().unwrap(),
            offset: text("__connect.errors.offset").parse().unwrap(),
            connector: text("__connect.errors.connector.name"),
            task: text("__connect.errors.task.id").parse().unwrap(),
        };
        let stage = text("__connect.errors.stage");
        let reason = Reason {
            stage: STAGES.into_iter().find(|known| known.as_str() == stage).unwrap(),
            class: text("__connect.errors.class.name"),
            exception: text("__connect.errors.exception.class.name"),
            message: text("__connect.errors.exception.message").to_owned(),
            trace: text("__connect.errors.exception.stacktrace").to_owned(),
        };
        let ours = context_headers(&whose, &reason, &Hidden::default());
        let ours: Vec<_> = ours.into_iter().map(|(key, value)| (key.to_owned(), Some(value))).collect();
        assert_eq!(ours, context);
    }
}

#[test]
fn classes_are_those_clients_look_for() {
    let recorded = recorded();
    let of = |record: &Value, name: &str| {
        let headers = record["headers"].as_array().unwrap();
        headers.iter().find(|h| h[0] == name).unwrap()[1].as_str().unwrap().to_owned()
    };
    let class = "__connect.errors.class.name";
    let exception = "__connect.errors.exception.class.name";
    assert_eq!(of(&recorded[0], class), SINK_TASK);
    let of_kind = |error: &Error| Reason::of(Stage::ValueConverter, "X", error).exception;
    assert_eq!(of_kind(&Error::data("no text")), of(&recorded[2], exception));
    assert_eq!(of_kind(&Error::fatal("broken")), "org.apache.kafka.connect.errors.ConnectException");
    assert_eq!(of_kind(&Error::retriable("later")), "org.apache.kafka.connect.errors.RetriableException");
}

#[test]
fn a_letter_holds_the_record_as_it_was_read() {
    let header = |key: &str, value: Option<&'static [u8]>| {
        millstream_api::Header::raw(key, value.map(bytes::Bytes::from_static))
    };
    let own = vec![header("a", Some(b"\x00\xff")), header("a", None)];
    let run = run(Headers::from_rows([own, vec![], vec![]]));
    let reason = || Reason::of(Stage::TaskPut, SINK_TASK, &Error::data("bad").at("file f"));

    let plain = letters(Tolerance::All, false);
    let letter = plain.letter(&run, &Rejected { row: 0, reason: reason() });
    assert_eq!((letter.topic, letter.key, letter.value, letter.timestamp), ("q", Some(&b"k"[..]), None, Some(7)));
    assert_eq!(all_headers(&letter), [("a".to_owned(), Some(vec![0, 255])), ("a".to_owned(), None)]);
    let letter = plain.letter(&run, &Rejected { row: 1, reason: reason() });
    assert_eq!((letter.key, letter.value, letter.timestamp), (None, Some(&b"v"[..]), None));
    assert_eq!(letter.headers.count(), 0);

    let told = letters(Tolerance::All, true);
    let headers = all_headers(&told.letter(&run, &Rejected { row: 0, reason: reason() }));
    assert_eq!(headers.len(), 12);
    assert_eq!(headers[2], ("__connect.errors.topic".to_owned(), Some(b"t".to_vec())));
    assert_eq!(headers[4], ("__connect.errors.offset".to_owned(), Some(b"10".to_vec())));
    assert_eq!(headers[10].1.as_deref(), Some(b"bad (file f)".as_slice()));
}

#[test]
fn reports_are_found_by_offset_and_kept_once() {
    let letters = letters(Tolerance::All, false);
    let run = Arc::new(run(Headers::none()));
    letters.begin_put(&run);
    // The batch left out the row at offset 12.
    let reported = || letters.report(&batch(vec![10, 13]), &[failure(1, ErrorKind::Data)]).unwrap();
    reported();
    letters.begin_put(&run);
    reported();
    let rows = || letters.put.lock().reported.values().map(|rejected| rejected.row).collect::<Vec<_>>();
    assert_eq!(rows(), [2], "a repeated put reports the same record");
    letters.begin_put(&Arc::new(self::run(Headers::none())));
    assert!(rows().is_empty());
}

#[test]
fn a_report_that_fails_the_task_is_the_last() {
    let letters = letters(Tolerance::None, false);
    letters.begin_put(&Arc::new(run(Headers::none())));
    letters.report(&batch(vec![10, 12, 13]), &[failure(2, ErrorKind::Data), failure(1, ErrorKind::Data)]).unwrap();
    assert_eq!(letters.put.lock().reported.keys().copied().collect::<Vec<_>>(), [12]);
}

#[test]
fn a_record_that_is_not_there_is_not_lost_in_silence() {
    let letters = letters(Tolerance::All, false);
    assert!(letters.report(&batch(vec![10]), &[failure(0, ErrorKind::Data)]).is_err(), "no put");
    letters.begin_put(&Arc::new(run(Headers::none())));
    for (offsets, row) in [(vec![11], 0), (vec![10], 1)] {
        let error = letters.report(&batch(offsets), &[failure(row, ErrorKind::Data)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
}

#[test]
fn headers_do_not_show_what_config_providers_gave() {
    let worker: Config = [
        ("config.providers", "env"),
        ("config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider"),
    ]
    .into_iter()
    .collect();
    let variables = [("TOKEN".to_owned(), "hush-hush".to_owned())].into_iter();
    let providers = Providers::with_variables(&worker, variables).unwrap();
    let hidden = providers.resolve(&[("password", "${env:TOKEN}")].into_iter().collect()).unwrap().hidden;
    let letters = DeadLetters { hidden, ..letters(Tolerance::All, true) };
    let error = Error::data("refused hush-hush").at("as hush-hush");
    let run = run(Headers::none());
    let letter = letters.letter(&run, &Rejected { row: 0, reason: Reason::of(Stage::TaskPut, SINK_TASK, &error) });
    let headers = all_headers(&letter);
    let text = |at: usize| String::from_utf8(headers[at].1.clone().unwrap()).unwrap();
    assert_eq!(text(8), "refused ${env:TOKEN} (as ${env:TOKEN})");
    assert!(text(9).contains("${env:TOKEN}") && !text(9).contains("hush-hush"), "{}", text(9));
}
