//! Statuses in the status topic.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::{Error, Result};
use millstream_core::cluster::{Status, StatusKey, StatusTable, TopicStatus};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::StatusStore;
use super::log::{LogSettings, StoreLog};
use crate::kafka::topic_log::{LogEntry, Written};
use crate::kafka::{LogRecord, TopicLog};

/// Above this many waiting records only the newest of each key is kept: an outage must not fill memory.
const BACKLOG: usize = 1000;
/// Pause before records are sent again that failed for a reason that may go away.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a stop waits for what was put.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// [`StatusStore`] over the status topic. Records go out in the background, in the order they were put.
pub struct KafkaStatusStore {
    log: StoreLog,
    table: Arc<RwLock<StatusTable>>,
    outbox: Arc<Outbox>,
    sender: Mutex<Option<JoinHandle<()>>>,
}

impl KafkaStatusStore {
    /// A store that does nothing before it is started.
    pub fn new(settings: LogSettings) -> Self {
        Self {
            log: StoreLog::new(settings),
            table: Arc::default(),
            outbox: Arc::new(Outbox::new()),
            sender: Mutex::new(None),
        }
    }
}

fn take(table: &RwLock<StatusTable>, record: LogRecord<'_>) {
    let Some(key) = record.key else { return };
    if let Err(error) = table.write().apply(key, record.value) {
        tracing::warn!(partition = record.partition, offset = record.offset, %error, "record of the status topic is ignored");
    }
}

#[async_trait]
impl StatusStore for KafkaStatusStore {
    async fn start(&self) -> Result<()> {
        let table = self.table.clone();
        self.log.open(move |record| take(&table, record)).await?;
        let (log, outbox) = (self.log.get()?, self.outbox.clone());
        *self.sender.lock() = Some(tokio::spawn(async move { outbox.send_all(&log).await }));
        Ok(())
    }

    async fn stop(&self) {
        if let Err(error) = self.flush(LAST_WORDS).await {
            tracing::warn!(%error, "some statuses were not written");
        }
        let sender = self.sender.lock().take();
        if let Some(sender) = sender {
            sender.abort();
        }
        self.log.close().await;
    }

    fn table(&self) -> RwLockReadGuard<'_, StatusTable> {
        self.table.read()
    }

    fn put(&self, key: StatusKey, status: Status) {
        self.outbox.push((key.encode().into_bytes(), status.encode()));
    }

    fn put_safe(&self, key: StatusKey, status: Status) {
        if self.table.read().may_write_safely(&key, &status) {
            self.put(key, status);
        }
    }

    fn put_topic(&self, topic: TopicStatus) {
        if self.table.read().has_topic(&topic.connector, &topic.topic) {
            return;
        }
        let key = topic.key().encode().into_bytes();
        if !self.outbox.holds_value(&key) {
            self.outbox.push((key, Some(topic.encode())));
        }
    }

    fn delete(&self, key: StatusKey) {
        self.outbox.push((key.encode().into_bytes(), None));
    }

    async fn flush(&self, limit: Duration) -> Result<()> {
        let log = self.log.get()?;
        let all = async {
            let written = self.outbox.sent().await;
            log.read_to(&written).await
        };
        tokio::time::timeout(limit, all).await.unwrap_or_else(|_| {
            Err(Error::timeout(format!(
                "writing statuses to topic {} took more than {} ms",
                log.topic(),
                limit.as_millis()
            ))
            .hint("check that the brokers are up"))
        })
    }
}

/// Records on their way to the topic.
struct Outbox {
    queue: Mutex<Queue>,
    wake: Notify,
    /// How many records, counted from the beginning, are dealt with.
    done: watch::Sender<u64>,
}

#[derive(Default)]
struct Queue {
    /// Handed to the producer, not yet acknowledged; then waiting.
    sending: Vec<LogEntry>,
    waiting: VecDeque<LogEntry>,
    put: u64,
    /// Where the acknowledged ones are.
    written: Written,
}

