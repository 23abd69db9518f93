//! Topics: what there is, how they are set up, making new ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use millstream_api::{Error, Result};
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client_config::ClientSettings;
use super::context::{Limit, LoggingContext};
use super::error::kafka_error;
use super::raw_events::EventQueue;

/// Limit of one question.
const ASK: Duration = Duration::from_secs(10);
/// How long to wait for an event before looking whether the end has come: the end wakes the thread that waits.
const EVENT: Duration = Duration::from_secs(60);
/// Pause before a question is asked again while the brokers are away.
const PAUSE: Duration = Duration::from_millis(500);

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Name.
    pub name: String,
    /// Number of partitions; -1 is the broker's default.
    pub partitions: i32,
    /// Replication factor; -1 is the broker's default.
    pub replication_factor: i16,
    /// Topic settings.
    pub configs: Vec<(String, String)>,
}

/// What a request to create a topic came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was made.
    New,
    /// It was there already, maybe since a moment ago.
    Existed,
}

/// An admin client. Cheap to clone; its connections and threads end with the last clone.
///
/// As long as it lives, what librdkafka says of its connections (brokers away, a refused password) goes to the log.
#[derive(Clone)]
pub struct Admin {
    client: Arc<Client>,
    context: LoggingContext,
}

struct Client(Option<Running>);

struct Running {
    client: Arc<AdminClient<LoggingContext>>,
    events: Arc<EventQueue<LoggingContext>>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start(client: AdminClient<LoggingContext>) -> Result<Self> {
        let client = Arc::new(client);
        let (events, ended) = (Arc::new(EventQueue::of(client.clone())), Arc::new(AtomicBool::new(false)));
        let (polled, over) = (events.clone(), ended.clone());
        let poll = move || {
            while !over.load(Ordering::Acquire) {
                polled.poll(EVENT);
            }
        };
        let thread = std::thread::Builder::new()
            .name("admin-events".to_owned())
            .spawn(poll)
            .map_err(|error| Error::retriable("cannot start a thread for an admin client").caused_by(error))?;
        Ok(Self { client, events, ended, thread })
    }

    /// Tells the thread to end.
    fn stop(&self) {
        self.ended.store(true, Ordering::Release);
        self.events.wake();
    }

    fn end(self) {
        self.stop();
        // Its end is all that is waited for.
        let _ = self.thread.join();
    }
}

impl Client {
    fn get(&self) -> Result<&AdminClient<LoggingContext>> {
        // Taken out by drop alone.
        self.0.as_ref().map(|running| &*running.client).ok_or_else(|| Error::internal("the admin client has ended"))
    }
}

/// Ends on a thread of its own: ending joins the client's threads, which takes a tenth of a second.
impl Drop for Client {
    fn drop(&mut self) {
        let Some(running) = self.0.take() else { return };
        running.stop();
        let ending = std::thread::Builder::new().name("admin-end".to_owned()).spawn(move || running.end());
        if let Err(error) = ending {
            tracing::debug!(%error, "the thread that ends an admin client could not be started");
        }
    }
}

impl Admin {
    /// A client with these settings. Does not connect yet.
    pub fn new(settings: &ClientSettings) -> Result<Self> {
        let mut native = settings.native().clone();
        native.set("allow.auto.create.topics", "false");
        let context = settings.context();
        let client = native
            .create_with_context(context.clone())
            .map_err(|error| kafka_error("cannot make an admin client", error))?;
        Ok(Self { client: Arc::new(Client(Some(Running::start(client)?))), context })
    }

    /// Ends the client and its threads, if this is its last clone. Blocks.
    pub fn end(self) {
        if let Some(running) = Arc::into_inner(self.client).and_then(|mut client| client.0.take()) {
            running.end();
        }
    }

    /// What a broker said when it last refused this client. It goes on trying.
    pub(super) fn refusal(&self) -> Option<String> {
        self.context.refusal()
    }

    /// The bootstrap servers.
    pub fn bootstrap(&self) -> &str {
        self.context.bootstrap()
    }

