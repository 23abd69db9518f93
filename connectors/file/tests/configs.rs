//! The connector files that use these connectors are valid for them.

use std::path::Path;

use millstream_api::Config;
use serde_json::Value;

#[test]
fn files_in_configs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/connectors");
    for (file, plugin) in [
        ("file-source.json", millstream_file::source()),
        ("file-source-typed.json", millstream_file::source()),
        ("file-sink.json", millstream_file::sink()),
        ("file-sink-typed.json", millstream_file::sink()),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let entries = json["config"].as_object().unwrap();
        let config: Config = entries.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap())).collect();
        assert!(plugin.info().is_named(config.get("connector.class").unwrap()), "{file}");
        let values = plugin.config_def().validate(&config).into_valid().unwrap();
        assert!(values.text("file").is_some(), "{file}");
    }
}