impl Outbox {
    fn new() -> Self {
        Self { queue: Mutex::default(), wake: Notify::new(), done: watch::channel(0).0 }
    }

    fn push(&self, entry: LogEntry) {
        let mut queue = self.queue.lock();
        queue.waiting.push_back(entry);
        queue.put += 1;
        if queue.waiting.len() > BACKLOG {
            queue.compact();
        }
        drop(queue);
        self.wake.notify_one();
    }

    /// True when the last record of the key that is on its way has a value.
    fn holds_value(&self, key: &[u8]) -> bool {
        let queue = self.queue.lock();
        let last = queue.waiting.iter().rev().chain(queue.sending.iter().rev()).find(|(other, _)| other == key);
        last.is_some_and(|(_, value)| value.is_some())
    }

    /// Waits until everything put before this call is dealt with; says where it is.
    async fn sent(&self) -> Written {
        let put = self.queue.lock().put;
        let mut done = self.done.subscribe();
        // The sender is part of `self`.
        let _ = done.wait_for(|done| *done >= put).await;
        self.queue.lock().written.clone()
    }

    /// Sends for as long as the worker runs.
    async fn send_all(&self, log: &TopicLog) {
        loop {
            let (batch, put) = {
                let mut queue = self.queue.lock();
                queue.sending = queue.waiting.drain(..).collect();
                (queue.sending.clone(), queue.put)
            };
            if batch.is_empty() {
                self.done.send_replace(put);
                self.wake.notified().await;
                continue;
            }
            match log.send_all(batch.clone()).await {
                Ok(written) => self.queue.lock().written.merge(&written),
                // One of them is at fault; one by one shows which.
                Err(_) => {
                    for entry in batch {
                        self.send_one(log, entry).await;
                    }
                }
            }
            self.queue.lock().sending.clear();
            self.done.send_replace(put);
        }
    }

    /// Sends one record until it is acknowledged, refused for good, or overtaken by a newer one of its key.
    async fn send_one(&self, log: &TopicLog, (key, value): LogEntry) {
        loop {
            let error = match log.send(key.clone(), value.clone()).await {
                Ok(written) => return self.queue.lock().written.merge(&written),
                Err(error) => error,
            };
            let text = String::from_utf8_lossy(&key);
            if !error.is_retriable() {
                tracing::error!(key = %text, %error, "a status was not written");
                return;
            }
            tokio::time::sleep(PAUSE).await;
            if self.queue.lock().waiting.iter().any(|(other, _)| *other == key) {
                return;
            }
        }
    }
}

impl Queue {
    /// Keeps the newest record of each key.
    fn compact(&mut self) {
        let mut seen = std::collections::HashSet::new();
        let mut newest: VecDeque<LogEntry> = VecDeque::new();
        for entry in std::mem::take(&mut self.waiting).into_iter().rev() {
            if seen.insert(entry.0.clone()) {
                newest.push_front(entry);
            }
        }
        self.waiting = newest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: Option<&str>) -> LogEntry {
        (key.into(), value.map(Into::into))
    }

    #[test]
    fn a_backlog_keeps_the_newest_of_each_key() {
        let outbox = Outbox::new();
        for n in 0..=BACKLOG {
            outbox.push(entry(if n % 2 == 0 { "a" } else { "b" }, Some(&n.to_string())));
        }
        let waiting: Vec<_> = outbox.queue.lock().waiting.iter().cloned().collect();
        assert_eq!(waiting, [entry("b", Some("999")), entry("a", Some("1000"))]);
    }

    #[test]
    fn a_deletion_on_its_way_hides_the_value_before_it() {
        let outbox = Outbox::new();
        outbox.push(entry("a", Some("1")));
        assert!(outbox.holds_value(b"a"));
        outbox.push(entry("a", None));
        assert!(!outbox.holds_value(b"a"));
    }
}
