//! Looking at topics and filling them, with as little work for the broker as can be.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::BinaryArray;
use millstream_testbed::{Context, Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const ASK: Duration = Duration::from_secs(10);

/// Payloads in one piece of memory.
#[derive(Default)]
pub struct Payloads {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Payloads {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds those of a batch, none of them null.
    pub fn extend(&mut self, batch: &BinaryArray) {
        for payload in batch.iter().flatten() {
            self.bytes.extend_from_slice(payload);
            self.ends.push(self.bytes.len());
        }
    }

    /// Bytes of all of them.
    pub fn byte_size(&self) -> usize {
        self.bytes.len()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }
}

/// A kept connection that asks how far things are.
#[derive(Clone)]
pub struct Progress {
    consumer: Arc<BaseConsumer>,
}

impl Progress {
    /// A connection; `group` is the consumer group whose commits it can see.
    pub fn new(bootstrap: &str, group: &str) -> Result<Progress> {
        let consumer = ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", group).create()?;
        Ok(Progress { consumer: Arc::new(consumer) })
    }

    /// Records in the first `partitions` partitions of a topic.
    pub async fn records(&self, topic: &str, partitions: i32) -> Result<i64> {
        let (consumer, topic) = (self.consumer.clone(), topic.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut records = 0;
            for partition in 0..partitions {
                records += consumer.fetch_watermarks(&topic, partition, ASK)?.1;
            }
            Ok(records)
        })
        .await?
    }

    /// The sum of the group's committed offsets.
    pub async fn committed(&self, topic: &str, partitions: i32) -> Result<i64> {
        let (consumer, topic) = (self.consumer.clone(), topic.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut asked = TopicPartitionList::new();
            for partition in 0..partitions {
                asked.add_partition(&topic, partition);
            }
            let committed = consumer.committed_offsets(asked, ASK)?;
            let offset = |offset: Offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
            Ok(committed.elements().iter().map(|element| offset(element.offset())).sum())
        })
        .await?
    }
}

/// The first `count` payloads of partition 0.
pub async fn read(bootstrap: &str, topic: &str, count: usize) -> Result<Payloads> {
    let (bootstrap, topic) = (bootstrap.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &bootstrap)
            .set("group.id", "millstream-bench-reader")
            .set("enable.auto.commit", "false")
            .create()?;
        let mut assigned = TopicPartitionList::new();
        assigned.add_partition_offset(&topic, 0, Offset::Beginning)?;
        consumer.assign(&assigned)?;
        let mut payloads = Payloads { bytes: Vec::new(), ends: Vec::with_capacity(count) };
        while payloads.len() < count {
            let record = consumer
                .poll(ASK)
                .ok_or_else(|| Error::new(format!("topic {topic} has only {} of {count} records", payloads.len())))?
                .context(format!("reading topic {topic}"))?;
            payloads.bytes.extend_from_slice(record.payload().unwrap_or_default());
            payloads.ends.push(payloads.bytes.len());
        }
        Ok(payloads)
    })
    .await?
}

/// Produces `count` records to a topic, the payloads again and again, its partitions in turn.
pub async fn fill(bootstrap: &str, topic: &str, partitions: i32, payloads: Arc<Payloads>, count: u64) -> Result<()> {
    let (bootstrap, topic) = (bootstrap.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &bootstrap)
            .set("enable.idempotence", "true")
            .set("linger.ms", "20")
            .create()?;
        let mut produced = 0;
        while produced < count {
            for payload in payloads.iter().take((count - produced) as usize) {
                let partition = (produced % partitions.unsigned_abs() as u64) as i32;
                let mut record = BaseRecord::<(), [u8]>::to(&topic).payload(payload).partition(partition);
                while let Err((error, back)) = producer.send(record) {
                    if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                        return Err(error).context(format!("producing to {topic}"));
                    }
                    producer.poll(Duration::from_millis(20));
                    record = back;
                }
                produced += 1;
            }
        }
        producer.flush(Duration::from_secs(60)).context(format!("producing to {topic}"))?;
        Ok(())
    })
    .await?
}
