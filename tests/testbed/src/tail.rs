//! Following topics from their beginning, so that many scenarios can look at the same ones without reading them anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::poll::until;
use crate::topics::record;
use crate::{Context, Record, Result, Topics};

const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// All records of some topics, in the order of arrival, which within a partition is that of its offsets. A thread goes
/// on reading until this is dropped.
#[derive(Debug)]
pub struct Tail {
    records: Arc<Mutex<Vec<Record>>>,
    ended: Arc<AtomicBool>,
}

impl Tail {
    /// Follows these topics; waits until they are there.
    pub async fn start(bootstrap: &str, topics: &[String]) -> Result<Tail> {
        let (client, mut assigned) = (Topics::new(bootstrap), TopicPartitionList::new());
        for topic in topics {
            let found = until(format!("topic {topic}"), LIMIT, || async { client.partitions(topic).await }).await?;
            for partition in found {
                assigned.add_partition_offset(topic, partition, Offset::Beginning)?;
            }
        }
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "millstream-testbed-tail")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "50")
            .create()?;
        consumer.assign(&assigned).context("following topics")?;
        let (records, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let tail = Tail { records: Arc::clone(&records), ended: Arc::clone(&ended) };
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                // An error is librdkafka's to mend: what is missing shows in the records.
                if let Some(Ok(message)) = consumer.poll(POLL) {
                    keep(&records, &message);
                }
            }
        });
        Ok(tail)
    }

    /// What one topic has held so far, in the order of arrival.
    pub fn records(&self, topic: &str) -> Vec<Record> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().filter(|record| record.topic == topic).cloned().collect()
    }
}

fn keep(records: &Mutex<Vec<Record>>, message: &BorrowedMessage<'_>) {
    records.lock().unwrap_or_else(PoisonError::into_inner).push(record(message));
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
