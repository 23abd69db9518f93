//! Levels over REST's names, as recorded from Kafka Connect and as the log obeys them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::*;

const RUNTIME: &str = "org.apache.kafka.connect.runtime";
const REST: &str = "org.apache.kafka.connect.runtime.rest.RestServer";

/// Loggers, and the filter they last put into effect.
fn loggers(directives: &str) -> (Loggers, Arc<Mutex<String>>) {
    let filter = Arc::new(Mutex::new(String::new()));
    let seen = filter.clone();
    let apply = move |text: &str| {
        tracing_subscriber::EnvFilter::try_new(text).expect("a filter that can be read");
        text.clone_into(&mut seen.lock());
        Ok(())
    };
    (Loggers::new(directives, apply), filter)
}

fn shown(level: Level, last_modified: Option<i64>) -> Option<LoggerLevel> {
    Some(LoggerLevel { level, last_modified })
}

#[test]
fn a_name_sets_all_that_start_with_it() {
    let (loggers, filter) = loggers("info");
    assert_eq!(loggers.get(RUNTIME), None);
    let changed = loggers.set(RUNTIME, Level::Warn, 5).unwrap();
    assert!(changed.is_sorted() && changed[0] == RUNTIME && changed.contains(&REST.to_owned()), "{changed:?}");
    assert!(changed.iter().all(|name| name.starts_with(RUNTIME)));
    assert_eq!(loggers.get(RUNTIME), shown(Level::Warn, Some(5)));
    assert_eq!(loggers.get(REST), shown(Level::Warn, Some(5)));
    assert_eq!(loggers.get("root"), shown(Level::Info, None));
    assert!(filter.lock().contains("millstream_worker::task::source=warn"), "{}", filter.lock());
    assert!(!filter.lock().contains("millstream_s3"));

    // The same again changes nothing and keeps the time.
    assert_eq!(loggers.set(RUNTIME, Level::Warn, 6).unwrap(), Vec::<String>::new());
    assert_eq!(loggers.get(REST), shown(Level::Warn, Some(5)));
}

#[test]
fn names_nobody_knows_are_kept() {
    let (loggers, filter) = loggers("info");
    assert_eq!(loggers.set("no.such.logger", Level::Info, 1).unwrap(), Vec::<String>::new());
    assert_eq!(loggers.get("no.such.logger"), shown(Level::Info, None));
    assert_eq!(loggers.set("no.such.logger", Level::Error, 2).unwrap(), ["no.such.logger"]);
    // A parent that was not there: its level does not change, that of the child does.
    assert_eq!(loggers.set("no.such", Level::Info, 3).unwrap(), ["no.such.logger"]);
    assert_eq!(loggers.get("no.such"), shown(Level::Info, None));
    assert_eq!(loggers.get("no.such.logger"), shown(Level::Info, Some(3)));
    for name in [" ", "a b", "a,b=debug", "[x]", ""] {
        loggers.set(name, Level::Debug, 4).unwrap();
        assert_eq!(loggers.get(name).map(|logger| logger.level), Some(Level::Debug), "{name}");
    }
    assert!(!filter.lock().contains("a b"));
}

#[test]
fn root_is_above_all() {
    let (loggers, filter) = loggers("info,millstream_jdbc=trace");
    assert_eq!(loggers.get("io.confluent.connect.jdbc.JdbcSourceConnector"), shown(Level::Trace, None));
    loggers.set(RUNTIME, Level::Warn, 1).unwrap();
    let changed = loggers.set("ROOT", Level::Info, 2).unwrap();
    assert!(!changed.contains(&ROOT.to_owned()) && changed.contains(&RUNTIME.to_owned()), "{changed:?}");
    assert_eq!(loggers.get("Root"), shown(Level::Info, None));
    assert_eq!(loggers.get("io.confluent.connect.jdbc.JdbcSourceConnector"), shown(Level::Info, Some(2)));
    assert!(loggers.set(ROOT, Level::Off, 3).unwrap().contains(&ROOT.to_owned()));
    assert!(filter.lock().starts_with("off"), "{}", filter.lock());
    assert_eq!(loggers.get(ROOT), shown(Level::Off, Some(3)));
    // One that comes later has the level of all.
    loggers.set("later", Level::Off, 4).unwrap();
    assert_eq!(loggers.get("later"), shown(Level::Off, None));
    assert!(loggers.all().values().all(|logger| logger.level == Level::Off));
}

#[test]
fn our_own_modules_can_be_named() {
    let (loggers, filter) = loggers("info,millstream_worker::rest::server=debug");
    loggers.set("millstream_worker::task", Level::Debug, 1).unwrap();
    let source = "org.apache.kafka.connect.runtime.WorkerSourceTask";
    assert_eq!(loggers.get(source), shown(Level::Debug, Some(1)));
    let changed = loggers.set("millstream_worker", Level::Error, 2).unwrap();
    assert!(changed.contains(&source.to_owned()) && changed.contains(&"millstream_worker".to_owned()), "{changed:?}");
    assert_eq!(loggers.get("millstream_worker::task"), shown(Level::Error, Some(2)));
    assert!(!filter.lock().contains("debug"), "{}", filter.lock());
}

#[test]
fn the_log_obeys() {
    use tracing_subscriber::layer::SubscriberExt;
    let (filter, handle) = tracing_subscriber::reload::Layer::new(tracing_subscriber::EnvFilter::new("info"));
    let lines = Arc::new(Mutex::new(0));
    let counted = lines.clone();
    struct Count(Arc<Mutex<u32>>);
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Count {
        fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            *self.0.lock() += 1;
        }
    }
    let subscriber = tracing_subscriber::registry().with(filter).with(Count(counted));
    let loggers = Loggers::new("info", move |text| {
        handle.reload(tracing_subscriber::EnvFilter::new(text)).map_err(|e| Error::internal("reload").caused_by(e))
    });
    tracing::subscriber::with_default(subscriber, || {
        let log = || tracing::debug!(target: "millstream_worker::store::configs", "a line");
        log();
        assert_eq!(*lines.lock(), 0);
        loggers.set("org.apache.kafka.connect.storage", Level::Debug, 1).unwrap();
        log();
        assert_eq!(*lines.lock(), 1);
        loggers.set("org.apache.kafka.connect.storage.KafkaConfigBackingStore", Level::Warn, 2).unwrap();
        log();
        assert_eq!(*lines.lock(), 1);
    });
}
