//! The worker's own topics: made when missing, refused when they would lose records.

use std::time::Duration;

use millstream_api::{Error, ErrorKind, Result};

use super::admin::{Admin, Created, NewTopic};
use super::context::Limit;

/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Pause until metadata know of a new topic.
const SOON: Duration = Duration::from_millis(30);

/// One of the config, offset and status topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalTopic {
    /// How it is made. Its `cleanup.policy` is always `compact`.
    pub topic: NewTopic,
    /// The worker's setting that names it, as in `config.storage.topic`; its first word is the prefix of the other settings.
    pub key: &'static str,
    /// What is kept there, for messages.
    pub holds: &'static str,
    /// Whether it must have one partition: order over all records.
    pub single_partition: bool,
}

impl InternalTopic {
    /// Makes the topic if it is missing, checks it if it is there, and returns how many partitions it has.
    ///
    /// Tries again for as long as brokers are away or too few for the replication factor, and says so in the log. A topic that is
    /// not compacted (and only compacted) would lose records: that is an error of kind `Config`, as is a config topic with more than one
    /// partition.
    pub async fn ensure(&self, admin: &Admin) -> Result<i32> {
        let limit = Limit::new();
        loop {
            let error = match self.look(admin).await {
                Ok(Some(partitions)) => return Ok(partitions),
                Ok(None) => match admin.create_topic(&self.request()).await {
                    Ok(Created::New) => {
                        tracing::info!(topic = self.topic.name, holds = self.holds, "topic created");
                        tokio::time::sleep(SOON).await;
                        continue;
                    }
                    // Made a moment ago, by this worker or another; metadata follow.
                    Ok(Created::Existed) => {
                        tokio::time::sleep(SOON).await;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !error.is_retriable() {
                return Err(error);
            }
            if limit.pass() {
                let replication_key = self.sibling("replication.factor");
                tracing::warn!(
                    topic = self.topic.name, bootstrap = admin.bootstrap(), %error, replication_key,
                    "topic is not ready, trying again"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Partitions of the topic, checked; `None` when there is no topic.
    async fn look(&self, admin: &Admin) -> Result<Option<i32>> {
        let name = &self.topic.name;
        let Some(partitions) = admin.partition_count(name).await? else { return Ok(None) };
        if partitions == 0 {
            return Err(Error::retriable(format!("topic {name} has no partitions yet")));
        }
        match admin.topic_setting(name, "cleanup.policy").await {
            Ok(policy) => self.check_policy(policy.as_deref())?,
            // Without the right to describe topics nobody can tell; Kafka Connect goes on as well.
            Err(error) if error.kind() == ErrorKind::Fatal => {
                tracing::warn!(topic = name, %error, "cleanup.policy of the topic could not be checked");
            }
            Err(error) => return Err(error),
        }
        if self.single_partition && partitions != 1 {
            return Err(Error::config(format!(
                "topic {name}, named by {}, must have exactly one partition to keep the order of {}, but has {partitions}",
                self.key, self.holds
            ))
            .hint("make a new compacted topic with one partition, or name one that does not exist yet"));
        }
        Ok(Some(partitions))
    }

    fn check_policy(&self, policy: Option<&str>) -> Result<()> {
        let Some(policy) = policy else { return Ok(()) };
        if policy == "compact" {
            return Ok(());
        }
        let name = &self.topic.name;
        Err(Error::config(format!(
            "topic {name}, named by {}, must have cleanup.policy=compact so that it keeps {}, but has cleanup.policy={policy}",
            self.key, self.holds
        ))
        .hint(format!(
            "kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config cleanup.policy=compact"
        )))
    }

    fn request(&self) -> NewTopic {
        let mut topic = self.topic.clone();
        topic.configs.retain(|(key, _)| key != "cleanup.policy");
        topic.configs.push(("cleanup.policy".to_owned(), "compact".to_owned()));
        if self.single_partition {
            topic.partitions = 1;
        }
        topic
    }

    /// Another setting of the same prefix: `config.storage.topic` -> `config.storage.<name>`.
    fn sibling(&self, name: &str) -> String {
        format!("{}{name}", self.key.strip_suffix("topic").unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> InternalTopic {
        InternalTopic {
            topic: NewTopic {
                name: "c".to_owned(),
                partitions: 7,
                replication_factor: 3,
                configs: vec![("cleanup.policy".to_owned(), "delete".to_owned())],
            },
            key: "config.storage.topic",
            holds: "connector configurations",
            single_partition: true,
        }
    }

    #[test]
    fn policy_and_partitions_are_not_the_users() {
        let request = topic().request();
        assert_eq!(request.partitions, 1);
        assert_eq!(request.configs, [("cleanup.policy".to_owned(), "compact".to_owned())]);
        assert_eq!(topic().sibling("replication.factor"), "config.storage.replication.factor");
    }

    #[test]
    fn only_exactly_compact_will_do() {
        assert!(topic().check_policy(Some("compact")).is_ok());
        for policy in ["delete", "compact,delete", ""] {
            let error = topic().check_policy(Some(policy)).unwrap_err();
            let text = error.to_string();
            assert!(
                error.kind() == ErrorKind::Config && text.contains("config.storage.topic") && text.contains("topic c")
            );
        }
    }
}
