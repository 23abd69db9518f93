use super::*;

pub(crate) fn distributed() -> Config {
    [
        ("bootstrap.servers", "a:1, b:2"),
        ("group.id", "connect-cluster"),
        ("config.storage.topic", "connect-configs"),
        ("offset.storage.topic", "connect-offsets"),
        ("status.storage.topic", "connect-status"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
    ]
    .into_iter()
    .collect()
}

#[test]
fn defaults_are_javas() {
    let worker = WorkerConfig::parse(&distributed()).unwrap();
    let Mode::Distributed(mode) = &worker.mode else { panic!() };
    assert_eq!((mode.config_topic.partitions, mode.config_topic.replication_factor), (1, 3));
    assert_eq!((mode.offset_topic.partitions, mode.status_topic.partitions), (25, 5));
    assert_eq!(worker.bootstrap_servers, "a:1,b:2");
    assert_eq!(worker.offset_flush_interval, Duration::from_secs(60));
    assert_eq!(worker.value_converter.config.get("schemas.enable"), Some("false"));
    assert_eq!(worker.header_converter.class, "org.apache.kafka.connect.storage.SimpleHeaderConverter");
    assert_eq!(worker.advertised("box").url(), "http://box:8083/");
    assert_eq!((worker.memory_budget, worker.override_policy.as_str()), (256 << 20, "All"));
    assert!(worker.unused.is_empty() && worker.ignored_java.is_empty() && worker.not_yet.is_empty());
}

#[test]
fn storage_settings_go_to_their_topic() {
    let mut raw = distributed();
    raw.set("offset.storage.min.insync.replicas", "2");
    raw.set("offset.storage.cleanup.policy", "delete");
    raw.set("offset.storage.partitions", "-1");
    raw.set("config.storage.partitions", "9");
    let worker = WorkerConfig::parse(&raw).unwrap();
    let Mode::Distributed(mode) = &worker.mode else { panic!() };
    assert_eq!(mode.offset_topic.extra.keys().collect::<Vec<_>>(), ["min.insync.replicas"]);
    assert_eq!((mode.offset_topic.partitions, mode.config_topic.partitions), (-1, 1));
    assert!(mode.config_topic.extra.is_empty());
}

#[test]
fn all_errors_at_once_each_with_its_key() {
    let mut raw = distributed();
    for (key, value) in [
        ("group.id", ""),
        ("offset.flush.interval.ms", "0"),
        ("offset.storage.partitions", "0"),
        ("listeners", "https://x:1,nonsense"),
        ("topic.creation.enable", "maybe"),
        ("connector.client.config.override.policy", "Mine"),
        ("exactly.once.source.support", "enabled"),
        ("rest.extension.classes", "org.example.BasicAuth"),
        ("memory.budget.bytes", "1k"),
    ] {
        raw.set(key, value);
    }
    raw.remove("key.converter");
    raw.remove("status.storage.topic");
    let error = WorkerConfig::parse(&raw).unwrap_err();
    assert_eq!(error.kind(), millstream_api::ErrorKind::Config);
    let text = error.to_string();
    for key in [
        "group.id",
        "offset.flush.interval.ms",
        "offset.storage.partitions",
        "listeners",
        "nonsense",
        "topic.creation.enable",
        "override.policy",
        "exactly.once.source.support",
        "rest.extension.classes",
        "memory.budget.bytes",
        "key.converter",
        "status.storage.topic",
    ] {
        assert!(text.contains(key), "{key} is not in {text}");
    }
}

#[test]
fn modes() {
    let mut raw = distributed();
    raw.remove("group.id");
    assert!(WorkerConfig::parse(&raw).unwrap_err().to_string().contains("group.id"));
    raw.set("offset.storage.file.filename", "offsets");
    let worker = WorkerConfig::parse(&raw).unwrap();
    assert_eq!(worker.mode, Mode::Standalone { offset_file: "offsets".to_owned() });
    raw.set("group.id", "g");
    let worker = WorkerConfig::parse(&raw).unwrap();
    assert_eq!(worker.group_id(), Some("g"));
    assert_eq!(worker.unused, ["offset.storage.file.filename"]);
}

#[test]
fn keys_without_effect_are_named() {
    let mut raw = distributed();
    for key in
        ["plugin.path", "auto.include.jmx.reporter", "internal.key.converter.schemas.enable", "zzz", "sasl.mechanism"]
    {
        raw.set(key, "x");
    }
    raw.set("config.providers", "file");
    let worker = WorkerConfig::parse(&raw).unwrap();
    assert_eq!(
        worker.ignored_java,
        ["plugin.path", "auto.include.jmx.reporter", "internal.key.converter.schemas.enable"]
    );
    assert_eq!((worker.unused, worker.not_yet), (vec!["zzz".to_owned()], vec!["config.providers".to_owned()]));
}

#[test]
fn no_secret_is_printed() {
    let mut raw = distributed();
    raw.set("sasl.jaas.config", "hunter2");
    raw.set("producer.ssl.key.password", "hunter2");
    raw.set("ssl.key.password", "hunter2");
    let worker = WorkerConfig::parse(&raw).unwrap();
    assert_eq!(worker.producer.get("ssl.key.password"), Some("hunter2"));
    assert!(!format!("{worker:?}").contains("hunter2"));
}

#[test]
fn admin_listeners() {
    let admin = |text: Option<&str>| {
        let mut raw = distributed();
        if let Some(text) = text {
            raw.set("admin.listeners", text);
        }
        WorkerConfig::parse(&raw).unwrap().rest.admin_listeners
    };
    assert_eq!(admin(None), None);
    assert_eq!(admin(Some("")), Some(vec![]));
    assert_eq!(admin(Some("http://:1")).unwrap()[0].port, 1);
}
