//! Where scripts/setup.sh put what it fetched and built.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

// Keep in step with scripts/setup.sh.
const KAFKA: &str = "kafka-4.3.1";
const POSTGRES: &str = "postgres-18.6.0";

/// The one folder of everything downloaded or built: `MILLSTREAM_CACHE`, else `~/.cache/millstream`.
pub fn cache_dir() -> PathBuf {
    match std::env::var_os("MILLSTREAM_CACHE") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/millstream"),
    }
}

/// Apache Kafka's folder: `libs` with all jars of broker and Connect, `formatted`, class archives.
pub(crate) fn kafka_home() -> Result<PathBuf> {
    present(cache_dir().join(KAFKA), "formatted/meta.properties", "kafka")
}

/// Postgres' folder: `bin`, `lib`, `share`.
pub(crate) fn postgres_home() -> Result<PathBuf> {
    present(cache_dir().join(POSTGRES), "bin/postgres", "postgres")
}

/// The MinIO server's binary.
pub(crate) fn minio() -> Result<PathBuf> {
    Ok(present(cache_dir().join("bin"), "minio", "minio")?.join("minio"))
}

/// The folder of a Python environment's executables, with everything `scripts/services/requirements.txt` names.
pub fn python_bin() -> Result<PathBuf> {
    Ok(present(cache_dir().join("python"), "bin/moto_server", "python")?.join("bin"))
}

fn present(home: PathBuf, file: &str, part: &str) -> Result<PathBuf> {
    if Path::new(&home).join(file).exists() {
        return Ok(home);
    }
    Err(Error::new(format!(
        "{} is not there: run `scripts/setup.sh {part}` once (or `make setup`)",
        home.join(file).display()
    )))
}
