//! The topics a sink reads: by name or by pattern, there already or made later.
//!
//! librdkafka knows POSIX expressions only, looks for a topic that was missing every five minutes, and means Kafka's own topics
//! too. Here the pattern is matched as it was validated, and what a client asks for is a list of names.

use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use millstream_api::{Error, Result};
use millstream_core::settings::{TopicPattern, Topics};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client_config::ClientSettings;
use super::context::Limit;

/// Limit of one question.
const ASK: Duration = Duration::from_secs(5);
/// Pause while a topic is missing or nobody answers; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(500);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// How often a pattern is matched again: `metadata.max.age.ms`, unless it is set.
const MAX_AGE: Duration = Duration::from_secs(300);
/// Kafka's own topics, which a pattern does not mean (`exclude.internal.topics`).
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Keeps a consumer's subscription; ends when dropped.
pub(super) struct Subscription {
    end: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Subscription {
    /// Subscribes to these topics, now or once it is known which there are.
    pub fn start<C>(consumer: &Arc<BaseConsumer<C>>, topics: &Topics, settings: &ClientSettings) -> Result<Self>
    where
        C: ConsumerContext + 'static,
    {
        let max_age = settings.native().get("topic.metadata.refresh.interval.ms").and_then(|ms| ms.parse().ok());
        let wanted = match topics {
            Topics::List(names) => Wanted::Names { all: names.clone(), missing: names.clone() },
            Topics::Pattern(pattern) => {
                let keep = settings.java("exclude.internal.topics").is_some_and(|v| v.eq_ignore_ascii_case("false"));
                Wanted::Pattern { pattern: pattern.clone(), internal: keep }
            }
        };
        let watch = Watch {
            consumer: Arc::downgrade(consumer),
            client: settings.client_id().to_owned(),
            wanted,
            subscribed: None,
            max_age: max_age.map_or(MAX_AGE, Duration::from_millis),
            limit: Limit::new(),
        };
        let (end, ended) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("subscription".to_owned())
            .spawn(move || watch.run(&ended))
            .map_err(|e| Error::retriable("cannot start a thread").caused_by(e))?;
        Ok(Self { end: Some(end), thread: Some(thread) })
    }

    /// Ends it and waits for that: at most as long as the brokers take to answer a question.
    pub fn end(mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a subscription ended unexpectedly");
        }
    }
}

enum Wanted {
    /// These, of which some were missing when last looked for.
    Names { all: Vec<String>, missing: Vec<String> },
    /// Those that match, Kafka's own among them or not.
    Pattern { pattern: TopicPattern, internal: bool },
}

struct Watch<C: ConsumerContext + 'static> {
    /// Weak: who stops the consumer waits for its end, not for this thread.
    consumer: Weak<BaseConsumer<C>>,
    client: String,
    wanted: Wanted,
    /// What the consumer was told last.
    subscribed: Option<Vec<String>>,
    max_age: Duration,
    limit: Limit,
}

impl<C: ConsumerContext + 'static> Watch<C> {
    fn run(mut self, ended: &mpsc::Receiver<()>) {
        let mut pause = PAUSE;
        while let Some(consumer) = self.consumer.upgrade() {
            let wait = match self.look(&consumer) {
                Ok(Look::Settled) => return,
                Ok(Look::Again) => self.max_age,
                Ok(Look::Soon) => pause,
                Err(error) => {
                    // Brokers that are away are told of by the consumer.
                    tracing::debug!(client = self.client, %error, "cannot look for topics yet");
                    pause
                }
            };
            drop(consumer);
            pause = if wait == pause { (pause * 2).min(PAUSE_MAX) } else { PAUSE };
            if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn look(&mut self, consumer: &BaseConsumer<C>) -> KafkaResult<Look> {
        match &mut self.wanted {
            Wanted::Names { all, missing } => {
                let before = missing.len();
                let mut still = Vec::new();
                for name in missing.iter() {
                    if !is_there(consumer, name)? {
                        still.push(name.clone());
                    }
                }
                if self.subscribed.is_none() {
                    let names: Vec<_> = all.iter().map(String::as_str).collect();
                    consumer.subscribe(&names)?;
                    self.subscribed = Some(all.clone());
                } else if still.len() < before {
                    // An answer about all topics is what the group looks at: those that were missing are read from now on.
                    consumer.fetch_metadata(None, ASK)?;
                }
                *missing = still;
                if missing.is_empty() {
                    return Ok(Look::Settled);
                }
                if self.limit.pass() {
                    let topics = missing.join(", ");
                    tracing::warn!(client = self.client, topics, "there are no such topics, waiting for them");
                }
                Ok(Look::Soon)
            }
            Wanted::Pattern { pattern, internal } => {
                let all = consumer.fetch_metadata(None, ASK)?;
                let found = all.topics().iter().filter(|topic| topic.error().is_none()).map(|topic| topic.name());
                let found = found.filter(|name| *internal || !INTERNAL.contains(name));
                let mut found: Vec<_> = found.filter(|name| pattern.is_match(name)).collect();
                found.sort_unstable();
                if self.subscribed.as_ref().is_none_or(|before| *before != found) {
                    tracing::info!(client = self.client, topics = found.join(", "), "topics of the pattern");
                    if found.is_empty() {
                        consumer.unsubscribe();
                    } else {
                        consumer.subscribe(&found)?;
                    }
                    self.subscribed = Some(found.into_iter().map(str::to_owned).collect());
                }
                Ok(Look::Again)
            }
        }
    }
}

/// What a look at the topics says about the next one.
enum Look {
    Settled,
    Again,
    Soon,
}

/// False for a topic nobody has made. Asking makes it where the client and the brokers may (`allow.auto.create.topics`).
fn is_there<C: ConsumerContext>(consumer: &BaseConsumer<C>, name: &str) -> KafkaResult<bool> {
    let answer = consumer.fetch_metadata(Some(name), ASK)?;
    let code = answer.topics().iter().find(|topic| topic.name() == name).and_then(|topic| topic.error());
    let code = code.map(Code::from);
    Ok(!matches!(code, Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::LeaderNotAvailable)))
}
