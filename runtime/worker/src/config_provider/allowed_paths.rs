//! `allowed.paths`: where a provider may read.

use std::path::{Component, Path, PathBuf};

use millstream_api::{Error, Result};

/// The folders and files a provider may read; everything when none is named.
#[derive(Debug, Default)]
pub(super) struct AllowedPaths(Option<Vec<PathBuf>>);

impl AllowedPaths {
    /// Reads the parameter; `key` is its full name. Each path must be absolute and be there.
    pub(super) fn parse(key: &str, text: Option<&str>) -> Result<Self> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        let paths = text.split(',').map(|text| {
            let path = normal(Path::new(text.trim()));
            match () {
                () if !path.is_absolute() => {
                    Err(Error::config(format!("{key}: path {} is not absolute", path.display())))
                }
                () if !path.exists() => Err(Error::config(format!("{key}: path {} does not exist", path.display()))),
                () => Ok(path),
            }
        });
        Ok(Self(Some(paths.collect::<Result<_>>()?)))
    }

    /// The path without `.` and `..`, if it may be read.
    pub(super) fn check(&self, text: &str) -> Option<PathBuf> {
        let path = normal(Path::new(text));
        let allowed = self.0.as_ref().is_none_or(|all| all.iter().any(|allowed| path.starts_with(allowed)));
        if !allowed {
            tracing::error!(path = %path.display(), "a config provider may not read this path; its allowed.paths say where it may");
        }
        allowed.then_some(path)
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            // Above the root there is the root.
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}
