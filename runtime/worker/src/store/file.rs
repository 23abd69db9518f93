//! Source offsets of a standalone worker in a file, readable by Kafka Connect and written by it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use millstream_api::{Error, OffsetMap, OffsetReader, Result, SourceOffset, SourcePartition};
use millstream_core::cluster::OffsetTable;
use parking_lot::Mutex;

use super::offsets::{check, entries, listed};
use super::{OffsetStore, java_map};

/// [`OffsetStore`] in the file of `offset.storage.file.filename`.
///
/// The file holds all offsets and is written anew at each save, beside the old one first: a crash leaves one or the other whole.
pub struct FileOffsetStore {
    path: PathBuf,
    content: Arc<Mutex<Content>>,
    /// One save after the other.
    saving: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Content {
    table: OffsetTable,
    /// Every record of the file, also those that are no offsets; they go back as they came.
    records: indexmap::IndexMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Content {
    fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        if let Err(error) = self.table.apply(&key, value.as_deref(), None) {
            tracing::warn!(%error, "record of the offsets file is ignored");
        }
        match value {
            Some(_) => self.records.insert(key, value),
            None => self.records.shift_remove(&key),
        };
    }

    fn to_file(&self) -> Vec<u8> {
        let entries: Vec<_> = self.records.iter().map(|(key, value)| (Some(key.clone()), value.clone())).collect();
        java_map::write(&entries)
    }
}

impl FileOffsetStore {
    /// A store over this file; nothing is read before the start. The file is made at the first save.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), content: Arc::default(), saving: tokio::sync::Mutex::new(()) }
    }
}

fn load(path: &Path) -> Result<Content> {
    let what = || format!("cannot read the offsets file {}", path.display());
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Content::default()),
        Err(error) => return Err(Error::config(what()).caused_by(error).hint("see offset.storage.file.filename")),
    };
    let mut content = Content::default();
    // An empty file is what a first save that never happened leaves.
    if bytes.is_empty() {
        return Ok(content);
    }
    let entries = java_map::read(&bytes).map_err(|reason| {
        Error::config(format!("{}: {reason}", what()))
            .hint("offset.storage.file.filename must name a file that a Connect worker wrote, or none")
    })?;
    for (key, value) in entries {
        if let Some(key) = key {
            content.put(key, value);
        }
    }
    Ok(content)
}

/// Durable when it returns: file and folder are synced.
fn save(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let mut file = fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[async_trait]
impl OffsetStore for FileOffsetStore {
    async fn start(&self) -> Result<()> {
        let path = self.path.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&path))
            .await
            .map_err(|error| Error::internal("reading the offsets file was dropped").caused_by(error))??;
        *self.content.lock() = loaded;
        Ok(())
    }

    async fn stop(&self) {}

    async fn write(&self, connector: &str, offsets: Vec<(Arc<SourcePartition>, SourceOffset)>) -> Result<()> {
        check(connector, &offsets)?;
        let _turn = self.saving.lock().await;
        let mut next = self.content.lock().clone();
        for (key, value) in entries(&next.table, connector, &offsets) {
            next.put(key, value);
        }
        let (path, content) = (self.path.clone(), self.content.clone());
        // Readers see the new offsets only once they are on disk.
        let saved = tokio::task::spawn_blocking(move || {
            let saved = save(&path, &next.to_file());
            if saved.is_ok() {
                *content.lock() = next;
            }
            saved
        })
        .await
        .map_err(|error| Error::internal("writing the offsets file was dropped").caused_by(error))?;
        saved.map_err(|error| {
            Error::retriable(format!("cannot write the offsets file {}", self.path.display()))
                .caused_by(error)
                .hint("check that the folder exists and can be written, and that the disk is not full")
        })
    }

    async fn offsets_of(&self, connector: &str) -> Result<Vec<(SourcePartition, OffsetMap)>> {
        Ok(listed(&self.content.lock().table, connector))
    }

    fn reader(self: Arc<Self>, connector: &str) -> Arc<dyn OffsetReader> {
        Arc::new(Reader { store: self, connector: connector.into() })
    }
}

struct Reader {
    store: Arc<FileOffsetStore>,
    connector: Arc<str>,
}

#[async_trait]
impl OffsetReader for Reader {
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>> {
        let content = self.store.content.lock();
        Ok(partitions.iter().map(|partition| content.table.get(&self.connector, partition).cloned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn map(value: Value) -> serde_json::Map<String, Value> {
        let Value::Object(map) = value else { panic!() };
        map
    }

    #[tokio::test]
    async fn what_is_written_is_there_after_a_restart() {
        let folder = std::env::temp_dir().join(format!("millstream-offsets-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("offsets");
        let partition = Arc::new(SourcePartition(map(json!({"filename": "a"}))));
        let store = FileOffsetStore::new(&path);
        store.start().await.unwrap();
        store.write("c", vec![(partition.clone(), SourceOffset::Map(map(json!({"position": 3}))))]).await.unwrap();
        let store = Arc::new(FileOffsetStore::new(&path));
        store.start().await.unwrap();
        assert_eq!(
            store.clone().reader("c").offsets(&[(*partition).clone()]).await.unwrap(),
            [Some(map(json!({"position": 3})))]
        );
        assert_eq!(store.clone().reader("d").offsets(&[(*partition).clone()]).await.unwrap(), [None]);
        store.write("c", vec![(partition.clone(), SourceOffset::Null)]).await.unwrap();
        assert!(store.offsets_of("c").await.unwrap().is_empty());
        assert_eq!(java_map::read(&fs::read(&path).unwrap()), Ok(Vec::new()));
        fs::write(&path, b"no java").unwrap();
        let error = FileOffsetStore::new(&path).start().await.unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        fs::remove_dir_all(&folder).unwrap();
        let error = store.write("c", vec![(partition, SourceOffset::Null)]).await.unwrap_err();
        assert!(error.is_retriable());
    }
}
