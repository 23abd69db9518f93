//! Parquet files as a reader independent of our own code sees them (pyarrow).

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cache::python_bin;
use crate::folder::Folder;
use crate::s3::S3;
use crate::{Context, Error, Result};

const SCRIPT: &str = include_str!("read_parquet.py");

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ParquetColumn {
    /// Its name.
    pub name: String,
    /// Its Arrow type as pyarrow prints it, such as `int64`, `timestamp[ms, tz=UTC]` or `decimal128(38, 2)`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

/// A file's content.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ParquetFile {
    /// The path, or the object's key.
    pub file: String,
    /// The number of rows by the file's footer.
    pub row_count: u64,
    /// The number of row groups.
    pub row_groups: u64,
    /// The codec of the first column, such as `SNAPPY`; none for a file without rows.
    pub compression: Option<String>,
    /// The columns in order.
    pub schema: Vec<ParquetColumn>,
    /// The rows. Decimals, dates and times are text, bytes are hexadecimal text.
    pub rows: Vec<Map<String, Value>>,
}

/// Reads files, in the order given.
pub async fn read_parquet(files: &[PathBuf]) -> Result<Vec<ParquetFile>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let python = python_bin()?.join("python");
    let output = tokio::process::Command::new(python)
        .args(["-c", SCRIPT])
        .args(files)
        .kill_on_drop(true)
        .output()
        .await
        .context("pyarrow")?;
    if !output.status.success() {
        return Err(Error::new(format!("pyarrow: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let lines = String::from_utf8(output.stdout)?;
    lines.lines().map(|line| serde_json::from_str(line).context("the Parquet reader's answer")).collect()
}

/// Reads every object below `prefix` whose key ends with `.parquet`, in the order of their keys.
pub async fn read_parquet_objects(s3: &S3, bucket: &str, prefix: &str) -> Result<Vec<ParquetFile>> {
    let folder = Folder::new("parquet")?;
    let mut keys = s3.keys(bucket, prefix).await?;
    keys.retain(|key| key.ends_with(".parquet"));
    let mut files = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        files.push(folder.write(&format!("{index}.parquet"), s3.get(bucket, key).await?)?);
    }
    let mut read = read_parquet(&files).await?;
    for (file, key) in read.iter_mut().zip(keys) {
        file.file = key;
    }
    Ok(read)
}
