//! Offsets of connectors on request (KIP-875): listed at any time, changed while the connector is stopped.
//!
//! A source's offsets are in its offset store, a sink's in its consumer group. The connector is asked first: it checks what is wanted,
//! and says whether offsets that it keeps itself have changed too.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use millstream_api::{
    Config, ConnectorKind, ConnectorPlugin, Error, ErrorKind, OffsetMap, Result, SourceOffset, SourcePartition,
};
use millstream_core::cluster::{TargetState, offset_in_hash_order};
use millstream_core::settings::ConnectorSettings;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::requests::{answer, not_found};
use super::run::Herder;
use super::{AlterOffsets, Reply, instances, sink_offsets};
use crate::model::{ConnectorOffset, ConnectorOffsets};
use crate::store::OffsetStore;
use crate::task::TaskEnvironment;

/// How long the connector may take to look at offsets, and the store to write them. Together less than a request may take.
const CONNECTOR_LIMIT: Duration = Duration::from_secs(40);
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// What is wanted of some partitions: an offset, or none any more.
pub(super) type Wanted = Vec<(SourcePartition, Option<OffsetMap>)>;

impl Herder {
    pub(super) fn list_offsets(&self, name: Arc<str>, reply: Reply<ConnectorOffsets>) {
        let env = self.env.clone();
        tokio::spawn(async move {
            reply.stage(format!("listing the offsets of connector {name}"));
            let listed = async { Subject::new(&env, name)?.list().await };
            let listed = listed.await;
            answer(reply, listed);
        });
    }

    pub(super) fn alter_offsets(&self, request: AlterOffsets, reply: Reply<String>) {
        let AlterOffsets { name, offsets } = request;
        self.modify(name, Some(offsets), reply);
    }

    pub(super) fn reset_offsets(&self, name: Arc<str>, reply: Reply<String>) {
        self.modify(name, None, reply);
    }

    fn modify(&self, name: Arc<str>, offsets: Option<Vec<ConnectorOffset>>, reply: Reply<String>) {
        if let Err(error) = self.check_leader() {
            return answer(reply, Err(error));
        }
        let (env, ends) = (self.env.clone(), self.ends_of_tasks(&name));
        tokio::spawn(async move {
            let done = modify(&env, name, offsets, ends, &reply).await;
            answer(reply, done);
        });
    }

    /// The ends of this worker's tasks of a connector.
    fn ends_of_tasks(&self, name: &str) -> Vec<CancellationToken> {
        let tasks = self.tasks.iter().filter(|(id, _)| &*id.connector == name);
        tasks.filter_map(|(_, slot)| slot.end()).collect()
    }
}

async fn modify(
    env: &Arc<TaskEnvironment>,
    name: Arc<str>,
    offsets: Option<Vec<ConnectorOffset>>,
    ends: Vec<CancellationToken>,
    reply: &Reply<String>,
) -> Result<String> {
    reply.stage("reading to the end of the config topic");
    env.stores.configs.refresh().await?;
    require_stopped(env, &name)?;
    reply.stage(format!("waiting for the tasks of connector {name} to end"));
    // A task that was told to stop a moment ago still stores its last offsets, or is a member of the group.
    for end in ends {
        end.cancelled().await;
    }
    let subject = Subject::new(env, name)?;
    let (done, deed) = match offsets {
        Some(offsets) => (subject.alter(offsets, reply).await?, "altered"),
        None => (subject.reset(reply).await?, "reset"),
    };
    Ok(if done {
        format!("The offsets for this connector have been {deed} successfully")
    } else {
        format!(
            "The Connect framework-managed offsets for this connector have been {deed} successfully. However, if this connector manages \
             offsets externally, they will need to be manually {deed} in the system that the connector uses."
        )
    })
}

/// The one state in which nobody else moves a connector's offsets.
fn require_stopped(env: &TaskEnvironment, name: &str) -> Result<()> {
    let state = env.stores.configs.state();
    let target = state.target_state(name).ok_or_else(|| not_found(name))?;
    if target == TargetState::Stopped && state.task_count(name) == 0 {
        return Ok(());
    }
    Err(Error::config(format!(
        "Connector {name} must be in the STOPPED state before its offsets can be modified, and it is {}",
        if target == TargetState::Stopped { "still about to give up its tasks" } else { target.as_str() }
    ))
    .hint(format!("stop it with PUT /connectors/{name}/stop")))
}

