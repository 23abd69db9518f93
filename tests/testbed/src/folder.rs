//! Temporary folders below the one folder of this process.

use std::path::{Path, PathBuf};

use crate::sweeper::{KEEP, sweeper};
use crate::{Context, Result};

/// A folder that goes away with its owner, and at the latest with the process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A new folder; `name` begins its name.
    pub fn new(name: &str) -> Result<Folder> {
        let path = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(sweeper()?.root())
            .context(format!("a temporary folder for {name}"))?
            .keep();
        Ok(Folder { path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file into it and returns the file's path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::write(&path, content).context(path.display())?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::env::var_os(KEEP).is_none() {
            // What cannot be removed now, the sweeper removes.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
