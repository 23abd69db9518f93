//! The files users start from are valid.

use std::path::{Path, PathBuf};

use millstream_testbed::{Context, Result};

use crate::scenario::millstream;

/// Keys under which the outside world is told of when it cannot be reached; nothing of it runs here.
const OUTSIDE: [&str; 2] = ["connection.url", "s3.bucket.name"];

#[tokio::test]
async fn every_file_in_configs_is_valid() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let connectors = files(&folder.join("connectors"))?;
    let workers: Vec<PathBuf> =
        files(&folder)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "properties")).collect();
    assert!(connectors.len() >= 2, "{connectors:?}");
    assert!(workers.len() >= 2, "{workers:?}");
    // Side by side, for some wait for hosts that are not there.
    let pairs = workers.iter().flat_map(|worker| connectors.iter().map(move |connector| check(worker, connector)));
    futures::future::try_join_all(pairs).await?;
    Ok(())
}

async fn check(worker: &Path, connector: &Path) -> Result<()> {
    let (worker, connector) = (worker.display().to_string(), connector.display().to_string());
    let printed = millstream(&["validate", "--worker", &worker, &connector]).await?;
    let outside = |line: &str| OUTSIDE.iter().any(|key| line.trim_start().starts_with(&format!("{key}: ")));
    // After the first line, one for each error: `  key: error`.
    let inside = printed.text.lines().skip(1).any(|line| !outside(line));
    let fine = printed.code == Some(0) || printed.code == Some(1) && !inside;
    assert!(fine, "{connector} for {worker}: {:?}\n{}", printed.code, printed.text);
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).context(folder.display())?;
    let mut found: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}
