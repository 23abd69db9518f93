//! Files that describe a connector: `.properties`, a flat JSON map, or JSON of the shape `POST /connectors` takes.

use std::path::{Path, PathBuf};

use millstream_api::{Config, Error, Result};
use millstream_core::cluster::TargetState;

use crate::json_object::Document;

/// A connector as a file or a request describes it.
#[derive(Clone, Debug)]
pub struct ConnectorRequest {
    /// Its name; `None` when not given (`config` may still hold one).
    pub name: Option<String>,
    /// Its settings as written.
    pub config: Config,
    /// The state to start in.
    pub initial_state: Option<TargetState>,
}

/// A connector read from a file.
#[derive(Clone, Debug)]
pub struct ConnectorFile {
    /// Where it was read from, for messages.
    pub path: PathBuf,
    /// Name of the connector.
    pub name: String,
    /// Its settings, with `name` in it.
    pub config: Config,
    /// The state to start in.
    pub initial_state: Option<TargetState>,
}

impl ConnectorFile {
    /// Reads a file. `.json` files are JSON, all others properties. Errors name the file and the position in it.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|e| Error::config(format!("connector file {shown} cannot be read")).caused_by(e))?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let request = if is_json {
            connector_json(&bytes, &shown)?
        } else {
            let config = millstream_core::properties::parse(&bytes, &shown)?;
            ConnectorRequest { name: config.get("name").map(str::to_owned), config, initial_state: None }
        };
        let ConnectorRequest { name, mut config, initial_state } = request;
        let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).ok_or_else(|| {
            Error::config(format!("connector file {shown} names no connector")).hint("set the key \"name\"")
        })?;
        match config.get("name") {
            Some(inner) if inner.trim() != name => {
                return Err(Error::config(format!(
                    "connector file {shown}: key \"name\" in the config ({inner}) is not the connector's name ({name})"
                )));
            }
            Some(_) => {}
            None => config.set("name", name.clone()),
        }
        Ok(Self { path: path.to_owned(), name, config, initial_state })
    }
}

/// A connector in either JSON shape: with a `config` object it is the body of `POST /connectors`, else a flat map of settings.
fn connector_json(bytes: &[u8], what: &str) -> Result<ConnectorRequest> {
    let document = Document::new(bytes, what)?;
    let entries = document.entries()?;
    let nested = entries.iter().any(|(key, raw)| key == "config" && raw.get().starts_with('{'));
    if nested {
        return create_request(bytes, what);
    }
    let config = document.settings(entries)?;
    Ok(ConnectorRequest { name: config.get("name").map(str::to_owned), config, initial_state: None })
}

/// The body of `POST /connectors`: `name`, `config` and perhaps `initial_state`, nothing else.
pub(crate) fn create_request(bytes: &[u8], what: &str) -> Result<ConnectorRequest> {
    let document = Document::new(bytes, what)?;
    let (mut name, mut config, mut initial_state) = (None, None, None);
    for (key, raw) in document.entries()? {
        match key.as_str() {
            "name" => name = document.scalar("name", raw)?,
            "config" => config = Some(document.settings(document.object(raw, Some("config"))?)?),
            "initial_state" => {
                initial_state = match document.scalar("initial_state", raw)? {
                    None => None,
                    Some(word) => Some(TargetState::parse_initial(&word).ok_or_else(|| {
                        document.wrong(
                            Some("initial_state"),
                            raw,
                            "is no state to start in; states are RUNNING, PAUSED and STOPPED",
                        )
                    })?),
                }
            }
            _ => {
                let reason = "is not known here; known keys are name, config and initial_state";
                return Err(document.wrong(Some(&key), raw, reason));
            }
        }
    }
    let config =
        config.ok_or_else(|| Error::config(format!("{what} has no key \"config\"")).hint("put the settings there"))?;
    Ok(ConnectorRequest { name, config, initial_state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<ConnectorFile> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        ConnectorFile::read(&path)
    }

    #[test]
    fn the_three_shapes() {
        let nested = r#"{"name":"a","config":{"tasks.max":1},"initial_state":"stopped"}"#;
        for (file, text, state) in [
            ("c.properties", "name=a\ntasks.max=1\n", None),
            ("c.json", r#"{"name":"a","tasks.max":1}"#, None),
            ("c.JSON", nested, Some(TargetState::Stopped)),
        ] {
            let connector = read(file, text).unwrap();
            assert_eq!((connector.name.as_str(), connector.initial_state), ("a", state));
            assert_eq!(connector.config.get("tasks.max"), Some("1"));
            assert_eq!(connector.config.get("name"), Some("a"));
        }
    }

    #[test]
    fn errors_name_the_file_and_the_place() {
        for (text, place) in [
            ("{\n\"name\":", "line 2"),
            ("{\"name\":\"a\",\"config\":{\"x\":[1]}}", "key \"x\""),
            ("{\"name\":\"a\",\"config\":{},\"zzz\":1}", "key \"zzz\""),
            ("{\"name\":\"a\",\"config\":{},\"initial_state\":\"STARTED\"}", "RUNNING, PAUSED and STOPPED"),
            ("{\"name\":\"a\",\"config\":{\"name\":\"b\"}}", "(b)"),
            ("{\"topic\":\"t\"}", "names no connector"),
        ] {
            let error = read("my.json", text).unwrap_err().to_string();
            assert!(error.contains("my.json") && error.contains(place), "{error}");
        }
        let missing = ConnectorFile::read(Path::new("no-such.json")).unwrap_err().to_string();
        assert!(missing.contains("no-such.json"), "{missing}");
    }
}
