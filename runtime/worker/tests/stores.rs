//! Topic logs and stores on a real broker.

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, ErrorKind, OffsetMap, SourceOffset, SourcePartition, TaskId};
use millstream_core::cluster::{Change, ConfigRecord, State, Status, StatusKey, TargetState, TopicStatus};
use millstream_core::settings::WorkerConfig;
use millstream_testbed::{Kafka, NewRecord, Topics, shared, unique};
use millstream_worker::kafka::client_config::{ClientRole, worker_client};
use millstream_worker::kafka::topic_log::{CONSUMER, PRODUCER};
use millstream_worker::kafka::{Admin, LogRecord, TopicLog};
use millstream_worker::store::Stores;
use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Settings of a worker whose topics (`<group>-configs` and so on) no other test has.
fn worker(kafka: &Kafka, more: &[(&str, &str)]) -> WorkerConfig {
    let group = unique("stores");
    let topic = |name: &str| format!("{group}-{name}");
    let (bootstrap, configs, offsets, status) =
        (kafka.bootstrap(), topic("configs"), topic("offsets"), topic("status"));
    let needed = [
        ("bootstrap.servers", bootstrap.as_str()),
        ("group.id", &group),
        ("config.storage.topic", &configs),
        ("offset.storage.topic", &offsets),
        ("status.storage.topic", &status),
        ("config.storage.replication.factor", "1"),
        ("offset.storage.replication.factor", "1"),
        ("status.storage.replication.factor", "1"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ];
    WorkerConfig::parse(&needed.iter().chain(more).copied().collect::<Config>()).unwrap()
}

fn topic(worker: &WorkerConfig, name: &str) -> String {
    format!("{}-{name}", worker.group_id().unwrap())
}

type Seen = Arc<Mutex<Vec<(i32, i64, String, Option<String>)>>>;

async fn open_log(worker: &WorkerConfig, topic: &str, partitions: i32, isolation: &str) -> (TopicLog, Seen) {
    let mut consumer: Vec<_> = CONSUMER.iter().copied().filter(|(key, _)| *key != "isolation.level").collect();
    consumer.extend([("group.id", "g"), ("isolation.level", isolation)]);
    let consumer = worker_client(ClientRole::Consumer, worker, "test", &consumer).unwrap();
    let producer = worker_client(ClientRole::Producer, worker, "test", &PRODUCER).unwrap();
    let seen = Seen::default();
    let take = seen.clone();
    let on_record = move |record: LogRecord<'_>| {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        take.lock().push((record.partition, record.offset, text(record.key.unwrap()), record.value.map(text)));
    };
    let log = TopicLog::open(topic, partitions, &consumer, &producer, on_record).await.unwrap();
    (log, seen)
}