    /// Waits until a broker answers, however long that takes; says in the log that it waits and for whom. Returns the number of
    /// brokers. An error that waiting cannot mend (wrong password, no TLS) ends it.
    pub async fn wait_for_brokers(&self) -> Result<usize> {
        let limit = Limit::new();
        loop {
            match self.metadata(None, ASK).await {
                Ok(metadata) => return Ok(metadata.brokers().len()),
                Err(error) if !error.is_retriable() => return Err(error),
                Err(error) => {
                    if limit.pass() {
                        tracing::warn!(bootstrap = self.bootstrap(), %error, "no Kafka broker answers, trying again");
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The cluster's id, if a broker tells it.
    pub async fn cluster_id(&self) -> Result<Option<String>> {
        self.blocking(|client| Ok(client.inner().fetch_cluster_id(ASK))).await
    }

    /// Number of brokers that are up.
    pub async fn broker_count(&self) -> Result<usize> {
        self.broker_count_within(ASK).await
    }

    /// As [`Admin::broker_count`], with a limit.
    pub(super) async fn broker_count_within(&self, limit: Duration) -> Result<usize> {
        Ok(self.metadata(None, limit).await?.brokers().len())
    }

    /// Number of partitions of a topic; `None` when there is no such topic. Never creates it, whatever the brokers' settings.
    pub async fn partition_count(&self, topic: &str) -> Result<Option<i32>> {
        // A question for one topic would make brokers create it (`auto.create.topics.enable`), were it not for the setting in `new`.
        let metadata = self.metadata(Some(topic.to_owned()), ASK).await?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
        match found.error().map(Code::from) {
            None => Ok(i32::try_from(found.partitions().len()).ok()),
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
            Some(code) => Err(kafka_error(format!("cannot look at topic {topic}"), KafkaError::MetadataFetch(code))),
        }
    }

    /// Names of all topics, sorted.
    pub async fn topics(&self) -> Result<Vec<String>> {
        let metadata = self.metadata(None, ASK).await?;
        let mut names: Vec<_> = metadata.topics().iter().map(|topic| topic.name().to_owned()).collect();
        names.sort();
        Ok(names)
    }

    /// One setting of a topic, as in force.
    pub async fn topic_setting(&self, topic: &str, key: &str) -> Result<Option<String>> {
        let what = || format!("cannot read the settings of topic {topic}");
        let resource = [ResourceSpecifier::Topic(topic)];
        let answer = self
            .client
            .get()?
            .describe_configs(&resource, &options())
            .await
            .map_err(|error| kafka_error(what(), error))?
            .pop()
            .ok_or_else(|| Error::internal(what()))?
            .map_err(|code| kafka_error(what(), KafkaError::AdminOp(code)))?;
        Ok(answer.get(key).and_then(|entry| entry.value.clone()))
    }

    /// Creates a topic. Of the errors, `Retriable` ones go by themselves; too few brokers for the replication factor is one of them.
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<Created> {
        let what = || format!("cannot create topic {}", topic.name);
        let replication = TopicReplication::Fixed(i32::from(topic.replication_factor));
        let mut new = rdkafka::admin::NewTopic::new(&topic.name, topic.partitions, replication);
        for (key, value) in &topic.configs {
            new = new.set(key, value);
        }
        let mut answers =
            self.client.get()?.create_topics([&new], &options()).await.map_err(|error| kafka_error(what(), error))?;
        match answers.pop() {
            Some(Ok(_)) => Ok(Created::New),
            Some(Err((_, Code::TopicAlreadyExists))) => Ok(Created::Existed),
            Some(Err((_, code @ Code::InvalidReplicationFactor))) => Err(Error::retriable(format!(
                "{}: there are fewer brokers than its replication factor of {}",
                what(),
                topic.replication_factor
            ))
            .caused_by(KafkaError::AdminOp(code))),
            Some(Err((_, code @ (Code::InvalidConfig | Code::InvalidPartitions | Code::PolicyViolation)))) => {
                Err(Error::config(what()).caused_by(KafkaError::AdminOp(code)))
            }
            Some(Err((_, code))) => Err(kafka_error(what(), KafkaError::AdminOp(code))),
            None => Err(Error::internal(what())),
        }
    }

    async fn metadata(&self, topic: Option<String>, limit: Duration) -> Result<rdkafka::metadata::Metadata> {
        self.blocking(move |client| client.inner().fetch_metadata(topic.as_deref(), limit)).await
    }

    /// Runs a call that waits for the brokers where waiting hurts nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&AdminClient<LoggingContext>) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T> {
        let client = self.client.clone();
        tokio::task::spawn_blocking(move || client.get().map(ask))
            .await
            .map_err(|error| Error::internal("a question to the brokers was dropped").caused_by(error))??
            .map_err(|error| kafka_error(format!("cannot ask the brokers at {}", self.bootstrap()), error))
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK))
}