/// A connector whose offsets are asked for.
pub(super) struct Subject {
    pub(super) env: Arc<TaskEnvironment>,
    pub(super) name: Arc<str>,
    pub(super) settings: Arc<ConnectorSettings>,
    plugin: Arc<dyn ConnectorPlugin>,
    config: Config,
    store: Arc<dyn OffsetStore>,
}

impl Subject {
    fn new(env: &Arc<TaskEnvironment>, name: Arc<str>) -> Result<Self> {
        let state = env.stores.configs.state();
        let config = state.config(&name).ok_or_else(|| not_found(&name))?;
        let (plugin, settings, resolved) = instances::resolve(env, config)?;
        let store = env.stores.offsets_of(&settings)?;
        Ok(Self { env: env.clone(), name, settings, plugin, config: resolved.config, store })
    }

    async fn list(&self) -> Result<ConnectorOffsets> {
        let offsets = match self.plugin.kind() {
            ConnectorKind::Sink => sink_offsets::list(self).await?,
            ConnectorKind::Source => self.stored().await?,
        };
        let offsets = offsets
            .into_iter()
            .map(|(partition, offset)| ConnectorOffset { partition: Some(partition.0), offset: Some(offset) });
        Ok(ConnectorOffsets { offsets: offsets.collect() })
    }

    async fn stored(&self) -> Result<Vec<(SourcePartition, OffsetMap)>> {
        within(WRITE_LIMIT, "reading the offsets topic to its end", self.store.offsets_of(&self.name)).await
    }

    /// True when the connector says that all is done.
    async fn alter(&self, offsets: Vec<ConnectorOffset>, reply: &Reply<String>) -> Result<bool> {
        match self.plugin.kind() {
            ConnectorKind::Sink => {
                let offsets = sink_offsets::parse(offsets)?;
                let done = self.ask_connector(&sink_offsets::wanted(&offsets), reply).await?;
                reply.stage(format!("altering the consumer group offsets of connector {}", self.name));
                require_stopped(&self.env, &self.name)?;
                sink_offsets::alter(self, offsets).await?;
                Ok(done)
            }
            ConnectorKind::Source => {
                let wanted = source_offsets(offsets)?;
                let done = self.ask_connector(&wanted, reply).await?;
                self.write(wanted, reply).await?;
                Ok(done)
            }
        }
    }

    async fn reset(&self, reply: &Reply<String>) -> Result<bool> {
        match self.plugin.kind() {
            ConnectorKind::Sink => {
                let known = sink_offsets::list(self).await?;
                let wanted: Wanted = known.into_iter().map(|(partition, _)| (partition, None)).collect();
                let done = self.ask_connector(&wanted, reply).await?;
                reply.stage(format!("deleting the consumer group of connector {}", self.name));
                require_stopped(&self.env, &self.name)?;
                sink_offsets::reset(self).await?;
                Ok(done)
            }
            ConnectorKind::Source => {
                let known = self.stored().await?;
                let wanted: Wanted = known.into_iter().map(|(partition, _)| (partition, None)).collect();
                let done = self.ask_connector(&wanted, reply).await?;
                self.write(wanted, reply).await?;
                Ok(done)
            }
        }
    }

    /// Asks the connector. What it refuses is the client's mistake if it says so; else it is the connector's, as in Kafka Connect.
    async fn ask_connector(&self, wanted: &Wanted, reply: &Reply<String>) -> Result<bool> {
        let name = &self.name;
        reply.stage(format!("letting connector {name} look at the offsets"));
        let asked = self.plugin.alter_offsets(&self.config, wanted);
        within(CONNECTOR_LIMIT, "letting the connector look at the offsets", asked).await.map_err(|error| {
            match error.kind() {
                ErrorKind::Timeout => error,
                ErrorKind::Forbidden => Error::fatal(format!(
                    "Failed to modify offsets for connector {name} because it doesn't support external modification of offsets"
                ))
                .caused_by(error),
                ErrorKind::Config | ErrorKind::Data => {
                    Error::config(format!("Failed to modify offsets for connector {name}")).caused_by(error)
                }
                _ => Error::fatal(format!("Failed to modify offsets for connector {name}")).caused_by(error),
            }
        })
    }

