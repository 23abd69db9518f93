//! What a task's consumer or producer has moved, and how far a consumer is behind.
//!
//! Counted here and not by librdkafka: its statistics cost each client about 200 KiB of histograms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use millstream_api::TopicPartition;
use parking_lot::Mutex;

use super::sample::{Clock, Meter, Window};
use crate::kafka::Throttle;

/// One client of a task: the producer of a source, the consumer of a sink.
#[derive(Debug)]
pub struct ClientMetrics {
    pub(super) id: Mutex<Arc<str>>,
    /// Records consumed, or acknowledged.
    pub(super) records: Meter,
    /// Their bytes: keys and values, before compression.
    pub(super) bytes: Meter,
    /// Records the broker did not take.
    pub(super) errors: Meter,
    pub(super) record_size: Window,
    /// Set once statistics have come.
    watched: AtomicBool,
    throttle_max: Window,
    throttle_mean: Window,
    topics: Mutex<BTreeMap<Arc<str>, Arc<TopicMetrics>>>,
    partitions: Mutex<BTreeMap<TopicPartition, Arc<Lag>>>,
    /// Largest lag of any partition, looked at once a second.
    pub(super) lag: Window,
}

/// What a client has moved of one topic.
#[derive(Debug, Default)]
pub struct TopicMetrics {
    records: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
}

impl TopicMetrics {
    pub(super) fn records(&self) -> f64 {
        self.records.load(Ordering::Relaxed) as f64
    }

    pub(super) fn bytes(&self) -> f64 {
        self.bytes.load(Ordering::Relaxed) as f64
    }

    pub(super) fn errors(&self) -> f64 {
        self.errors.load(Ordering::Relaxed) as f64
    }
}

