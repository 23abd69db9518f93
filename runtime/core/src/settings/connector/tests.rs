use super::*;
use crate::delivery::Tolerance;
use crate::settings::{sink_def, source_def};
use std::time::Duration;

fn worker(extra: &[(&str, &str)]) -> WorkerConfig {
    let mut raw: Config = [
        ("bootstrap.servers", "localhost:9092"),
        ("group.id", "cluster"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
    ]
    .into_iter()
    .collect();
    extra.iter().for_each(|(key, value)| raw.set(*key, *value));
    WorkerConfig::parse(&raw).unwrap()
}

fn config(pairs: &[(&str, &str)]) -> Config {
    let mut config: Config = [("name", "n"), ("connector.class", "X")].into_iter().collect();
    pairs.iter().for_each(|(key, value)| config.set(*key, *value));
    config
}

fn check(kind: ConnectorKind, pairs: &[(&str, &str)], worker: &WorkerConfig) -> Vec<(String, usize)> {
    let config = config(pairs);
    let def = if kind == ConnectorKind::Sink { sink_def(worker) } else { source_def(worker) };
    let mut values = def.validate(&config);
    check_settings(kind, &config, worker, &mut values);
    values.iter().filter(|v| !v.errors.is_empty()).map(|v| (v.key.name.clone(), v.errors.len())).collect()
}

fn keys(found: &[(String, usize)]) -> Vec<&str> {
    found.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn a_converter_class_does_not_inherit_but_no_class_does() {
    let worker = worker(&[]);
    let config = config(&[
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.schemas.enable", "true"),
    ]);
    let settings = ConnectorSettings::parse(&config, &worker).unwrap();
    assert_eq!(settings.value_converter.config.get("schemas.enable"), None);
    assert_eq!(settings.key_converter.config.get("schemas.enable"), Some("false"));
    assert_eq!(settings.ignored, ["key.converter.schemas.enable"]);
}

#[test]
fn typed_settings() {
    let config = config(&[
        ("tasks.max", "4"),
        ("topics", "a, b"),
        ("errors.tolerance", "all"),
        ("errors.retry.timeout", "-1"),
        ("errors.deadletterqueue.topic.name", "bad"),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("config.action.reload", "none"),
        ("producer.override.linger.ms", "5"),
    ]);
    let settings = ConnectorSettings::parse(&config, &worker(&[])).unwrap();
    assert!(matches!(&settings.topics, Some(Topics::List(topics)) if topics == &["a", "b"]));
    assert_eq!((settings.tasks_max, settings.reload), (4, ReloadAction::None));
    assert_eq!((settings.errors.tolerance, settings.errors.retry.timeout), (Tolerance::All, None));
    let queue = settings.errors.dead_letter_queue.as_ref().unwrap();
    assert_eq!((queue.topic.as_str(), queue.replication_factor, queue.context_headers), ("bad", 1, false));
    assert_eq!(settings.producer_overrides.get("linger.ms"), Some("5"));
    assert_eq!(settings.consumer_group(), "connect-n");

    let defaults = ConnectorSettings::parse(&self::config(&[]), &worker(&[])).unwrap();
    assert!(defaults.topics.is_none() && defaults.topic_creation.is_none());
    assert_eq!(defaults.errors.retry.timeout, Some(Duration::ZERO));
    assert_eq!(defaults.errors.retry.delay_max, Duration::from_secs(60));
}

#[test]
fn parse_lists_all_errors() {
    let config = config(&[
        ("tasks.max", "0"),
        ("transforms", "t"),
        ("topics", "a"),
        ("topics.regex", "b"),
        ("topic.creation.groups", "g"),
    ]);
    let text = ConnectorSettings::parse(&config, &worker(&[])).unwrap_err().to_string();
    for key in ["tasks.max", "transforms", "topics.regex", "topic.creation.default.partitions"] {
        assert!(text.contains(key), "{key} is not in {text}");
    }
}

#[test]
fn sinks_need_one_way_to_name_topics() {
    let worker = worker(&[]);
    let sink = |pairs: &[(&str, &str)]| check(ConnectorKind::Sink, pairs, &worker);
    let both = [("topics".to_owned(), 1), ("topics.regex".to_owned(), 1)];
    assert_eq!(sink(&[]), both);
    assert_eq!(sink(&[("topics", ""), ("topics.regex", "")]), both);
    assert_eq!(sink(&[("topics", "a"), ("topics.regex", "a.*")]), both);
    assert_eq!(sink(&[("topics", "a")]), []);
    assert_eq!(sink(&[("topics.regex", "a.*")]), []);
    assert_eq!(keys(&sink(&[("topics", "a,a")])), ["topics"]);
    assert_eq!(keys(&sink(&[("topics.regex", "a[")])), ["topics.regex"]);
    let dlq = "errors.deadletterqueue.topic.name";
    assert_eq!(keys(&sink(&[("topics", "a,b"), (dlq, "b")])), ["topics"]);
    assert_eq!(keys(&sink(&[("topics.regex", "a.*"), (dlq, "ab")])), ["topics.regex"]);
    assert_eq!(sink(&[("topics.regex", "a"), (dlq, "ab")]), [], "the whole name must match");
}

#[test]
fn a_sinks_group_is_not_the_workers() {
    let key = "consumer.override.group.id";
    let found = check(ConnectorKind::Sink, &[("topics", "a"), (key, "cluster")], &worker(&[]));
    assert_eq!(keys(&found), [key]);
    let found = check(ConnectorKind::Sink, &[("topics", "a")], &worker(&[("group.id", "connect-n")]));
    assert_eq!(keys(&found), [key]);
}

#[test]
fn sources() {
    let source = |pairs: &[(&str, &str)]| check(ConnectorKind::Source, pairs, &worker(&[]));
    let found = source(&[("exactly.once.support", "Required"), ("transaction.boundary", "connector")]);
    assert_eq!(keys(&found), ["exactly.once.support", "transaction.boundary"]);
    assert_eq!(keys(&source(&[("predicates", "p,p")])), ["predicates"]);
    assert!(keys(&source(&[("topic.creation.groups", "g,g")])).contains(&"topic.creation.groups"));
    assert_eq!(source(&[("zzz", "1")]), []);
}
