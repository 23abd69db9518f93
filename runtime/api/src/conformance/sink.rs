//! What every sink task promises.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::batch::{RowFailure, SinkBatch};
use crate::budget::MemoryBudget;
use crate::config::Config;
use crate::error::{Error, Result as ApiResult};
use crate::ids::{TaskId, TopicPartition};
use crate::offsets::PartitionOffsets;
use crate::sink::{SinkHost, SinkTask, SinkTaskContext};

/// A destination, and tasks that write to it.
#[async_trait]
pub trait SinkWorld: Send {
    /// A new task and its configuration. Every task writes to the same destination.
    fn task(&self) -> (Box<dyn SinkTask>, Config);

    /// `rows` records of a partition from `first_offset` on. Records of different partitions or offsets differ.
    fn batch(&self, origin: &TopicPartition, first_offset: i64, rows: usize) -> SinkBatch;

    /// The record at this offset as [`SinkWorld::written`] shows it.
    fn text(&self, origin: &TopicPartition, offset: i64) -> String;

    /// Everything durable at the destination now, a text per record, with repeats.
    async fn written(&mut self) -> Result<Vec<String>, String>;

    /// After this many records of a partition all of them can be committed; 1 where nothing is ever held back.
    fn rows_per_commit(&self) -> usize {
        1
    }

    /// Makes every `put` fail with a retriable error, or work again. `false`: this world cannot.
    async fn set_unavailable(&mut self, _unavailable: bool) -> bool {
        false
    }

    /// A configuration with which `start` fails, if there is one.
    fn broken_config(&self) -> Option<Config> {
        None
    }
}

/// Plays the contract of [`SinkTask`]; an error says which promise was broken.
pub async fn run(world: &mut dyn SinkWorld) -> Result<(), String> {
    failed_start(world).await?;
    let mut player = Player::start(world).await?;
    player.empty_calls().await?;
    player.deliver(&["a-0", "a-1"], 3).await?;
    player.nothing_twice().await?;
    player.close_and_open_again().await?;
    player.deliver(&["a-0", "a-1", "b-0"], 4).await?;
    player.unavailable_destination().await?;
    player.deliver(&["a-0", "b-0"], 2).await?;
    player.stop().await;
    player.restart().await?;
    player.deliver(&["a-1"], 5).await?;
    player.all_is_there().await?;
    player.stop().await;
    Ok(())
}

async fn failed_start(world: &dyn SinkWorld) -> Result<(), String> {
    let Some(config) = world.broken_config() else { return Ok(()) };
    let (mut task, _) = world.task();
    let started = task.start(context(config, &Arc::default())).await;
    // Must come back, whatever start left behind.
    task.stop().await;
    if started.is_ok() { Err("start with a broken configuration succeeded".to_owned()) } else { Ok(()) }
}

fn context(config: Config, host: &Arc<Host>) -> SinkTaskContext {
    SinkTaskContext {
        id: TaskId::new("conformance", 0),
        config,
        host: host.clone(),
        budget: MemoryBudget::new(64 << 20),
    }
}

#[derive(Default)]
struct Host {
    reports: AtomicUsize,
}

impl SinkHost for Host {
    fn request_commit(&self) {}

    fn report(&self, _batch: &SinkBatch, failures: Vec<RowFailure>) -> ApiResult<()> {
        self.reports.fetch_add(failures.len(), Ordering::Relaxed);
        Err(failures.into_iter().next().map_or_else(|| Error::data("no failure was named"), |failure| failure.error))
    }

    fn rewind(&self, _offsets: PartitionOffsets) {}

    fn pause(&self, _partitions: &[TopicPartition]) {}

    fn resume(&self, _partitions: &[TopicPartition]) {}

    fn retry_after(&self, _delay: Duration) {}
}

/// Plays the worker: delivers from the committed offset on, commits what the task returns.
struct Player<'a> {
    world: &'a mut dyn SinkWorld,
    task: Box<dyn SinkTask>,
    open: Vec<TopicPartition>,
    delivered: PartitionOffsets,
    committed: PartitionOffsets,
    /// One past the last record of each partition that was ever delivered.
    ends: PartitionOffsets,
}

impl<'a> Player<'a> {
    async fn start(world: &'a mut dyn SinkWorld) -> Result<Self, String> {
        let task = started(world).await?;
        let (open, none) = (Vec::new(), PartitionOffsets::new());
        Ok(Self { world, task, open, delivered: none.clone(), committed: none.clone(), ends: none })
    }

    async fn restart(&mut self) -> Result<(), String> {
        self.task = started(self.world).await?;
        self.open.clear();
        self.delivered.clear();
        Ok(())
    }

    async fn stop(&mut self) {
        self.task.stop().await;
    }

    async fn empty_calls(&mut self) -> Result<(), String> {
        self.put(&[]).await?;
        let answer = self.task.pre_commit(&PartitionOffsets::new()).await;
        let answer = answer.map_err(|e| format!("pre_commit with nothing delivered failed: {e}"))?;
        if !answer.is_empty() {
            return Err(format!("pre_commit with nothing delivered returned {answer:?}"));
        }
        Ok(())
    }

