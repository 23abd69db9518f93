//! Reading and writing topics as an outsider.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::poll::until;
use crate::{Context, Error, Result};

const LIMIT: Duration = Duration::from_secs(30);

/// A record as it lies in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970, if the record has a time.
    pub timestamp: Option<i64>,
}

impl Record {
    /// The key as text (empty when there is none).
    pub fn key_text(&self) -> String {
        text(self.key.as_deref())
    }

    /// The value as text (empty when there is none).
    pub fn value_text(&self) -> String {
        text(self.value.as_deref())
    }

    /// The value as JSON; `null` for a tombstone.
    pub fn value_json(&self) -> Result<serde_json::Value> {
        match &self.value {
            None => Ok(serde_json::Value::Null),
            Some(bytes) => serde_json::from_slice(bytes).context(format!(
                "{}-{}@{}: {}",
                self.topic,
                self.partition,
                self.offset,
                self.value_text()
            )),
        }
    }
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// A record to produce.
#[derive(Debug, Clone, Default)]
pub struct NewRecord {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: Option<i64>,
    partition: Option<i32>,
}

impl NewRecord {
    /// A record with this value.
    pub fn value(value: impl Into<Vec<u8>>) -> NewRecord {
        NewRecord { value: Some(value.into()), ..NewRecord::default() }
    }

    /// A record without value.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> NewRecord {
        NewRecord { key: Some(key.into()), ..NewRecord::default() }
    }

    /// Gives it a key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> NewRecord {
        self.key = Some(key.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> NewRecord {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Adds a header without value.
    #[must_use]
    pub fn null_header(mut self, name: impl Into<String>) -> NewRecord {
        self.headers.push((name.into(), None));
        self
    }

    /// Gives it a time, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, millis: i64) -> NewRecord {
        self.timestamp = Some(millis);
        self
    }

    /// Sends it to this partition.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> NewRecord {
        self.partition = Some(partition);
        self
    }
}

/// A client of one cluster; every call opens a connection of its own.
#[derive(Debug, Clone)]
pub struct Topics {
    bootstrap: String,
}

impl Topics {
    /// A client of the cluster at `bootstrap`.
    pub fn new(bootstrap: impl Into<String>) -> Topics {
        Topics { bootstrap: bootstrap.into() }
    }

    /// Produces records in order (order holds within a partition) and returns once all are acknowledged.
    pub async fn produce(&self, topic: &str, records: impl IntoIterator<Item = NewRecord>) -> Result<()> {
        let producer: FutureProducer =
            self.client().set("linger.ms", "5").set("enable.idempotence", "true").create()?;
        let mut sent = Vec::new();
        for record in records {
            loop {
                match producer.send_result(future_record(topic, &record)) {
                    Ok(delivery) => break sent.push(delivery),
                    // A full queue only has to be waited for: the oldest record's delivery makes room.
                    Err((KafkaError::MessageProduction(code), _)) if code == QUEUE_FULL && !sent.is_empty() => {
                        sent.remove(0).await?.map_err(|(error, _)| error)?;
                    }
                    Err((error, _)) => return Err(error).context(format!("producing to {topic}")),
                }
            }
        }
        for delivery in sent {
            delivery.await?.map_err(|(error, _)| error).context(format!("producing to {topic}"))?;
        }
        Ok(())
    }

    /// All records from the beginning to the present end, by partition and offset. The topic must exist.
    pub async fn read_all(&self, topic: &str) -> Result<Vec<Record>> {
        self.read(topic, None, LIMIT).await
    }

    /// Waits until the topic exists and holds at least `count` records; returns what there is by then.
    pub async fn read_at_least(&self, topic: &str, count: usize, limit: Duration) -> Result<Vec<Record>> {
        let started = Instant::now();
        until(format!("topic {topic} to exist"), limit, || async {
            Ok(self.partitions(topic).await?.filter(|partitions| !partitions.is_empty()))
        })
        .await?;
        self.read(topic, Some(count), limit.saturating_sub(started.elapsed())).await
    }

