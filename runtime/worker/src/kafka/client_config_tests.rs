use super::*;
use crate::kafka::clients::{connector_admin, sink_consumer, source_producer, worker_client};
use millstream_api::TaskId;
use millstream_core::settings::{ConnectorSettings, WorkerConfig};

fn worker(pairs: &[(&str, &str)]) -> WorkerConfig {
    let needed = [
        ("group.id", "g"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("bootstrap.servers", "localhost:9092"),
    ];
    WorkerConfig::parse(&needed.iter().chain(pairs).copied().collect()).unwrap()
}

fn connector(worker: &WorkerConfig, pairs: &[(&str, &str)]) -> ConnectorSettings {
    let needed = [("name", "c"), ("connector.class", "X"), ("topics", "t")];
    ConnectorSettings::parse(&needed.iter().chain(pairs).copied().collect(), worker).unwrap()
}

fn producer(of_worker: &[(&str, &str)], of_connector: &[(&str, &str)]) -> Result<ClientSettings> {
    let worker = worker(of_worker);
    source_producer(&worker, &connector(&worker, of_connector), &TaskId::new("c", 0))
}

#[test]
fn a_source_producer_starts_from_connects_defaults() {
    let settings = producer(&[("bootstrap.servers", "a:1,b:2"), ("security.protocol", "SSL")], &[]).unwrap();
    let get = |key| settings.native().get(key);
    assert_eq!(get("bootstrap.servers"), Some("a:1,b:2"));
    assert_eq!(get("client.id"), Some("connector-producer-c-0"));
    assert_eq!((get("acks"), get("enable.idempotence")), (Some("all"), Some("true")));
    assert_eq!(get("partitioner"), Some("murmur2_random"));
    assert_eq!(get("security.protocol"), None, "clients of connectors read producer.security.protocol, as Java's do");
}

#[test]
fn the_connector_has_the_last_word() {
    let settings = producer(
        &[("producer.linger.ms", "50"), ("producer.compression.type", "lz4"), ("consumer.fetch.min.bytes", "9")],
        &[
            ("producer.override.linger.ms", "7"),
            ("producer.override.buffer.memory", "33554432"),
            ("producer.override.max.request.size", "2097152"),
            ("producer.override.compression.lz4.level", "5"),
        ],
    )
    .unwrap();
    let get = |key| settings.native().get(key);
    assert_eq!(
        (get("linger.ms"), get("compression.type"), get("compression.level")),
        (Some("7"), Some("lz4"), Some("5"))
    );
    assert_eq!((get("queue.buffering.max.kbytes"), get("message.max.bytes")), (Some("32768"), Some("2097152")));
    assert!(settings.unknown().is_empty(), "{:?}", settings.unknown());
}

#[test]
fn settings_without_counterpart_are_named() {
    let settings = producer(
        &[("producer.metadata.max.idle.ms", "5000"), ("producer.max.block.ms", "1")],
        &[("producer.override.metric.reporters", ""), ("producer.override.linger.mz", "1")],
    )
    .unwrap();
    assert_eq!(
        settings.unknown(),
        ["producer.metadata.max.idle.ms", "producer.override.metric.reporters", "producer.override.linger.mz"]
    );
}

#[test]
fn clients_of_tasks_tell_more_where_asked_to() {
    let interval = |of_worker: &[(&str, &str)], of_connector: &[(&str, &str)]| {
        let worker = worker(of_worker);
        let connector = connector(&worker, of_connector);
        let id = TaskId::new("c", 0);
        let clients = [source_producer(&worker, &connector, &id), sink_consumer(&worker, &connector, &id)];
        clients.map(|client| client.unwrap().native().get("statistics.interval.ms").map(str::to_owned))
    };
    let key = "metrics.recording.level";
    let on = || Some("5000".to_owned());
    assert_eq!(interval(&[], &[]), [None, None]);
    assert_eq!(interval(&[(key, "DEBUG")], &[]), [on(), on()]);
    assert_eq!(interval(&[("producer.metrics.recording.level", "TRACE")], &[]), [on(), None]);
    let off = [("consumer.override.metrics.recording.level", "INFO")];
    assert_eq!(interval(&[(key, "DEBUG")], &off), [on(), Some("0".to_owned())]);
}

#[test]
fn interceptors_are_refused_unless_they_only_watch() {
    let key = "producer.override.interceptor.classes";
    let error = producer(&[], &[(key, "x.Y")]).unwrap_err().to_string();
    assert!(error.contains(key) && error.contains("may change records"), "{error}");
    let watches = "io.confluent.monitoring.clients.interceptor.MonitoringProducerInterceptor";
    assert_eq!(producer(&[], &[(key, watches)]).unwrap().unknown(), [key]);
}

#[test]
fn a_policy_holds_for_what_runs_too() {
    let policy = ("connector.client.config.override.policy", "Principal");
    let set = |pairs: &[(&str, &str)]| producer(&[policy], pairs).map(drop);
    assert!(set(&[("producer.override.sasl.mechanism", "PLAIN"), ("consumer.override.group.id", "g")]).is_ok());
    let error = set(&[("producer.override.linger.ms", "1")]).unwrap_err().to_string();
    assert!(error.contains("producer.override.linger.ms") && error.contains("Principal"), "{error}");
}

#[test]
fn order_survives_without_idempotence() {
    let in_flight = |pairs: &[(&str, &str)]| {
        let settings = producer(&[], pairs).unwrap();
        let get = |key: &str| settings.native().get(key).map(str::to_owned);
        (get("enable.idempotence").unwrap(), get("max.in.flight.requests.per.connection"))
    };
    let text = |a: &str, b: Option<&str>| (a.to_owned(), b.map(str::to_owned));
    assert_eq!(in_flight(&[]), text("true", None));
    assert_eq!(in_flight(&[("producer.override.acks", "1")]), text("false", Some("1")));
    assert_eq!(in_flight(&[("producer.override.enable.idempotence", "false")]), text("false", Some("1")));
    let key = "producer.override.max.in.flight.requests.per.connection";
    assert_eq!(in_flight(&[(key, "9")]), text("false", Some("9")));
}

#[test]
fn what_javas_producer_does_not_start_with_is_refused() {
    for (settings, named) in [
        (&[("acks", "1"), ("enable.idempotence", "true")][..], "acks"),
        (&[("retries", "0"), ("enable.idempotence", "TRUE")], "retries"),
        (
            &[("max.in.flight.requests.per.connection", "6"), ("enable.idempotence", "true")],
            "max.in.flight.requests.per.connection",
        ),
        (&[("delivery.timeout.ms", "30004")], "delivery.timeout.ms"),
        (&[("delivery.timeout.ms", "0"), ("request.timeout.ms", "1")], "delivery.timeout.ms"),
        (&[("transactional.id", "mine")], "transactional.id"),
        (&[("partitioner.class", "com.example.Mine")], "partitioner.class"),
        (&[("compression.type", "brotli")], "compression.type"),
        (&[("buffer.memory", "-1")], "buffer.memory"),
        (&[("max.request.size", "1e6")], "max.request.size"),
    ] {
        let of_connector: Vec<_> =
            settings.iter().map(|(key, value)| (format!("producer.override.{key}"), *value)).collect();
        let of_connector: Vec<_> = of_connector.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let error = producer(&[], &of_connector).unwrap_err();
        assert_eq!(error.kind(), millstream_api::ErrorKind::Config);
        assert!(error.to_string().contains(&format!("producer.override.{named}")), "{error}");
        let of_worker: Vec<_> = settings.iter().map(|(key, value)| (format!("producer.{key}"), *value)).collect();
        let of_worker: Vec<_> = of_worker.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        assert!(producer(&of_worker, &[]).unwrap_err().to_string().contains(&format!("producer.{named}")));
    }
}

#[test]
fn what_javas_producer_takes_makes_a_client() {
    for (settings, native, value) in [
        (&[("acks", "0")][..], "enable.idempotence", "false"),
        (&[("acks", "-1"), ("enable.idempotence", "true"), ("retries", "3")], "retries", "3"),
        (&[("retries", "0")], "enable.idempotence", "false"),
        (&[("buffer.memory", "1000")], "queue.buffering.max.kbytes", "2048"),
        (&[("buffer.memory", "67108864"), ("max.request.size", "10485760")], "queue.buffering.max.kbytes", "65536"),
        (&[("max.request.size", "0")], "message.max.bytes", "1000"),
        (&[("max.block.ms", "5")], "delivery.timeout.ms", "2147483647"),
        (&[("delivery.timeout.ms", "30005")], "delivery.timeout.ms", "30005"),
        (&[("compression.type", "zstd"), ("compression.zstd.level", "19")], "compression.level", "12"),
        (&[("compression.type", "lz4"), ("compression.lz4.level", "17")], "compression.level", "12"),
        (&[("compression.type", "gzip"), ("compression.gzip.level", "-1")], "compression.level", "-1"),
        (&[("compression.type", "snappy")], "compression.type", "snappy"),
        (&[("partitioner.ignore.keys", "true")], "partitioner", "random"),
        (&[("batch.size", "0")], "batch.size", "1"),
        (&[("enable.idempotence", "true"), ("max.in.flight.requests.per.connection", "5")], "acks", "all"),
    ] {
        let settings: Vec<_> =
            settings.iter().map(|(key, value)| (format!("producer.override.{key}"), *value)).collect();
        let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let made = producer(&[], &settings).unwrap();
        assert_eq!(made.native().get(native), Some(value), "{settings:?}");
        let client = made.native().create::<rdkafka::producer::BaseProducer>();
        assert!(client.is_ok(), "{settings:?} {:?}", client.err());
    }
}

#[test]
fn bad_values_name_the_users_key_and_hide_the_value() {
    for (key, value) in [
        ("producer.override.acks", "hunter2"),
        ("producer.override.linger.ms", "hunter2"),
        ("producer.override.compression.type", "hunter2"),
        ("producer.override.partitioner.class", "hunter2"),
        ("producer.override.security.protocol", "hunter2"),
        ("producer.override.sasl.jaas.config", "hunter2"),
    ] {
        let error = producer(&[], &[(key, value)]).unwrap_err();
        assert_eq!(error.kind(), millstream_api::ErrorKind::Config);
        let text = format!("{error} {error:?} {}", error.trace());
        assert!(text.contains(key) && !text.contains("hunter2"), "{text}");
    }
    let settings = producer(
        &[],
        &[("producer.override.sasl.jaas.config", "PlainLoginModule required username=u password=hunter2;")],
    )
    .unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.native().get("sasl.password"), Some("hunter2"));
}

