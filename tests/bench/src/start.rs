//! How soon a worker answers, and what it needs when it has nothing to do.

use std::time::{Duration, Instant};

use millstream_testbed::{Error, Result, Worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bed::Bed;
use crate::worker_load;

const STARTS: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_secs(3);

/// What was seen.
pub struct Starts {
    /// Seconds of the first start, which makes the worker's three topics.
    pub first: f64,
    /// The median of the later ones.
    pub median: f64,
    /// Memory in MB after some seconds without connectors.
    pub idle_mb: f64,
}

/// Starts the same worker again and again.
pub async fn run(bed: &Bed) -> Result<Starts> {
    let worker = worker_load::prepare(bed)?;
    let mut seconds = Vec::new();
    let mut idle_mb = 0.0;
    for turn in 0..STARTS {
        seconds.push(ready(&worker).await?);
        if turn == STARTS - 1 {
            tokio::time::sleep(IDLE).await;
            idle_mb = worker.usage()?.rss_bytes as f64 / 1e6;
        }
        worker.terminate().await?;
    }
    let first = seconds.remove(0);
    seconds.sort_by(f64::total_cmp);
    Ok(Starts { first, median: seconds[seconds.len() / 2], idle_mb })
}

/// Seconds from exec to the first 200 of `GET /connectors`.
pub async fn ready(worker: &Worker) -> Result<f64> {
    let address = worker.rest().base().trim_start_matches("http://").to_owned();
    let started = Instant::now();
    worker.spawn()?;
    while started.elapsed() < LIMIT {
        if answers(&address).await.unwrap_or(false) {
            return Ok(started.elapsed().as_secs_f64());
        }
        worker.usage()?;
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::new(format!("no answer within {LIMIT:?}\n{}", worker.log_tail())))
}

// By hand: a client's connection pool and retries would count as the worker's time.
async fn answers(address: &str) -> Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /connectors HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(&head == b"HTTP/1.1 200")
}
