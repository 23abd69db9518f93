//! What every source task promises.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use serde_json::Value;

use crate::batch::{Batch, SourceBatch};
use crate::budget::MemoryBudget;
use crate::column::Column;
use crate::config::Config;
use crate::error::Result as ApiResult;
use crate::ids::TaskId;
use crate::offsets::{OffsetMap, OffsetReader, SourceOffset, SourcePartition};
use crate::source::{SourceTask, SourceTaskContext};

/// A source to read from, and tasks that read it.
#[async_trait]
pub trait SourceWorld: Send {
    /// A new task and its configuration. Every task reads the same source. Small batches make a sharper test.
    fn task(&self) -> (Box<dyn SourceTask>, Config);

    /// Adds `rows` rows, each different from all others, which a running task must find.
    async fn add_rows(&mut self, rows: usize) -> Result<(), String>;

    /// A configuration with which `start` fails, if there is one.
    fn broken_config(&self) -> Option<Config> {
        None
    }

    /// How many polls in a row may find nothing before rows that are there count as lost.
    fn patience(&self) -> usize {
        50
    }
}

/// Plays the contract of [`SourceTask`]; an error says which promise was broken.
pub async fn run(world: &mut dyn SourceWorld) -> Result<(), String> {
    failed_start(world).await?;
    stop_without_poll(world).await?;
    world.add_rows(ROWS).await?;
    let read = read_all(world).await?;
    restart_anywhere(world, &read).await?;
    let read = read_what_is_added(world, read).await?;
    restart_anywhere(world, &read).await?;
    dropped_poll(world, &read).await
}

const ROWS: usize = 37;
/// Restarts tried per battery run; long histories are sampled.
const CUTS: usize = 12;

/// A batch as the battery remembers it.
struct Seen {
    partition: Arc<SourcePartition>,
    offset: Option<SourceOffset>,
    rows: Vec<String>,
}

/// Stored offsets, as a worker would give them.
#[derive(Clone, Default)]
struct Stored(Arc<Mutex<BTreeMap<String, Option<OffsetMap>>>>);

impl Stored {
    fn keep(&self, seen: &Seen) {
        let offset = match &seen.offset {
            None => return,
            // Written as JSON and read back, as the offsets topic does.
            Some(SourceOffset::Map(map)) => serde_json::to_string(map).ok().and_then(|t| serde_json::from_str(&t).ok()),
            Some(SourceOffset::Null) => None,
        };
        let mut stored = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        stored.insert(seen.partition.canonical(), offset);
    }
}

#[async_trait]
impl OffsetReader for Stored {
    async fn offsets(&self, partitions: &[SourcePartition]) -> ApiResult<Vec<Option<OffsetMap>>> {
        let stored = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(partitions.iter().map(|partition| stored.get(&partition.canonical()).cloned().flatten()).collect())
    }
}

fn context(config: Config, stored: &Stored) -> SourceTaskContext {
    SourceTaskContext {
        id: TaskId::new("conformance", 0),
        config,
        offsets: Arc::new(stored.clone()),
        budget: MemoryBudget::new(64 << 20),
    }
}

async fn started(world: &dyn SourceWorld, stored: &Stored) -> Result<Box<dyn SourceTask>, String> {
    let (mut task, config) = world.task();
    task.start(context(config, stored)).await.map_err(|e| format!("start failed: {e}"))?;
    Ok(task)
}

async fn failed_start(world: &dyn SourceWorld) -> Result<(), String> {
    let Some(config) = world.broken_config() else { return Ok(()) };
    let (mut task, _) = world.task();
    let started = task.start(context(config, &Stored::default())).await;
    // Must come back, whatever start left behind.
    task.stop().await;
    if started.is_ok() { Err("start with a broken configuration succeeded".to_owned()) } else { Ok(()) }
}

async fn stop_without_poll(world: &dyn SourceWorld) -> Result<(), String> {
    let mut task = started(world, &Stored::default()).await?;
    task.committed().await.map_err(|e| format!("committed with nothing new failed: {e}"))?;
    task.stop().await;
    Ok(())
}

async fn read_all(world: &dyn SourceWorld) -> Result<Vec<Seen>, String> {
    let mut task = started(world, &Stored::default()).await?;
    let read = read(task.as_mut(), ROWS, world.patience()).await?;
    task.stop().await;
    if read.iter().all(|seen| seen.offset.is_none()) {
        return Err(format!("none of {} batches moves the position", read.len()));
    }
    Ok(read)
}

/// Stops after every batch (or a sample), stores what that allows, and starts a new task: it must read what was not stored, once.
async fn restart_anywhere(world: &dyn SourceWorld, read_before: &[Seen]) -> Result<(), String> {
    let step = read_before.len().div_ceil(CUTS).max(1);
    let cuts = (0..=read_before.len()).rev().step_by(step).chain((step > 1).then_some(0));
    for cut in cuts {
        let stored = Stored::default();
        read_before[..cut].iter().for_each(|seen| stored.keep(seen));
        let expected = rows_after(read_before, cut);
        let count = expected.values().map(Vec::len).sum();
        let mut task = started(world, &stored).await?;
        // Looking for rows beyond the end costs a poll's full wait: the two ends of the history are enough.
        let look = cut == 0 || cut == read_before.len();
        let read = read_until(task.as_mut(), count, world.patience(), look).await;
        let read = read.map_err(|e| format!("after a restart: {e}"))?;
        task.stop().await;
        let got = rows_after(&read, 0);
        if got != expected {
            return Err(format!(
                "restarted after batch {cut} of {}: expected {count} rows from the stored positions on, in order: {expected:?}; read {got:?}",
                read_before.len()
            ));
        }
    }
    Ok(())
}

