//! Configurations in the config topic, in Kafka Connect's records.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::{Config, Error, Result, TaskId};
use millstream_core::cluster::{Change, ClusterState, ConfigRecord, SessionKey, TargetState, offset_counts};
use tokio::sync::mpsc;

use super::ConfigStore;
use super::fold::Fold;
use super::log::{LogSettings, StoreLog};
use crate::kafka::topic_log::{LogEntry, Written};
use crate::kafka::{LogRecord, TopicLog};

/// Kafka Connect's limit for one write or read of the config topic.
const LIMIT: Duration = Duration::from_secs(30);

/// [`ConfigStore`] over the config topic.
pub struct KafkaConfigStore {
    log: StoreLog,
    fold: Arc<Fold>,
    /// One write after the other: a task set is several records.
    writing: tokio::sync::Mutex<()>,
}

impl KafkaConfigStore {
    /// A store that does nothing before it is started.
    pub fn new(settings: LogSettings) -> Self {
        Self { log: StoreLog::new(settings), fold: Arc::new(Fold::new()), writing: tokio::sync::Mutex::new(()) }
    }

    /// Runs the steps of a write, within the limit.
    async fn write<F: Future<Output = Result<()>>>(
        &self,
        what: String,
        steps: impl FnOnce(Arc<TopicLog>) -> F,
    ) -> Result<()> {
        let log = self.log.get()?;
        let topic = log.topic().to_owned();
        let all = async {
            let _turn = self.writing.lock().await;
            steps(log).await
        };
        tokio::time::timeout(LIMIT, all).await.unwrap_or_else(|_| {
            Err(Error::timeout(format!("writing {what} to topic {topic} took more than {} s", LIMIT.as_secs())).hint(
                "check that the brokers are up and have enough in-sync replicas; the write may still take effect",
            ))
        })
    }

    /// Writes records one by one, each acknowledged before the next, and reads them back.
    async fn write_each(&self, what: String, records: Vec<ConfigRecord>) -> Result<()> {
        self.write(what, |log| async move {
            let mut written = Written::default();
            for record in &records {
                let (key, value) = entry(record);
                written = log.send(key, value).await?;
            }
            log.read_to(&written).await
        })
        .await
    }
}

fn entry(record: &ConfigRecord) -> LogEntry {
    let (key, value) = record.encode();
    (key.into_bytes(), value)
}

/// Takes in one record of the topic. What cannot be read is told and passed over, as Java does.
fn take(fold: &Fold, record: LogRecord<'_>) {
    let offset = record.offset;
    match record.key.map(|key| ConfigRecord::decode(key, record.value)) {
        Some(Ok(ConfigRecord::Unknown { key })) => {
            tracing::info!(key, offset, "record of an unknown kind in the config topic is ignored");
        }
        Some(Ok(known)) => return fold.apply(known, offset),
        Some(Err(error)) => tracing::warn!(offset, %error, "record of the config topic is ignored"),
        None => tracing::warn!(offset, "record without key in the config topic is ignored"),
    }
    if offset_counts(record.value) {
        fold.skip(offset);
    }
}

#[async_trait]
impl ConfigStore for KafkaConfigStore {
    async fn start(&self) -> Result<()> {
        let fold = self.fold.clone();
        self.log.open(move |record| take(&fold, record)).await?;
        self.fold.go_live();
        Ok(())
    }

    async fn stop(&self) {
        self.log.close().await;
    }

    fn state(&self) -> Arc<ClusterState> {
        self.fold.state()
    }

    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Change>> {
        self.fold.changes()
    }

    async fn refresh(&self) -> Result<()> {
        let log = self.log.get()?;
        tokio::time::timeout(LIMIT, log.read_to_end()).await.unwrap_or_else(|_| {
            Err(Error::timeout(format!(
                "reading topic {} to its end took more than {} s",
                log.topic(),
                LIMIT.as_secs()
            ))
            .hint("check that the brokers are up"))
        })
    }

    async fn put_connector(&self, name: &str, config: &Config, target: Option<TargetState>) -> Result<()> {
        let target = target.map(|state| ConfigRecord::TargetState { connector: name.into(), state: Some(state) });
        let connector = ConfigRecord::Connector { name: name.into(), config: Some(config.clone()) };
        let records = target.into_iter().chain([connector]).collect();
        self.write_each(format!("the configuration of connector {name}"), records).await
    }

    async fn remove_connector(&self, name: &str) -> Result<()> {
        let records = vec![
            ConfigRecord::Connector { name: name.into(), config: None },
            ConfigRecord::TargetState { connector: name.into(), state: None },
        ];
        self.write_each(format!("the removal of connector {name}"), records).await
    }

    async fn put_tasks(&self, connector: &str, tasks: &[Config]) -> Result<()> {
        let records = (0..)
            .zip(tasks)
            .map(|(task, config)| {
                entry(&ConfigRecord::Task { id: TaskId::new(connector, task), config: config.clone() })
            })
            .collect();
        let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let (commit_key, commit) = entry(&ConfigRecord::Commit { connector: connector.into(), tasks: count });
        self.write(format!("{count} task configurations of connector {connector}"), |log| async move {
            log.read_to_end().await?;
            log.read_to(&log.send_all(records).await?).await?;
            // Only with this record do the tasks count: it must not be there before all of them are.
            log.read_to(&log.send(commit_key, commit).await?).await
        })
        .await
    }

    async fn put_target_state(&self, connector: &str, target: TargetState) -> Result<()> {
        let record = ConfigRecord::TargetState { connector: connector.into(), state: Some(target) };
        self.write_each(format!("the target state of connector {connector}"), vec![record]).await
    }

    async fn put_restart(&self, connector: &str, include_tasks: bool, only_failed: bool) -> Result<()> {
        let record = ConfigRecord::Restart { connector: connector.into(), include_tasks, only_failed };
        self.write_each(format!("the restart request of connector {connector}"), vec![record]).await
    }

    async fn put_session_key(&self, key: SessionKey) -> Result<()> {
        self.write_each("a session key".to_owned(), vec![ConfigRecord::SessionKey(key)]).await
    }

    async fn put_logger_level(&self, logger: &str, level: &str) -> Result<()> {
        let record = ConfigRecord::LoggerLevel { logger: logger.to_owned(), level: level.to_owned() };
        self.write_each(format!("the level of logger {logger}"), vec![record]).await
    }
}
