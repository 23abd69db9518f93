//! Many connectors on one worker: how fast REST stays, and what each of them costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millstream_testbed::poll::until;
use millstream_testbed::rest::path_of;
use millstream_testbed::{ConnectRest, Error, Result, Worker, unique};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(240);
/// Between two requests of the one who asks all the time; an impatient dashboard.
const ASK: Duration = Duration::from_millis(5);
/// Allocators give memory back and clients end their first exchanges within this time.
const SETTLE: Duration = Duration::from_secs(3);

/// What was seen of one worker.
pub struct Many {
    /// Milliseconds of answers while connectors start, are listed and stop: median and 99th percentile.
    pub answers: (f64, f64),
    /// Milliseconds a create took: median and longest.
    pub creates: (f64, f64),
    /// Seconds from the first create until all were RUNNING with their tasks.
    pub running_seconds: f64,
    /// Memory a connector costs that has nothing to do, in KB.
    pub idle_kb: f64,
    /// CPU the worker uses for all of them, in seconds per second.
    pub idle_cpu: f64,
}

/// What the connectors are; none of them has anything to do.
#[derive(Clone, Copy)]
pub enum What<'a> {
    /// Sources that wait for lines which never come.
    Sources,
    /// Sinks of a topic without records.
    Sinks(&'a str),
}

/// Creates this many connectors, lists, stops and deletes them, and asks all the time meanwhile.
pub async fn run(worker: &Worker, count: usize, what: What<'_>) -> Result<Many> {
    let before = worker.usage()?.rss_bytes;
    let asking = Asking::start(worker.rest().clone());
    let names: Vec<String> = (0..count).map(|number| unique(&format!("many{number}"))).collect();
    let (started, mut creates) = (Instant::now(), Vec::new());
    for name in &names {
        let asked = Instant::now();
        worker.rest().create(name, &config(worker, name, what)?).await?;
        creates.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    all(worker, count, "RUNNING").await?;
    let running_seconds = started.elapsed().as_secs_f64();
    asking.pause(true);
    tokio::time::sleep(SETTLE).await;
    let (idle, since) = (worker.usage()?, Instant::now());
    tokio::time::sleep(SETTLE).await;
    let idle_cpu = (worker.usage()?.cpu_seconds - idle.cpu_seconds) / since.elapsed().as_secs_f64();
    asking.pause(false);
    for name in &names {
        worker.rest().stop(name).await?;
    }
    all(worker, count, "STOPPED").await?;
    for name in &names {
        worker.rest().delete(name).await?;
    }
    let mut answers = asking.end().await?;
    Ok(Many {
        answers: (share(&mut answers, 0.5)?, share(&mut answers, 0.99)?),
        creates: (share(&mut creates, 0.5)?, share(&mut creates, 1.0)?),
        running_seconds,
        idle_kb: idle.rss_bytes.saturating_sub(before) as f64 / 1e3 / count as f64,
        idle_cpu,
    })
}

/// Makes this many connectors, ends the worker, and starts it again: seconds from exec until REST lists all, and until all run.
pub async fn restart(worker: &Worker, count: usize) -> Result<(f64, f64)> {
    worker.run().await?;
    for number in 0..count {
        let name = unique(&format!("again{number}"));
        worker.rest().create(&name, &config(worker, &name, What::Sources)?).await?;
    }
    all(worker, count, "RUNNING").await?;
    worker.terminate().await?;
    let started = Instant::now();
    worker.spawn()?;
    until("all connectors in the list", LIMIT, || async {
        let listed = worker.rest().get("/connectors").await.ok().filter(|answer| answer.status == 200);
        Ok(listed.and_then(|answer| answer.json().ok()?.as_array().map(Vec::len)).filter(|listed| *listed == count))
    })
    .await?;
    let listed = started.elapsed().as_secs_f64();
    all(worker, count, "RUNNING").await?;
    let running = started.elapsed().as_secs_f64();
    worker.terminate().await?;
    Ok((listed, running))
}

fn config(worker: &Worker, name: &str, what: What<'_>) -> Result<Value> {
    const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
    Ok(match what {
        What::Sources => json!({
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1",
            "file": worker.folder().write(&format!("{name}.txt"), "")?, "topic": name, "value.converter": STRING,
        }),
        What::Sinks(topic) => json!({
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "1",
            "file": "/dev/null", "topics": topic, "value.converter": STRING,
        }),
    })
}

/// Waits until this many connectors, and of running ones their tasks, are in a state.
async fn all(worker: &Worker, count: usize, state: &str) -> Result<()> {
    until(format!("{count} connectors to be {state}"), LIMIT, || async {
        let listed = worker.rest().get("/connectors?expand=status").await?.json()?;
        let is = |status: &Value| {
            let tasks = status["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
            status["connector"]["state"] == state
                && (state != "RUNNING" || !tasks.is_empty() && tasks.iter().all(|task| task["state"] == state))
        };
        let there = listed.as_object().into_iter().flatten().filter(|(_, entry)| is(&entry["status"])).count();
        Ok((there == count).then_some(()))
    })
    .await
}

/// Somebody who reads one thing after another, without end.
struct Asking {
    paused: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    running: tokio::task::JoinHandle<Result<Vec<f64>>>,
}

impl Asking {
    fn start(rest: ConnectRest) -> Asking {
        let (paused, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let running = tokio::spawn(ask(rest, paused.clone(), ended.clone()));
        Asking { paused, ended, running }
    }

    fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    async fn end(self) -> Result<Vec<f64>> {
        self.ended.store(true, Ordering::Relaxed);
        self.running.await?
    }
}

async fn ask(rest: ConnectRest, paused: Arc<AtomicBool>, ended: Arc<AtomicBool>) -> Result<Vec<f64>> {
    let (mut milliseconds, mut some) = (Vec::new(), None::<String>);
    for turn in 0usize.. {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(ASK).await;
        if paused.load(Ordering::Relaxed) {
            continue;
        }
        let path = match (turn % 5, &some) {
            (0, _) => "/".to_owned(),
            (1, _) => "/connectors".to_owned(),
            (2, _) => "/connectors?expand=status&expand=info".to_owned(),
            (3, Some(name)) => format!("{}/status", path_of(name)),
            (4, Some(name)) => format!("{}/config", path_of(name)),
            _ => continue,
        };
        let asked = Instant::now();
        let answer = rest.get(&path).await?;
        milliseconds.push(asked.elapsed().as_secs_f64() * 1e3);
        // A connector may be gone by then, and Java refuses while it rebalances, or fails because of it.
        let rebalances = answer.status == 500 && answer.body.contains("rebalance");
        if !matches!(answer.status, 200 | 404 | 409) && !rebalances {
            return Err(Error::new(format!("{path}: {} {}", answer.status, answer.body)));
        }
        if path == "/connectors" {
            some = answer.json()?.as_array().and_then(|names| names.last()?.as_str().map(str::to_owned));
        }
    }
    Ok(milliseconds)
}

/// The value that this share of all does not exceed.
fn share(values: &mut [f64], share: f64) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    let index = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len().max(1)) - 1;
    values.get(index).copied().ok_or_else(|| Error::new("nothing was measured"))
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares() {
        let mut values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(share(&mut values, 0.5).unwrap(), 100.0);
        assert_eq!(share(&mut values, 0.99).unwrap(), 198.0);
        assert_eq!(share(&mut values, 1.0).unwrap(), 200.0);
        assert!(share(&mut [], 0.5).is_err());
    }
}