async fn read_what_is_added(world: &mut dyn SourceWorld, mut before: Vec<Seen>) -> Result<Vec<Seen>, String> {
    let stored = Stored::default();
    before.iter().for_each(|seen| stored.keep(seen));
    let behind: usize = rows_after(&before, before.len()).values().map(Vec::len).sum();
    let mut task = started(world, &stored).await?;
    read(task.as_mut(), behind, world.patience()).await?;
    world.add_rows(ROWS).await?;
    let added = read(task.as_mut(), ROWS, world.patience()).await.map_err(|e| format!("rows added meanwhile: {e}"))?;
    task.committed().await.map_err(|e| format!("committed failed: {e}"))?;
    task.stop().await;
    before.extend(added);
    Ok(before)
}

/// The worker drops a waiting poll when the task is to stop.
async fn dropped_poll(world: &dyn SourceWorld, read_before: &[Seen]) -> Result<(), String> {
    let stored = Stored::default();
    read_before.iter().for_each(|seen| stored.keep(seen));
    let mut task = started(world, &stored).await?;
    {
        let mut poll = task.poll();
        poll_fn(|cx| {
            let _ = poll.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
    }
    task.stop().await;
    Ok(())
}

/// Rows of each partition that lie behind the position stored when `cut` batches were acknowledged.
fn rows_after(batches: &[Seen], cut: usize) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (at, seen) in batches.iter().enumerate() {
        let partition = seen.partition.canonical();
        if at < cut && seen.offset.is_some() {
            rows.remove(&partition);
        } else if !seen.rows.is_empty() {
            rows.entry(partition).or_default().extend(seen.rows.iter().cloned());
        }
    }
    rows
}

async fn read(task: &mut dyn SourceTask, wanted: usize, patience: usize) -> Result<Vec<Seen>, String> {
    read_until(task, wanted, patience, true).await
}

/// Polls until `wanted` rows were read, and with `look` once more for rows that should not be there; more is an error, and so is
/// waiting for too long.
async fn read_until(
    task: &mut dyn SourceTask,
    wanted: usize,
    patience: usize,
    look: bool,
) -> Result<Vec<Seen>, String> {
    let (mut seen, mut rows, mut idle) = (Vec::new(), 0, 0);
    let mut last_look = look && wanted == 0;
    while rows < wanted || last_look {
        let batches = match task.poll().await {
            Ok(batches) => batches,
            Err(error) if error.is_retriable() => Vec::new(),
            Err(error) => return Err(format!("poll failed: {error}")),
        };
        let before = rows;
        for batch in batches {
            let one = remember(batch)?;
            rows += one.rows.len();
            seen.push(one);
        }
        if rows > wanted {
            return Err(format!("read {rows} rows where there are {wanted}"));
        }
        if last_look {
            break;
        }
        last_look = look && rows == wanted;
        idle = if rows == before { idle + 1 } else { 0 };
        if idle > patience {
            return Err(format!("read {rows} of {wanted} rows, then nothing in {idle} polls"));
        }
    }
    Ok(seen)
}

fn remember(source: SourceBatch) -> Result<Seen, String> {
    let SourceBatch { batch, partition, offset, failures } = source;
    if let Some(failure) = failures.first() {
        return Err(format!("a row failed: {failure}"));
    }
    let flat = |map: &OffsetMap| map.values().all(|value| !matches!(value, Value::Array(_) | Value::Object(_)));
    if !flat(&partition.0) {
        return Err("a source partition holds a nested value, which cannot be stored".to_owned());
    }
    if let Some(SourceOffset::Map(map)) = &offset
        && !flat(map)
    {
        return Err("a source offset holds a nested value, which cannot be stored".to_owned());
    }
    Ok(Seen { rows: rows(&batch)?, partition, offset })
}

fn rows(batch: &Batch) -> Result<Vec<String>, String> {
    let lengths = [
        Some(batch.key.len()),
        batch.timestamps.as_ref().map(arrow::array::Array::len),
        batch.partitions.as_ref().map(arrow::array::Array::len),
    ];
    if lengths.into_iter().flatten().any(|length| length != batch.len()) {
        return Err(format!("the parts of a batch of topic {} do not have the same number of rows", batch.topic));
    }
    let (keys, values) = (texts(&batch.key)?, texts(&batch.value)?);
    Ok(keys.into_iter().zip(values).map(|(key, value)| format!("{}: {key} -> {value}", batch.topic)).collect())
}

/// Every row of a column as text; absent rows show as `absent`.
pub(super) fn texts(column: &Column) -> Result<Vec<String>, String> {
    let options = FormatOptions::default().with_null("null");
    let formatter = ArrayFormatter::try_new(column.array(), &options).map_err(|e| e.to_string())?;
    let text = |row| if column.is_absent(row) { "absent".to_owned() } else { formatter.value(row).to_string() };
    Ok((0..column.len()).map(text).collect())
}