    /// `runs` rounds of records for these partitions, a commit after each, and at the end of all that can be committed.
    async fn deliver(&mut self, partitions: &[&str], runs: usize) -> Result<(), String> {
        let partitions: Vec<_> = partitions.iter().filter_map(|text| partition(text)).collect();
        self.open(&partitions).await?;
        let rows = 2 * self.world.rows_per_commit();
        for _ in 0..runs {
            let batches: Vec<_> = partitions.iter().map(|partition| self.next(partition, rows)).collect();
            self.put(&batches).await?;
            self.count(&batches);
            self.put(&[]).await?;
            self.commit(true).await?;
        }
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<(), String> {
        let new: Vec<_> = partitions.iter().filter(|partition| !self.open.contains(partition)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        self.task.open(&new).await.map_err(|e| format!("open of {new:?} failed: {e}"))?;
        for partition in &new {
            self.delivered.insert(partition.clone(), self.committed.get(partition).copied().unwrap_or(0));
        }
        self.open.extend(new);
        Ok(())
    }

    /// The next records of a partition, behind those delivered.
    fn next(&self, partition: &TopicPartition, rows: usize) -> SinkBatch {
        self.world.batch(partition, self.delivered.get(partition).copied().unwrap_or(0), rows)
    }

    fn count(&mut self, batches: &[SinkBatch]) {
        for batch in batches {
            let end = batch.offset(batch.len() - 1) + 1;
            self.delivered.insert(batch.origin.clone(), end);
            let known = self.ends.entry(batch.origin.clone()).or_insert(0);
            *known = end.max(*known);
        }
    }

    async fn put(&mut self, batches: &[SinkBatch]) -> Result<(), String> {
        self.task.put(batches).await.map_err(|e| format!("put of {} batches failed: {e}", batches.len()))
    }

    /// Asks what may be committed, checks it against what is durable, and commits it.
    async fn commit(&mut self, all: bool) -> Result<(), String> {
        let answer = self.task.pre_commit(&self.delivered).await.map_err(|e| format!("pre_commit failed: {e}"))?;
        let written = self.written().await?;
        for (partition, &offset) in &answer {
            let delivered = self.delivered.get(partition).copied().unwrap_or(-1);
            if offset > delivered {
                return Err(format!("pre_commit returned {offset} of {partition}, ahead of the {delivered} delivered"));
            }
            if let Some(lost) = (0..offset).find(|at| !written.contains_key(&self.world.text(partition, *at))) {
                return Err(format!("pre_commit returned {offset} of {partition}, but {lost} is not durable"));
            }
        }
        if all
            && let Some((partition, offset)) = self.delivered.iter().find(|(p, offset)| answer.get(*p) != Some(*offset))
        {
            let returned = answer.get(partition);
            return Err(format!("pre_commit returned {returned:?} of {partition} where all {offset} can be committed"));
        }
        self.committed.extend(answer);
        Ok(())
    }

    /// Nothing was delivered twice so far, so nothing may be there twice.
    async fn nothing_twice(&mut self) -> Result<(), String> {
        match self.written().await?.into_iter().find(|(_, times)| *times > 1) {
            Some((text, times)) => Err(format!("{text} was delivered once and is there {times} times")),
            None => Ok(()),
        }
    }

    /// The worker gives partitions up and gets them back; records behind the commit come again.
    async fn close_and_open_again(&mut self) -> Result<(), String> {
        let extra: Vec<_> = self.open.iter().map(|partition| self.next(partition, 1)).collect();
        self.put(&extra).await?;
        self.count(&extra);
        self.commit(false).await?;
        let open = std::mem::take(&mut self.open);
        self.task.close(&open).await.map_err(|e| format!("close failed: {e}"))?;
        self.delivered.clear();
        self.put(&[]).await?;
        self.open(&open).await
    }

    /// A put that fails for the moment is called again with the same batches: each record must then be there once.
    async fn unavailable_destination(&mut self) -> Result<(), String> {
        if !self.world.set_unavailable(true).await {
            return Ok(());
        }
        let rows = self.world.rows_per_commit();
        let batches: Vec<_> = self.open.iter().map(|partition| self.next(partition, rows)).collect();
        for _ in 0..2 {
            match self.task.put(&batches).await {
                Err(error) if error.is_retriable() => {}
                Err(error) => return Err(format!("put at an unavailable destination failed for good: {error}")),
                Ok(()) => return Err("put at an unavailable destination succeeded".to_owned()),
            }
        }
        self.commit(false).await?;
        self.world.set_unavailable(false).await;
        self.put(&batches).await?;
        self.count(&batches);
        self.commit(true).await?;
        let written = self.written().await?;
        for batch in &batches {
            for row in 0..batch.len() {
                let text = self.world.text(&batch.origin, batch.offset(row));
                let times = written.get(&text).copied().unwrap_or(0);
                if times != 1 {
                    return Err(format!("after a repeated put, {text} is there {times} times"));
                }
            }
        }
        Ok(())
    }

    /// Every record ever committed is at the destination.
    async fn all_is_there(&mut self) -> Result<(), String> {
        let written = self.written().await?;
        for (partition, end) in &self.ends {
            let committed = self.committed.get(partition).copied().unwrap_or(0);
            if let Some(lost) =
                (0..committed.min(*end)).find(|at| !written.contains_key(&self.world.text(partition, *at)))
            {
                return Err(format!(
                    "{partition} is committed up to {committed}, but {lost} is not at the destination"
                ));
            }
        }
        Ok(())
    }

    async fn written(&mut self) -> Result<BTreeMap<String, usize>, String> {
        let mut times = BTreeMap::new();
        for text in self.world.written().await? {
            *times.entry(text).or_insert(0) += 1;
        }
        Ok(times)
    }
}

async fn started(world: &dyn SinkWorld) -> Result<Box<dyn SinkTask>, String> {
    let (mut task, config) = world.task();
    task.start(context(config, &Arc::default())).await.map_err(|e| format!("start failed: {e}"))?;
    Ok(task)
}

fn partition(text: &str) -> Option<TopicPartition> {
    let (topic, number) = text.rsplit_once('-')?;
    Some(TopicPartition::new(topic, number.parse().ok()?))
}
