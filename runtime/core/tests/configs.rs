//! Every file in `configs/` is one that a worker takes.

use std::fs;
use std::path::{Path, PathBuf};

use millstream_api::{Config, ConnectorKind};
use millstream_core::parse_properties;
use millstream_core::settings::{ConnectorSettings, Mode, Topics, WorkerConfig, check_settings, sink_def, source_def};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

fn worker(file: &str) -> WorkerConfig {
    let text = fs::read(folder().join(file)).unwrap();
    WorkerConfig::parse(&parse_properties(&text, file).unwrap()).unwrap()
}

/// Name and config of a connector file.
fn connector(path: &Path) -> (String, Config) {
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let name = file["name"].as_str().unwrap().to_owned();
    let mut config = Config::new();
    for (key, value) in file["config"].as_object().unwrap() {
        config.set(key.as_str(), value.as_str().unwrap());
    }
    config.set("name", name.clone());
    (name, config)
}

#[test]
fn worker_files() {
    let distributed = worker("worker.properties");
    let Mode::Distributed(mode) = &distributed.mode else { panic!() };
    let topics = [&mode.config_topic, &mode.offset_topic, &mode.status_topic].map(|topic| topic.name.as_str());
    assert_eq!(topics, ["connect-configs", "connect-offsets", "connect-status"]);
    assert_eq!(distributed.value_converter.config.get("decimal.format"), Some("NUMERIC"));
    let standalone = worker("standalone.properties");
    assert_eq!(standalone.mode, Mode::Standalone { offset_file: "connect.offsets".to_owned() });
    for worker in [distributed, standalone] {
        assert!(worker.unused.is_empty() && worker.ignored_java.is_empty());
    }
}

#[test]
fn connector_files() {
    let worker = worker("worker.properties");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder().join("connectors")).unwrap() {
        let path = entry.unwrap().path();
        let (name, config) = connector(&path);
        let settings = ConnectorSettings::parse(&config, &worker).unwrap();
        let is_sink = config.get("connector.class").unwrap().contains("Sink");
        let kind = if is_sink { ConnectorKind::Sink } else { ConnectorKind::Source };
        assert_eq!(matches!(settings.topics, Some(Topics::List(_))), is_sink, "{name}");
        assert!(settings.ignored.is_empty(), "{name}");
        let mut values = if is_sink { sink_def(&worker) } else { source_def(&worker) }.validate(&config);
        check_settings(kind, &config, &worker, &mut values);
        assert!(values.into_valid().is_ok(), "{name}");
        let typed = settings.value_converter.config.get("schemas.enable") == Some("true");
        assert_eq!(typed, path.to_str().unwrap().contains("typed"), "{name}");
        names.push(name);
    }
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!((names.len(), count), (10, 10), "{names:?}");
}