#[test]
fn a_sink_consumer() {
    let worker = worker(&[("consumer.max.poll.records", "17"), ("consumer.auto.offset.reset", "latest")]);
    let connector = connector(
        &worker,
        &[
            ("consumer.override.max.partition.fetch.bytes", "7000"),
            (
                "consumer.override.partition.assignment.strategy",
                "org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
            ),
            ("consumer.override.fetch.max.bytes", "500000"),
        ],
    );
    let settings = sink_consumer(&worker, &connector, &TaskId::new("c", 3)).unwrap();
    let get = |key| settings.native().get(key);
    assert_eq!((get("group.id"), get("client.id")), (Some("connect-c"), Some("connector-consumer-c-3")));
    assert_eq!((get("enable.auto.commit"), get("auto.offset.reset")), (Some("false"), Some("latest")));
    assert_eq!(get("isolation.level"), Some("read_uncommitted"), "Java's default, not librdkafka's");
    assert_eq!(get("partition.assignment.strategy"), Some("range"));
    assert_eq!(settings.java("max.poll.records"), Some("17"));
    assert!(settings.native().create::<rdkafka::consumer::BaseConsumer>().is_ok());
}

#[test]
fn the_workers_own_clients_connect_by_its_unprefixed_settings() {
    let worker = worker(&[
        ("bootstrap.servers", "a:1"),
        ("group.id", "g"),
        ("client.id", "w"),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", "x.PlainLoginModule required username=\"u\" password=\"p\";"),
        ("key.converter", "x"),
        ("session.timeout.ms", "10000"),
        ("reconnect.backoff.max.ms", "300"),
    ]);
    let settings = worker_client(ClientRole::Consumer, &worker, "configs", &[("queued.min.messages", "10")]).unwrap();
    let get = |key| settings.native().get(key);
    assert_eq!(get("client.id"), Some("g-w-configs"));
    assert_eq!((get("security.protocol"), get("sasl.username")), (Some("sasl_plaintext"), Some("u")));
    assert_eq!((get("session.timeout.ms"), get("queued.min.messages")), (None, Some("10")));
    assert_eq!((get("reconnect.backoff.ms"), get("reconnect.backoff.max.ms")), (Some("50"), Some("300")));
    assert!(settings.unknown().is_empty());
    let admin = connector_admin(&worker, &connector(&worker, &[]), &TaskId::new("c", 0)).unwrap();
    assert_eq!(admin.native().get("client.id"), Some("connector-adminclient-c-0"));
    assert_eq!(admin.native().get("security.protocol"), Some("sasl_plaintext"));
}
