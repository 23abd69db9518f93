//! What a plugin says of itself, and the entry point of a connector.

use async_trait::async_trait;

use crate::config::{Config, ConfigDef, ConfigValues};
use crate::connector::Connector;
use crate::error::Result;
use crate::ids::ConnectorKind;
use crate::offsets::{OffsetMap, SourcePartition};
use crate::sink::SinkTask;
use crate::source::SourceTask;

/// Kinds of plugins, as `GET /connector-plugins` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginKind {
    /// A sink connector.
    Sink,
    /// A source connector.
    Source,
    /// A transformation.
    Transformation,
    /// A predicate.
    Predicate,
    /// A converter.
    Converter,
    /// A header converter.
    HeaderConverter,
}

impl PluginKind {
    /// The `type` of the REST answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }
}

/// Name and version of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    /// Java's full class name: the plugin's identity in configs and REST.
    pub class: &'static str,
    /// Further class names that mean the same plugin (simple names need not be listed).
    pub aliases: &'static [&'static str],
    /// Version shown in REST and status.
    pub version: &'static str,
}

impl PluginInfo {
    /// True when `name` means this plugin: the full class name, an alias, the simple class name, or the simple name without
    /// `Connector`, `Converter` or `HeaderConverter`. A nested class (`Cast$Value`) has its full name only: in Java its simple name
    /// is `Value`, which means many.
    pub fn is_named(&self, name: &str) -> bool {
        std::iter::once(&self.class).chain(self.aliases).any(|class| {
            let simple = class.rsplit('.').next().unwrap_or(class);
            let suffix = ["Connector", "HeaderConverter", "Converter"].into_iter().find(|s| simple.ends_with(s));
            *class == name
                || (!simple.contains('$')
                    && (simple == name
                        || suffix.and_then(|s| simple.strip_suffix(s)).is_some_and(|short| short == name)))
        })
    }
}

/// A task, ready to be started.
pub enum Task {
    /// Of a source connector.
    Source(Box<dyn SourceTask>),
    /// Of a sink connector.
    Sink(Box<dyn SinkTask>),
}

/// A compiled-in connector: its description, its configuration and how to make instances.
#[async_trait]
pub trait ConnectorPlugin: Send + Sync {
    /// Name and version.
    fn info(&self) -> PluginInfo;

    /// Source or sink.
    fn kind(&self) -> ConnectorKind;

    /// Java's class name of the tasks, written as `task.class` into task configs so that a Java worker can take over.
    fn task_class(&self) -> &'static str;

    /// The connector's own settings (not those every connector has).
    fn config_def(&self) -> &ConfigDef;

    /// Looks at what single keys cannot tell: combinations of keys, and the outside world (is the database there, does the bucket
    /// exist). Adds errors, recommended values and visibility to `values`, which already holds the verdict on each key. The
    /// outside world is asked only when nothing else is wrong. Never fails: what is wrong is said in `values`.
    async fn validate(&self, config: &Config, values: &mut ConfigValues);

    /// A connector instance.
    fn connector(&self) -> Box<dyn Connector>;

    /// A task instance.
    fn task(&self) -> Task;

    /// Checks source offsets that a user wants to set (`None` = reset) while the connector is stopped. `Ok(true)`: done and
    /// checked; `Ok(false)`: the connector has no opinion. The default is `Ok(false)`, as in Kafka Connect.
    async fn alter_offsets(&self, _config: &Config, _offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_plugin() {
        let info = PluginInfo {
            class: "org.apache.kafka.connect.file.FileStreamSourceConnector",
            aliases: &["com.example.OtherSourceConnector"],
            version: "1",
        };
        for name in ["FileStreamSource", "FileStreamSourceConnector", "OtherSource", "com.example.OtherSourceConnector"]
        {
            assert!(info.is_named(name), "{name}");
        }
        assert!(!info.is_named("fileStreamSource") && !info.is_named("FileStream"));
        let nested = PluginInfo { class: "org.apache.kafka.connect.transforms.Cast$Value", aliases: &[], version: "1" };
        assert!(nested.is_named(nested.class) && !nested.is_named("Cast$Value") && !nested.is_named("Value"));
    }
}
