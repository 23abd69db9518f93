//! Kafka's own providers: a properties file, a folder with a file per key, the variables of the process.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use indexmap::IndexMap;
use millstream_api::{Error, Result};
use millstream_core::properties;
use millstream_core::settings::provider::ProviderSettings;
use regex::Regex;

use super::allowed_paths::AllowedPaths;

/// Where a provider looks.
pub(super) enum Source {
    /// A properties file; the path is the file.
    File(AllowedPaths),
    /// A folder; a file's name is the key, its text the value.
    Directory(AllowedPaths),
    /// Variables of the process, without path.
    Environment(IndexMap<String, String>),
}

impl Source {
    pub(super) fn of(settings: &ProviderSettings, variables: &[(String, String)]) -> Result<Self> {
        let key = |name: &str| format!("config.providers.{}.{name}", settings.name);
        let paths = || AllowedPaths::parse(&key("param.allowed.paths"), settings.params.get("allowed.paths"));
        let class = settings.class.strip_prefix("org.apache.kafka.common.config.provider.");
        match class.unwrap_or(&settings.class) {
            "FileConfigProvider" => Ok(Self::File(paths()?)),
            "DirectoryConfigProvider" => Ok(Self::Directory(paths()?)),
            "EnvVarConfigProvider" => {
                let key = key("param.allowlist.pattern");
                let pattern = settings.params.get("allowlist.pattern").filter(|pattern| !pattern.is_empty());
                let pattern = pattern.map(|pattern| Regex::new(&format!("^(?:{pattern})$"))).transpose().map_err(|e| {
                    Error::config(format!("{key} is not a usable regular expression")).caused_by(e)
                })?;
                let allowed = |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
                Ok(Self::Environment(variables.iter().filter(|(name, _)| allowed(name)).cloned().collect()))
            }
            other => Err(Error::config(format!("{} {other} is not available in this release", key("class"))).hint(
                "there are FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider of org.apache.kafka.common.config.provider",
            )),
        }
    }

    /// The values of these keys, as far as they are there.
    pub(super) fn look_up<'k>(&self, path: &str, keys: &BTreeSet<&'k str>) -> Result<Vec<(&'k str, String)>> {
        match self {
            // As in Kafka, a reference without path finds nothing.
            Self::File(_) | Self::Directory(_) if path.is_empty() => Ok(Vec::new()),
            Self::File(allowed) => allowed.check(path).map_or(Ok(Vec::new()), |path| file(&path, keys)),
            Self::Directory(allowed) => allowed.check(path).map_or(Ok(Vec::new()), |path| directory(&path, keys)),
            Self::Environment(_) if !path.is_empty() => {
                Err(Error::fatal(format!("Path is not supported for EnvVarConfigProvider, invalid value '{path}'"))
                    .hint("write ${<provider>:<variable>}"))
            }
            Self::Environment(variables) => {
                Ok(keys.iter().filter_map(|key| Some((*key, variables.get(*key)?.clone()))).collect())
            }
        }
    }
}

fn file<'k>(path: &Path, keys: &BTreeSet<&'k str>) -> Result<Vec<(&'k str, String)>> {
    let shown = path.display().to_string();
    let unreadable = || Error::fatal(format!("Could not read properties from file {shown}"));
    let text = std::fs::read(path).map_err(|e| unreadable().caused_by(e))?;
    let all = properties::parse_utf8(&text, &shown).map_err(|e| unreadable().caused_by(e))?;
    Ok(keys.iter().filter_map(|key| Some((*key, all.get(key)?.to_owned()))).collect())
}

fn directory<'k>(path: &Path, keys: &BTreeSet<&'k str>) -> Result<Vec<(&'k str, String)>> {
    if !path.is_dir() {
        tracing::warn!(path = %path.display(), "a config provider was asked for a folder that is not there");
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    // Names of files only: a key must not lead out of the folder.
    for key in keys.iter().filter(|key| !key.contains('/') && !matches!(**key, "" | "." | "..")) {
        let file = path.join(key);
        let text = match std::fs::metadata(&file) {
            Ok(about) if about.is_file() => std::fs::read_to_string(&file),
            Ok(_) => continue,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => Err(e),
        };
        let text = text.map_err(|e| {
            Error::fatal(format!("Could not read file {} for property {key}", file.display())).caused_by(e)
        })?;
        found.push((*key, text));
    }
    Ok(found)
}