    /// Writes a source's offsets, and reads them back: whoever asks next sees them.
    async fn write(&self, wanted: Wanted, reply: &Reply<String>) -> Result<()> {
        reply.stage(format!("writing the offsets of connector {} to the offsets topic", self.name));
        require_stopped(&self.env, &self.name)?;
        let offsets = wanted.into_iter().map(|(partition, offset)| {
            // New keys and values are spelled as Kafka Connect spells what it is given here.
            let partition = SourcePartition(offset_in_hash_order(&partition.0));
            let offset = offset.map_or(SourceOffset::Null, |map| SourceOffset::Map(offset_in_hash_order(&map)));
            (Arc::new(partition), offset)
        });
        let written = self.store.write(&self.name, offsets.collect());
        within(WRITE_LIMIT, "writing the offsets", written).await?;
        self.stored().await.map(drop)
    }
}

async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Error::timeout(format!("{what} took more than {} s", limit.as_secs()))))
}

/// What is wanted of a source's partitions; of entries for one partition the last counts.
fn source_offsets(offsets: Vec<ConnectorOffset>) -> Result<Wanted> {
    let mut wanted = IndexMap::new();
    for ConnectorOffset { partition, offset } in offsets {
        match (partition, offset) {
            // Nothing can be stored under it that could be reset.
            (None, None) => {}
            (None, Some(_)) => {
                return Err(Error::config("an offset of a source connector needs a partition, and one has none"));
            }
            (Some(partition), offset) => {
                primitives("partition", &partition)?;
                offset.iter().try_for_each(|offset| primitives("offset", offset))?;
                let partition = SourcePartition(partition);
                wanted.insert(partition.canonical(), (partition, offset));
            }
        }
    }
    Ok(wanted.into_values().collect())
}

/// Kafka Connect stores nothing else.
fn primitives(what: &str, map: &OffsetMap) -> Result<()> {
    for (key, value) in map {
        let reason = match value {
            Value::Null | Value::Bool(_) | Value::String(_) => continue,
            Value::Number(number) if number.as_i64().is_some() || number.is_f64() => continue,
            Value::Number(_) => "an integer beyond 64 bits",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        return Err(Error::config(format!("field {key} of the {what} of a source connector is {reason}"))
            .hint("only text, numbers, booleans and null can be stored"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(partition: Value, offset: Value) -> ConnectorOffset {
        let map = |value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        };
        ConnectorOffset { partition: map(partition), offset: map(offset) }
    }

    #[test]
    fn the_last_entry_of_a_partition_counts() {
        let wanted = source_offsets(vec![
            entry(json!({"a": 1, "b": 2}), json!({"n": 1})),
            entry(Value::Null, Value::Null),
            entry(json!({"b": 2, "a": 1}), Value::Null),
            entry(json!({}), json!({"n": 2.5, "t": "x", "z": null, "y": true})),
        ]);
        let wanted: Vec<_> = wanted.unwrap().into_iter().map(|(p, o)| (Value::from(p.0), o.is_some())).collect();
        assert_eq!(wanted, [(json!({"b": 2, "a": 1}), false), (json!({}), true)]);
    }

    #[test]
    fn what_cannot_be_stored_names_its_field() {
        for (partition, offset) in [
            (json!({"bad": {}}), json!({})),
            (json!({"a": 1}), json!({"bad": [1]})),
            (json!({"a": 1}), json!({"bad": u64::MAX})),
        ] {
            let error = source_offsets(vec![entry(partition, offset)]).unwrap_err();
            assert!(error.kind() == ErrorKind::Config && error.to_string().contains("field bad"), "{error}");
        }
        assert!(source_offsets(vec![entry(Value::Null, json!({"n": 1}))]).is_err());
    }
}
