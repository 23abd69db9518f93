//! Topics of a source made before their first record, as `topic.creation.*` says (KIP-158).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millstream_api::{Error, ErrorKind, Result};
use millstream_core::delivery::TopicCreation;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::runtime::Handle;

use super::supervise::{TaskEnvironment, TaskSpec};
use crate::kafka::admin::Created;
use crate::kafka::client_config::connector_admin;
use crate::kafka::error::code_of;
use crate::kafka::{Admin, ClientSettings, NewTopic};

/// Pause before the brokers are asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// How soon an abandoned task is noticed while the brokers are asked.
const NOTICE: Duration = Duration::from_millis(100);
/// How long the client is kept after it was last needed.
const KEPT: Duration = Duration::from_secs(60);
const HINT: &str = "check topic.creation.* against what the brokers allow, or create the topic by hand";

/// Makes the topics a source task is about to write to. Used from a thread that may block.
pub struct TopicCreator {
    creation: TopicCreation,
    settings: ClientSettings,
    /// Made for the first topic, and ended when none was made for a while: most tasks know all their topics soon.
    admin: Option<(Admin, Instant)>,
    runtime: Handle,
    /// Topics that need no further look.
    settled: HashSet<Arc<str>>,
}

impl TopicCreator {
    /// For a task whose connector has `topic.creation.*` settings, on a worker that allows them; otherwise none, and no client is
    /// made. Called on the runtime.
    pub fn of(spec: &TaskSpec, env: &TaskEnvironment) -> Result<Option<Self>> {
        let Some(creation) = spec.settings.topic_creation.clone() else { return Ok(None) };
        let settings = connector_admin(&env.worker, &spec.settings, &spec.id)?;
        settings.warn_unknown();
        Ok(Some(Self { creation, settings, admin: None, runtime: Handle::current(), settled: HashSet::new() }))
    }

    /// Comes back when a record may be sent to this topic: it is there or was made. A topic that is there is never changed.
    ///
    /// Waits for brokers that are away until `abandoned` is set. Any other failure is an error that names the topic, also that this worker
    /// may not make it.
    pub fn prepare(&mut self, topic: &Arc<str>, abandoned: &AtomicBool) -> Result<()> {
        if self.settled.contains(topic) {
            self.admin.take_if(|(_, used)| used.elapsed() > KEPT);
            return Ok(());
        }
        let Some(wanted) = self.creation.new_topic(topic) else { return Ok(()) };
        let new = NewTopic {
            name: topic.to_string(),
            partitions: wanted.partitions,
            replication_factor: wanted.replication_factor,
            configs: wanted.config.iter().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect(),
        };
        let admin = match &self.admin {
            Some((admin, _)) => admin.clone(),
            None => Admin::new(&self.settings)?,
        };
        self.admin = Some((admin.clone(), Instant::now()));
        self.runtime.block_on(async {
            tokio::select! {
                made = create_missing(&admin, &new, HINT) => made,
                () = until_set(abandoned) => Err(Error::stopped("stopped while a topic was created")),
            }
        })?;
        self.settled.insert(topic.clone());
        Ok(())
    }
}

/// Makes a topic if it is not there.
///
/// Goes on for as long as no broker answers. Any other failure is an error that names the topic, also when the broker does not allow this
/// worker to look or to make it; `hint` says what an operator can do about it.
pub async fn create_missing(admin: &Admin, new: &NewTopic, hint: &str) -> Result<()> {
    let mut told = false;
    loop {
        let error = match look_or_create(admin, new).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match code_of(&error) {
            // Kafka Connect fails the task too: what is not allowed now would rather be noticed than waited for.
            Some(
                Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::UnsupportedVersion
                | Code::UnsupportedFeature,
            ) => return Err(not_allowed(new, error)),
            // Too few brokers: none comes by waiting, as a rule, and Kafka Connect fails too.
            Some(Code::InvalidReplicationFactor) => return Err(not_created(new, error, hint)),
            _ if error.is_retriable() => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(topic = new.name, bootstrap = admin.bootstrap(), %error, "topic cannot be created yet, trying again");
                }
                tokio::time::sleep(PAUSE).await;
            }
            _ => return Err(not_created(new, error, hint)),
        }
    }
}

async fn look_or_create(admin: &Admin, new: &NewTopic) -> Result<()> {
    if admin.partition_count(&new.name).await?.is_some() {
        return Ok(());
    }
    if admin.create_topic(new).await? == Created::New {
        let NewTopic { name, partitions, replication_factor, .. } = new;
        tracing::info!(topic = name, partitions, replication_factor, "topic created");
    }
    Ok(())
}

/// The first words are those of Kafka Connect, which tools look for in traces.
fn not_allowed(new: &NewTopic, error: Error) -> Error {
    let text = format!(
        "Task failed to create new topic {}. Ensure that the task is authorized to create topics or that the topic exists and restart the task",
        new.name
    );
    Error::fatal(text).caused_by(error).hint("grant Create and Describe on the topic to the principal of the connector's admin client (admin.* and admin.override.*), or create the topic by hand and grant Describe; then restart the task")
}

/// The first words are those of Kafka Connect, which tools look for in traces.
fn not_created(new: &NewTopic, error: Error, hint: &str) -> Error {
    // A failed task is not tried again by itself, so the kind must not say so.
    let kind = if error.is_retriable() { ErrorKind::Fatal } else { error.kind() };
    let hinted = error.advice().is_some();
    let made = Error::new(kind, format!("Unable to create topic(s): {}", new.name))
        .at(format!("{} partitions, replication factor {}", new.partitions, new.replication_factor))
        .caused_by(error);
    if hinted {
        return made;
    }
    made.hint(hint)
}

async fn until_set(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        tokio::time::sleep(NOTICE).await;
    }
}