    /// Partition -> the offset the next record will get (the high watermark).
    pub async fn end_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let partitions = self.existing(topic).await?;
        let (client, topic) = (self.client(), topic.to_owned());
        blocking(move || {
            let consumer: BaseConsumer = client.create()?;
            let end = |partition| -> Result<(i32, i64)> {
                let (_, high) = consumer.fetch_watermarks(&topic, partition, LIMIT)?;
                Ok((partition, high))
            };
            partitions.into_iter().map(end).collect()
        })
        .await
    }

    /// Partition -> committed offset of a consumer group; partitions without one are left out.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let partitions = self.existing(topic).await?;
        let (mut client, topic) = (self.client(), topic.to_owned());
        client.set("group.id", group);
        blocking(move || {
            let consumer: BaseConsumer = client.create()?;
            let mut asked = TopicPartitionList::new();
            for partition in partitions {
                asked.add_partition(&topic, partition);
            }
            let committed = consumer.committed_offsets(asked, LIMIT)?;
            let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element.offset() {
                Offset::Offset(offset) => Some((element.partition(), offset)),
                _ => None,
            };
            Ok(committed.elements().iter().filter_map(offset).collect())
        })
        .await
    }

    /// Creates a topic (replication factor 1) and waits until every partition has a leader.
    pub async fn create(&self, topic: &str, partitions: i32, config: &[(&str, &str)]) -> Result<()> {
        let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (key, value) in config {
            wanted = wanted.set(key, value);
        }
        let answers = self.admin()?.create_topics(&[wanted], &AdminOptions::new()).await?;
        for answer in answers {
            answer.map_err(|(name, code)| Error::new(format!("creating topic {name}: {code}")))?;
        }
        until(format!("partitions of {topic}"), LIMIT, || async {
            let there = self.partitions(topic).await?.is_some_and(|found| found.len() as i32 == partitions);
            Ok(there.then_some(()))
        })
        .await
    }

    /// Deletes a topic.
    pub async fn delete(&self, topic: &str) -> Result<()> {
        for answer in self.admin()?.delete_topics(&[topic], &AdminOptions::new()).await? {
            answer.map_err(|(name, code)| Error::new(format!("deleting topic {name}: {code}")))?;
        }
        Ok(())
    }

    /// The topic's settings: those that differ from the broker's default and the defaults alike.
    pub async fn describe_config(&self, topic: &str) -> Result<BTreeMap<String, String>> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let mut found = BTreeMap::new();
        for resource in self.admin()?.describe_configs(&asked, &AdminOptions::new()).await? {
            let resource = resource.map_err(|code| Error::new(format!("settings of topic {topic}: {code}")))?;
            for entry in resource.entries {
                found.insert(entry.name, entry.value.unwrap_or_default());
            }
        }
        Ok(found)
    }

    /// The names of all topics, internal ones included.
    pub async fn names(&self) -> Result<Vec<String>> {
        let client = self.client();
        blocking(move || {
            let consumer: BaseConsumer = client.create()?;
            let metadata = consumer.fetch_metadata(None, LIMIT)?;
            Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
        })
        .await
    }

    /// The partition numbers of a topic whose partitions all have a leader, `None` when there is no such topic (yet).
    pub async fn partitions(&self, topic: &str) -> Result<Option<Vec<i32>>> {
        let (client, topic) = (self.client(), topic.to_owned());
        blocking(move || {
            let consumer: BaseConsumer = client.create()?;
            let metadata = consumer.fetch_metadata(Some(&topic), LIMIT)?;
            let Some(found) = metadata.topics().first() else { return Ok(None) };
            let led = found.partitions().iter().all(|partition| partition.leader() >= 0);
            if found.error().is_some() || found.partitions().is_empty() || !led {
                return Ok(None);
            }
            let mut numbers: Vec<i32> = found.partitions().iter().map(|partition| partition.id()).collect();
            numbers.sort_unstable();
            Ok(Some(numbers))
        })
        .await
    }

    async fn existing(&self, topic: &str) -> Result<Vec<i32>> {
        self.partitions(topic).await?.ok_or_else(|| Error::new(format!("there is no topic {topic}")))
    }

    async fn read(&self, topic: &str, at_least: Option<usize>, limit: Duration) -> Result<Vec<Record>> {
        let partitions = self.existing(topic).await?;
        let (mut client, topic) = (self.client(), topic.to_owned());
        client.set("group.id", "millstream-testbed-reader").set("enable.partition.eof", "true");
        client.set("enable.auto.commit", "false").set("fetch.wait.max.ms", "20");
        blocking(move || read_blocking(&client, &topic, partitions, at_least, limit)).await
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        Ok(self.client().create()?)
    }
}

const QUEUE_FULL: rdkafka::types::RDKafkaErrorCode = rdkafka::types::RDKafkaErrorCode::QueueFull;

fn future_record<'a>(topic: &'a str, record: &'a NewRecord) -> FutureRecord<'a, Vec<u8>, Vec<u8>> {
    let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
    for (name, value) in &record.headers {
        headers = headers.insert(Header { key: name, value: value.as_ref() });
    }
    FutureRecord {
        topic,
        partition: record.partition,
        payload: record.value.as_ref(),
        key: record.key.as_ref(),
        timestamp: record.timestamp,
        headers: (!record.headers.is_empty()).then_some(headers),
    }
}

fn read_blocking(
    client: &ClientConfig,
    topic: &str,
    partitions: Vec<i32>,
    at_least: Option<usize>,
    limit: Duration,
) -> Result<Vec<Record>> {
    let consumer: BaseConsumer = client.create()?;
    let mut assigned = TopicPartitionList::new();
    for &partition in &partitions {
        assigned.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assigned)?;
    let started = Instant::now();
    let mut records = Vec::new();
    let mut unfinished = partitions;
    while !unfinished.is_empty() || at_least.is_some_and(|count| records.len() < count) {
        if started.elapsed() >= limit {
            let wanted = at_least.map_or("all".to_owned(), |count| format!("at least {count}"));
            return Err(Error::new(format!(
                "topic {topic}: {} records after {limit:?}, {wanted} expected",
                records.len()
            )));
        }
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => unfinished.retain(|&other| other != partition),
            Some(Err(error)) => return Err(error).context(format!("reading topic {topic}")),
            Some(Ok(message)) => records.push(record(&message)),
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

pub(crate) fn record(message: &rdkafka::message::BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    });
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
        timestamp: message.timestamp().to_millis(),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