fn values(seen: &Seen) -> Vec<Option<String>> {
    seen.lock().iter().map(|(_, _, _, value)| value.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_reads_everything_then_what_is_added() {
    let kafka = shared().kafka().await.unwrap();
    let (worker, topics) = (worker(kafka, &[]), Topics::new(kafka.bootstrap()));
    let name = unique("log");
    topics.create(&name, 3, &[("cleanup.policy", "compact")]).await.unwrap();
    let before = (0..500).map(|n| NewRecord::value(format!("v{n}")).key(format!("k{n}")));
    topics.produce(&name, before).await.unwrap();

    let (log, seen) = open_log(&worker, &name, 3, "read_uncommitted").await;
    assert_eq!(seen.lock().len(), 500, "all of it is there when the log is open");

    for n in 0..20 {
        topics.produce(&name, [NewRecord::value(format!("more{n}")).key("x")]).await.unwrap();
        log.read_to_end().await.unwrap();
        assert_eq!(values(&seen).last().unwrap().as_deref(), Some(format!("more{n}").as_str()));
    }
    log.send(b"x".to_vec(), None).await.unwrap();
    log.read_to_end().await.unwrap();
    assert_eq!(values(&seen).last(), Some(&None), "a tombstone");

    // The same key goes where Java puts it, and each partition is in order.
    let mine: Vec<_> = (0..300).map(|n| (format!("k{n}").into_bytes(), Some(b"again".to_vec()))).collect();
    log.send_all(mine).await.unwrap();
    log.read_to_end().await.unwrap();
    let records = topics.read_all(&name).await.unwrap();
    assert_eq!(records.len(), 821);
    let mut offsets = seen.lock().clone();
    offsets.sort();
    assert_eq!(
        offsets.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        records.iter().map(|r| (r.partition, r.offset)).collect::<Vec<_>>()
    );
    for partition in 0..3 {
        let in_order: Vec<_> = seen.lock().iter().filter(|r| r.0 == partition).map(|r| r.1).collect();
        assert!(in_order.is_sorted());
    }
    for (key, partition) in JAVA_PARTITIONS {
        assert!(
            records.iter().any(|r| r.key_text() == *key && r.value_text() == "again" && r.partition == *partition),
            "{key}"
        );
    }

    log.stop().await;
    assert_eq!(log.read_to_end().await.unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(log.send(b"x".to_vec(), None).await.unwrap_err().kind(), ErrorKind::Stopped);
}

/// The partition of three that a Java producer picks: the positive part of murmur2 of the key, modulo 3.
const JAVA_PARTITIONS: &[(&str, i32)] = &[
    ("k0", 2),
    ("k1", 2),
    ("k2", 0),
    ("k3", 1),
    ("k4", 1),
    ("k5", 0),
    ("k7", 1),
    ("k10", 1),
    ("k11", 0),
    ("k12", 0),
    ("k100", 2),
    ("k101", 2),
    ("k102", 0),
];

#[tokio::test(flavor = "multi_thread")]
async fn ends_of_transactions_and_deleted_records_are_passed() {
    let kafka = shared().kafka().await.unwrap();
    let (worker, topics) = (worker(kafka, &[]), Topics::new(kafka.bootstrap()));
    let name = unique("transactions");
    topics.create(&name, 2, &[]).await.unwrap();
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("transactional.id", &name)
        .create()
        .unwrap();
    let transaction = async |value: &str, commit: bool| {
        producer.begin_transaction().unwrap();
        let record = FutureRecord::to(&name).partition(0).key("k").payload(value);
        producer.send(record, LIMIT).await.unwrap();
        let end = producer.clone();
        let ended = move || if commit { end.commit_transaction(LIMIT) } else { end.abort_transaction(LIMIT) };
        tokio::task::spawn_blocking(ended).await.unwrap().unwrap();
    };
    let init = producer.clone();
    tokio::task::spawn_blocking(move || init.init_transactions(LIMIT)).await.unwrap().unwrap();
    transaction("one", true).await;
    transaction("gone", false).await;

    let all = async {
        let (committed, seen) = open_log(&worker, &name, 2, "read_committed").await;
        let (uncommitted, seen_all) = open_log(&worker, &name, 2, "read_uncommitted").await;
        transaction("two", true).await;
        transaction("gone", false).await;
        committed.read_to_end().await.unwrap();
        uncommitted.read_to_end().await.unwrap();
        let text = |v: &str| Some(v.to_owned());
        assert_eq!(values(&seen), [text("one"), text("two")]);
        assert_eq!(values(&seen_all), [text("one"), text("gone"), text("two"), text("gone")]);
        // Both go on after the markers. A transaction is over for readers, at the latest, when the next one has begun.
        transaction("three", true).await;
        transaction("gone", false).await;
        committed.read_to_end().await.unwrap();
        assert_eq!(values(&seen).last(), Some(&text("three")));
        committed.stop().await;
        uncommitted.stop().await;
    };
    tokio::time::timeout(LIMIT, all).await.expect("waits for an offset that is no record");

    // A partition that has an end but nothing left to read.
    let admin: rdkafka::admin::AdminClient<_> =
        ClientConfig::new().set("bootstrap.servers", kafka.bootstrap()).create().unwrap();
    let mut ends = rdkafka::TopicPartitionList::new();
    ends.add_partition_offset(&name, 0, rdkafka::Offset::End).unwrap();
    admin.delete_records(&ends, &rdkafka::admin::AdminOptions::new()).await.unwrap();
    let (log, seen) = tokio::time::timeout(LIMIT, open_log(&worker, &name, 2, "read_committed")).await.unwrap();
    assert!(values(&seen).is_empty());
    log.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_outlives_its_broker() {
    let kafka = Kafka::start().await.unwrap();
    let (worker, topics) = (worker(&kafka, &[]), Topics::new(kafka.bootstrap()));
    topics.create("t", 2, &[]).await.unwrap();
    let (log, seen) = open_log(&worker, "t", 2, "read_uncommitted").await;
    let log = Arc::new(log);
    log.send(b"a".to_vec(), Some(b"before".to_vec())).await.unwrap();
    kafka.kill();
    let during = {
        let log = log.clone();
        tokio::spawn(async move {
            log.send(b"a".to_vec(), Some(b"during".to_vec())).await?;
            log.read_to_end().await
        })
    };
    kafka.run().await.unwrap();
    tokio::time::timeout(LIMIT, during).await.expect("sent once the broker is back").unwrap().unwrap();
    assert_eq!(values(&seen), [Some("before".to_owned()), Some("during".to_owned())]);
    // Stopping needs no broker.
    kafka.kill();
    tokio::time::timeout(Duration::from_secs(10), log.stop()).await.expect("stops promptly");
}

fn golden(name: &str) -> Vec<(String, Option<String>)> {
    let path = format!("{}/../../tests/golden/topics/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let record = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        (record["key"].as_str().unwrap().to_owned(), record["value"].as_str().map(str::to_owned))
    };
    text.lines().map(record).collect()
}

fn decode((key, value): &(String, Option<String>)) -> ConfigRecord {
    ConfigRecord::decode(key.as_bytes(), value.as_deref().map(str::as_bytes)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn configs_are_javas_records() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    // The session key's secret is left out of the recording.
    let java: Vec<_> = golden("configs").into_iter().filter(|(key, _)| key != "session-key").collect();

    // What Java wrote, done again through the store.
    let mine =
        worker(kafka, &[("config.storage.min.insync.replicas", "1"), ("config.storage.cleanup.policy", "delete")]);
    let stores = Stores::of(&mine).unwrap();
    stores.start().await.unwrap();
    let configs = &stores.configs;
    let mut changes = configs.changes().unwrap();
    let mut tasks = Vec::new();
    let mut at = 0;
    while let Some(record) = java.get(at) {
        let next = java.get(at + 1).map(decode);
        at += 1;
        match (decode(record), next) {
            (ConfigRecord::Connector { name, config: Some(config) }, _) => {
                configs.put_connector(&name, &config, None).await.unwrap();
            }
            (
                ConfigRecord::TargetState { connector, state: Some(state) },
                Some(ConfigRecord::Connector { name, config: Some(config) }),
            ) if connector == name => {
                at += 1;
                configs.put_connector(&name, &config, Some(state)).await.unwrap();
            }
            (ConfigRecord::Connector { name, config: None }, Some(ConfigRecord::TargetState { state: None, .. })) => {
                at += 1;
                configs.remove_connector(&name).await.unwrap();
            }
            (ConfigRecord::Task { config, .. }, _) => tasks.push(config),
            (ConfigRecord::Commit { connector, .. }, _) => {
                configs.put_tasks(&connector, &std::mem::take(&mut tasks)).await.unwrap();
            }
            (ConfigRecord::TargetState { connector, state: Some(state) }, _) => {
                configs.put_target_state(&connector, state).await.unwrap();
            }
            (ConfigRecord::Restart { connector, include_tasks, only_failed }, _) => {
                configs.put_restart(&connector, include_tasks, only_failed).await.unwrap();
            }
            (ConfigRecord::LoggerLevel { logger, level }, _) => {
                configs.put_logger_level(&logger, &level).await.unwrap();
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    let topic_name = topic(&mine, "configs");
    let written = topics.read_all(&topic_name).await.unwrap();
    let written: Vec<_> = written.iter().map(|r| (r.key_text(), r.value.as_ref().map(|_| r.value_text()))).collect();
    assert_eq!(written, java);
    let described = topics.describe_config(&topic_name).await.unwrap();
    assert_eq!((described["cleanup.policy"].as_str(), described["min.insync.replicas"].as_str()), ("compact", "1"));
    let restarts = std::iter::from_fn(|| changes.try_recv().ok()).filter(|c| matches!(c, Change::Restart { .. }));
    assert_eq!(restarts.count(), 3);

    // What Java wrote, read by another worker.
    let other = worker(kafka, &[]);
    let topic_name = topic(&other, "configs");
    topics.create(&topic_name, 1, &[("cleanup.policy", "compact")]).await.unwrap();
    let new = |(key, value): &(String, Option<String>)| match value {
        Some(value) => NewRecord::value(value.as_str()).key(key.as_str()),
        None => NewRecord::tombstone(key.as_str()),
    };
    topics.produce(&topic_name, java.iter().map(new)).await.unwrap();
    topics.produce(&topic_name, [NewRecord::value("{").key("commit-gsrc")]).await.unwrap();
    let readers = Stores::of(&other).unwrap();
    readers.start().await.unwrap();
    let mut old = readers.configs.changes().unwrap();
    assert!(old.try_recv().is_err(), "nothing read during the start is told");
    let (a, b) = (configs.state(), readers.configs.state());
    assert!(a.connectors().eq(b.connectors()) && a.connectors().count() > 0);
    for name in a.connectors() {
        assert_eq!(a.config(name), b.config(name));
        assert_eq!((a.target_state(name), a.task_configs(name)), (b.target_state(name), b.task_configs(name)));
    }
    assert_eq!(b.offset(), java.len() as i64, "what is not JSON does not count, as with Java");

    // A write by someone else is seen by a refresh, and told.
    topics
        .produce(
            &topic_name,
            [NewRecord::value(r#"{"include-tasks":true,"only-failed":true}"#).key("restart-connector-gsrc")],
        )
        .await
        .unwrap();
    readers.configs.refresh().await.unwrap();
    assert_eq!(
        old.try_recv(),
        Ok(Change::Restart { connector: "gsrc".into(), include_tasks: true, only_failed: true })
    );
    stores.stop().await;
    readers.stop().await;
    let error = readers.configs.put_target_state("c", TargetState::Paused).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_would_lose_records_are_refused() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    for (name, key, policy) in [
        ("configs", "config.storage.topic", "delete"),
        ("offsets", "offset.storage.topic", "compact,delete"),
        ("status", "status.storage.topic", "delete"),
    ] {
        let worker = worker(kafka, &[]);
        let topic_name = topic(&worker, name);
        topics.create(&topic_name, 1, &[("cleanup.policy", policy)]).await.unwrap();
        let error = Stores::of(&worker).unwrap().start().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(text.contains(&topic_name) && text.contains(key) && text.contains(policy), "{text}");
    }
    let worker = worker(kafka, &[]);
    let topic_name = topic(&worker, "configs");
    topics.create(&topic_name, 2, &[("cleanup.policy", "compact")]).await.unwrap();
    let error = Stores::of(&worker).unwrap().start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("has 2"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_brokers_are_waited_for() {
    let kafka = shared().kafka().await.unwrap();
    let worker = worker(kafka, &[("offset.storage.replication.factor", "3")]);
    let settings = worker_client(ClientRole::Admin, &worker, "shared-admin", &[]).unwrap();
    let admin = Admin::new(&settings).unwrap();
    assert_eq!(admin.broker_count().await.unwrap(), 1);
    assert!(admin.cluster_id().await.unwrap().is_some());
    let stores = Stores::of(&worker).unwrap();
    let started = tokio::time::timeout(Duration::from_secs(3), stores.start()).await;
    assert!(started.is_err(), "neither up nor given up");
    assert_eq!(admin.partition_count(&topic(&worker, "offsets")).await.unwrap(), None, "looking creates no topic");
}

fn map(value: Value) -> OffsetMap {
    let Value::Object(map) = value else { panic!("not a map") };
    map
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_stay_under_the_bytes_they_have() {
    let kafka = shared().kafka().await.unwrap();
    let (worker, topics) = (worker(kafka, &[("offset.storage.partitions", "5")]), Topics::new(kafka.bootstrap()));
    let stores = Stores::of(&worker).unwrap();
    stores.start().await.unwrap();
    let topic_name = topic(&worker, "offsets");
    assert_eq!(topics.partitions(&topic_name).await.unwrap().map(|p| p.len()), Some(5));
    let reader = stores.offsets.clone().reader("c");
    let asked = SourcePartition(map(json!({"table": "t", "db": "d"})));
    assert_eq!(reader.offsets(std::slice::from_ref(&asked)).await.unwrap(), [None]);

    // Written by another worker, keys the other way round; the reader sees it at once.
    let odd = r#"["c",{"db":"d","table":"t"}]"#;
    let java: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", kafka.bootstrap()).set("partitioner", "murmur2").create().unwrap();
    for (key, value) in [(odd, r#"{"n":1}"#), (r#"["c",null]"#, r#"{"n":9}"#)] {
        java.send(FutureRecord::to(&topic_name).key(key).payload(value), LIMIT).await.unwrap();
    }
    assert_eq!(reader.offsets(std::slice::from_ref(&asked)).await.unwrap(), [Some(map(json!({"n": 1})))]);

    let asked = Arc::new(asked);
    let other = Arc::new(SourcePartition(map(json!({"table": "u", "db": "d"}))));
    let offsets = vec![
        (asked.clone(), SourceOffset::Map(map(json!({"n": 2})))),
        (other.clone(), SourceOffset::Map(map(json!({"z": null, "a": 1.5})))),
    ];
    stores.offsets.write("c", offsets).await.unwrap();
    let listed = stores.offsets.offsets_of("c").await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&((*asked).clone(), map(json!({"n": 2})))));
    stores.offsets.write("c", vec![(asked, SourceOffset::Null)]).await.unwrap();
    assert_eq!(stores.offsets.offsets_of("c").await.unwrap().len(), 1);
    assert!(stores.offsets.offsets_of("d").await.unwrap().is_empty());

    let records = topics.read_all(&topic_name).await.unwrap();
    let of = |key: &str| -> Vec<_> {
        records
            .iter()
            .filter(|r| r.key_text() == key)
            .map(|r| (r.partition, r.value.as_ref().map(|_| r.value_text())))
            .collect()
    };
    let under_odd = of(odd);
    assert_eq!(
        under_odd.iter().map(|(_, v)| v.as_deref()).collect::<Vec<_>>(),
        [Some(r#"{"n":1}"#), Some(r#"{"n":2}"#), None]
    );
    assert_eq!(of(r#"["c",{"table":"u","db":"d"}]"#)[0].1.as_deref(), Some(r#"{"z":null,"a":1.5}"#));
    assert_eq!(records.len(), 5);
    stores.stop().await;
}

fn status(state: State, worker: &str, generation: i32) -> Status {
    Status { state, trace: None, worker_id: worker.to_owned(), generation, version: Some("1".to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_go_out_in_order_and_come_back() {
    let kafka = shared().kafka().await.unwrap();
    let (worker, topics) = (worker(kafka, &[]), Topics::new(kafka.bootstrap()));
    let stores = Stores::of(&worker).unwrap();
    stores.start().await.unwrap();
    let statuses = &stores.statuses;
    let (connector, task) = (StatusKey::Connector("c".into()), StatusKey::Task(TaskId::new("c", 0)));
    statuses.put(connector.clone(), status(State::Running, "a:1", 2));
    statuses.put(task.clone(), status(State::Running, "a:1", 2));
    statuses.put(task.clone(), status(State::Failed, "a:1", 2));
    let used = TopicStatus { topic: "t".into(), connector: "c".into(), task: 0, discover_timestamp: 5 };
    statuses.put_topic(used.clone());
    statuses.put_topic(used.clone());
    statuses.flush(LIMIT).await.unwrap();
    statuses.put_topic(used.clone());
    assert_eq!(statuses.table().task(&TaskId::new("c", 0)).unwrap().state, State::Failed);
    assert!(statuses.table().has_topic("c", "t"));
    // Another worker, of an older generation, says farewell too late.
    statuses.put_safe(connector.clone(), status(State::Unassigned, "b:1", 1));
    statuses.put_safe(task.clone(), status(State::Unassigned, "a:1", 1));
    statuses.delete(used.key());
    statuses.delete(connector.clone());
    statuses.flush(LIMIT).await.unwrap();
    assert!(statuses.table().connector("c").is_none() && !statuses.table().has_topic("c", "t"));

    let records = topics.read_all(&topic(&worker, "status")).await.unwrap();
    let of = |key: StatusKey| -> Vec<_> {
        let key = key.encode();
        records.iter().filter(|r| r.key_text() == key).map(|r| r.value.as_ref().map(|_| r.value_text())).collect()
    };
    let line = |state: &str, generation: i32| {
        Some(format!(r#"{{"state":"{state}","trace":null,"worker_id":"a:1","generation":{generation},"version":"1"}}"#))
    };
    assert_eq!(of(connector), [line("RUNNING", 2), None]);
    assert_eq!(of(task), [line("RUNNING", 2), line("FAILED", 2), line("UNASSIGNED", 1)]);
    let topic_line = r#"{"topic":{"name":"t","connector":"c","task":0,"discoverTimestamp":5}}"#;
    assert_eq!(of(used.key()), [Some(topic_line.to_owned()), None]);
    assert_eq!(topics.partitions(&topic(&worker, "status")).await.unwrap().map(|p| p.len()), Some(5));
    stores.stop().await;
}
