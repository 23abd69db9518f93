//! Waiting for a condition, never for a time.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use crate::{Error, Result};

const PAUSE: Duration = Duration::from_millis(25);

/// Asks `condition` again and again until it answers `Ok(Some(_))`, and fails with the last answer's reason after
/// `limit`. An `Err` is a reason to ask again, shown only if time runs out.
pub async fn until<T, F, A>(what: impl Display, limit: Duration, mut condition: F) -> Result<T>
where
    F: FnMut() -> A,
    A: Future<Output = Result<Option<T>>>,
{
    let started = Instant::now();
    loop {
        let reason = match condition().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(error) => format!(": {error}"),
        };
        if started.elapsed() >= limit {
            return Err(Error::new(format!("{what}: not within {limit:?}{reason}")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