impl ClientMetrics {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            id: Mutex::new("".into()),
            records: Meter::new(clock),
            bytes: Meter::new(clock),
            errors: Meter::new(clock),
            record_size: Window::new(clock),
            watched: AtomicBool::new(false),
            throttle_max: Window::new(clock),
            throttle_mean: Window::new(clock),
            topics: Mutex::default(),
            partitions: Mutex::default(),
            lag: Window::new(clock),
        }
    }

    /// The client's id; it is the label of its series.
    pub fn set_id(&self, id: &str) {
        *self.id.lock() = id.into();
    }

    /// Records of a topic were consumed, or acknowledged by the broker.
    pub fn moved(&self, topic: &Arc<str>, records: usize, bytes: usize) {
        self.records.add(records);
        self.bytes.add(bytes);
        if records > 0 {
            self.record_size.record(bytes as f64 / records as f64);
        }
        let topic = self.topic(topic);
        topic.records.fetch_add(records as u64, Ordering::Relaxed);
        topic.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Records of a topic that will never be acknowledged.
    pub fn refused(&self, topic: &Arc<str>, records: usize) {
        self.errors.add(records);
        self.topic(topic).errors.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// By how much brokers delayed answers because of a quota.
    pub fn throttled(&self, throttle: Throttle) {
        self.watched.store(true, Ordering::Relaxed);
        self.throttle_max.record(throttle.max_ms);
        self.throttle_mean.record(throttle.mean_ms);
    }

    /// Longest recent delay; `None` where no statistics are asked for.
    pub(super) fn throttle_max(&self) -> Option<f64> {
        self.watched.load(Ordering::Relaxed).then(|| self.throttle_max.max())
    }

    /// Mean recent delay, likewise.
    pub(super) fn throttle_mean(&self) -> Option<f64> {
        self.watched.load(Ordering::Relaxed).then(|| self.throttle_mean.avg())
    }

    fn topic(&self, topic: &Arc<str>) -> Arc<TopicMetrics> {
        let mut topics = self.topics.lock();
        match topics.get(topic) {
            Some(found) => found.clone(),
            None => topics.entry(topic.clone()).or_default().clone(),
        }
    }

    pub(super) fn topics(&self) -> Vec<(Arc<str>, Arc<TopicMetrics>)> {
        self.topics.lock().iter().map(|(topic, counts)| (topic.clone(), counts.clone())).collect()
    }

    /// The position in a partition: the offset of the next record for the task.
    pub fn position(&self, partition: &TopicPartition, offset: i64) {
        self.of(partition).position.store(offset, Ordering::Relaxed);
    }

    /// Where reading begins: the position, as long as no record of the partition was given to the task.
    pub fn begins_at(&self, partition: &TopicPartition, offset: i64) {
        let lag = self.of(partition);
        let _ = lag.position.compare_exchange(Lag::UNKNOWN, offset, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Partitions that are no longer the task's.
    pub fn forget(&self, partitions: &[TopicPartition]) {
        let mut all = self.partitions.lock();
        for partition in partitions {
            all.remove(partition);
        }
    }

    /// Looks at the ends of all partitions; `ends` gives the first offset a partition has and the one after its last.
    pub fn look_at_ends(&self, ends: impl Fn(&TopicPartition) -> (Option<i64>, Option<i64>)) {
        let mut largest = None;
        for (partition, lag) in self.partitions() {
            let (low, high) = ends(&partition);
            lag.low.store(low.unwrap_or(Lag::UNKNOWN), Ordering::Relaxed);
            lag.high.store(high.unwrap_or(Lag::UNKNOWN), Ordering::Relaxed);
            largest = largest.max(lag.records());
        }
        if let Some(largest) = largest {
            self.lag.record(largest as f64);
        }
    }

    fn of(&self, partition: &TopicPartition) -> Arc<Lag> {
        let mut partitions = self.partitions.lock();
        match partitions.get(partition) {
            Some(found) => found.clone(),
            None => partitions.entry(partition.clone()).or_default().clone(),
        }
    }

    pub(super) fn partitions(&self) -> Vec<(TopicPartition, Arc<Lag>)> {
        self.partitions.lock().iter().map(|(partition, lag)| (partition.clone(), lag.clone())).collect()
    }
}

/// How far the task is in one partition.
#[derive(Debug)]
pub struct Lag {
    position: AtomicI64,
    low: AtomicI64,
    high: AtomicI64,
}

impl Default for Lag {
    fn default() -> Self {
        let unknown = || AtomicI64::new(Self::UNKNOWN);
        Self { position: unknown(), low: unknown(), high: unknown() }
    }
}

impl Lag {
    const UNKNOWN: i64 = -1;

    /// Records between the position and the end.
    pub(super) fn records(&self) -> Option<i64> {
        Some((known(&self.high)? - known(&self.position)?).max(0))
    }

    /// Records between the beginning and the position.
    pub(super) fn lead(&self) -> Option<i64> {
        Some((known(&self.position)? - known(&self.low)?).max(0))
    }
}

fn known(offset: &AtomicI64) -> Option<i64> {
    Some(offset.load(Ordering::Relaxed)).filter(|&offset| offset >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_core::metrics::Windows;

    #[test]
    fn lag_is_what_lies_between_the_position_and_the_end() {
        let client = ClientMetrics::new(Clock::new(Windows::new(std::time::Duration::from_secs(30), 2)));
        let (a, b) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let lag = |partition: &TopicPartition| client.of(partition).records();
        client.begins_at(&a, 5);
        client.position(&b, 7);
        assert_eq!(lag(&a), None, "the end is not known");
        client.look_at_ends(|partition| (Some(2), Some(if *partition == a { 5 } else { 17 })));
        assert_eq!((lag(&a), lag(&b), client.lag.max()), (Some(0), Some(10), 10.0));
        client.begins_at(&b, 17);
        assert_eq!(lag(&b), Some(10), "what is fetched is not yet with the task");
        assert_eq!(client.of(&b).lead(), Some(5));
        client.forget(&[b]);
        assert_eq!(client.partitions().len(), 1);
    }
}
