use super::super::group::ConnectProtocol;
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
    assert!(worker.unused.is_empty() && worker.ignored_java.is_empty());
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
    assert_eq!(worker.unused, ["zzz"]);
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

/// A key's name, type, default and importance, as Java's definitions of a worker have them.
#[test]
fn keys_are_javas() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/settings/worker-keys.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [modes, name, kind, default] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        for (mode, def) in [("d", worker_def::distributed()), ("s", worker_def::standalone())] {
            if !modes.contains(mode) {
                continue;
            }
            let Some(key) = def.get(name) else {
                // Texts that are null by default and stand for nothing of their own.
                if default != "-" || !(name.starts_with("ssl.") || name.starts_with("sasl.")) {
                    wrong.push(format!("{mode} {name} is missing"));
                }
                continue;
            };
            let ours = match &key.default {
                millstream_api::config::Default::Required => "!",
                millstream_api::config::Default::Null => "-",
                millstream_api::config::Default::Text(text) => text,
            };
            if (key.kind.as_str(), ours) != (kind, default) {
                wrong.push(format!("{mode} {name}: {} {ours}, Java has {kind} {default}", key.kind.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ranges_are_javas() {
    for (key, value, phrase) in [
        ("send.buffer.bytes", "-2", "Value must be at least -1"),
        ("retry.backoff.ms", "x", "Not a number of type LONG"),
        ("client.dns.lookup", "x", "String must be one of"),
        ("security.protocol", "PIGEON", "SASL_SSL"),
        ("sasl.login.refresh.window.factor", "1.5", "no more than 1"),
        ("sasl.login.refresh.buffer.seconds", "3601", "no more than 3600"),
        ("session.timeout.ms", "-1", "at least 0"),
        ("connect.protocol", "Eager", "did you mean eager"),
        ("plugin.discovery", "maybe", "HYBRID_WARN"),
        ("inter.worker.verification.algorithms", "HmacSHA1", "does not list HmacSHA256"),
        ("inter.worker.verification.algorithms", "", "at least one"),
        ("metadata.recovery.strategy", "", "REBOOTSTRAP"),
    ] {
        let mut raw = distributed();
        raw.set(key, value);
        let text = WorkerConfig::parse(&raw).unwrap_err().to_string();
        assert!(text.contains(key) && text.contains(phrase), "{text}");
        assert_eq!(text.lines().count(), if value == "x" && key == "retry.backoff.ms" { 2 } else { 1 }, "{text}");
    }
}

#[test]
fn the_group() {
    let mut raw = distributed();
    raw.set("session.timeout.ms", "6000");
    raw.set("connect.protocol", "compatible");
    let Mode::Distributed(mode) = WorkerConfig::parse(&raw).unwrap().mode else { panic!() };
    assert_eq!((mode.group.session_timeout.as_millis(), mode.group.protocol), (6_000, ConnectProtocol::Compatible));
    assert_eq!((mode.group.rebalance_timeout.as_secs(), mode.group.max_delay.as_secs()), (60, 300));
}
