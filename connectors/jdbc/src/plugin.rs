//! What the worker sees of the connector.

use async_trait::async_trait;
use millstream_api::{
    Config, ConfigDef, ConfigValues, Connector, ConnectorKind, ConnectorPlugin, Error, OffsetMap, PluginInfo, Result,
    SourcePartition, Task,
};
use sqlx::Connection;

use crate::catalog;
use crate::config::{self, ColumnChoice, check_availability, check_rules, config_def, hide_unused, keys};
use crate::connect::{Session, connect};
use crate::connector::JdbcSourceConnector;
use crate::cursor::CursorColumns;
use crate::offsets::check_altered;
use crate::source::JdbcSourceTask;
use crate::tables::TableId;

/// Tables whose columns validation looks at.
const LOOKED_AT: usize = 100;

/// The JDBC source connector.
pub struct JdbcSource {
    def: ConfigDef,
}

impl JdbcSource {
    /// The plugin.
    pub fn new() -> Self {
        Self { def: config_def() }
    }
}

impl Default for JdbcSource {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ConnectorPlugin for JdbcSource {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            class: "io.confluent.connect.jdbc.JdbcSourceConnector",
            aliases: &["io.aiven.connect.jdbc.JdbcSourceConnector"],
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn task_class(&self) -> &'static str {
        "io.confluent.connect.jdbc.source.JdbcSourceTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &self.def
    }

    async fn validate(&self, config: &Config, values: &mut ConfigValues) {
        check_rules(values);
        hide_unused(values);
        if values.is_valid() {
            check_availability(values);
        }
        if values.is_valid() {
            check_database(config, values).await;
        }
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(JdbcSourceConnector::default())
    }

    fn task(&self) -> Task {
        Task::Source(Box::new(JdbcSourceTask::default()))
    }

    async fn alter_offsets(&self, _: &Config, offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        for (partition, offset) in offsets {
            check_altered(partition, offset.as_ref())?;
        }
        Ok(true)
    }
}

/// Connects, and looks whether the tables that exist have the columns they are to be read by.
pub async fn check_database(config: &Config, values: &mut ConfigValues) {
    let connected = match config::connection(config, values) {
        Ok(connection) => connect(&connection).await,
        Err(error) => Err(error),
    };
    let mut session = match connected {
        Ok(session) => session,
        Err(error) => return values.error(keys::URL, error.to_string()),
    };
    if let Err((key, error)) = check_columns(&mut session, values).await {
        values.error(key, error.to_string());
    }
    // The server would log a connection that just vanishes.
    let _ = session.connection.close().await;
}

async fn check_columns(session: &mut Session, values: &ConfigValues) -> Result<(), (&'static str, Error)> {
    let mapped = !values.list(keys::TS_MAPPING).is_empty();
    let key = if mapped { keys::TS_MAPPING } else { keys::TS_COLUMN };
    let at_url = |error| (keys::URL, error);
    let discovery = config::discovery(values).map_err(at_url)?;
    let choice = ColumnChoice::of(values.list(keys::TS_COLUMN), values.list(keys::TS_MAPPING)).map_err(|e| (key, e))?;
    let tables = catalog::tables(&mut session.connection, &discovery).await.map_err(at_url)?;
    for table in tables.iter().take(LOOKED_AT) {
        check_table(session, values, table, &choice)
            .await
            .map_err(|e| match e.kind() {
                // Dropped between the two looks.
                millstream_api::ErrorKind::NotFound => (key, None),
                millstream_api::ErrorKind::Config => (key, Some(e)),
                _ => (keys::URL, Some(e)),
            })
            .or_else(|(key, error)| error.map_or(Ok(()), |error| Err((key, error))))?;
    }
    Ok(())
}

async fn check_table(
    session: &mut Session,
    values: &ConfigValues,
    table: &TableId,
    choice: &ColumnChoice,
) -> Result<()> {
    if !config::Mode::parse(values.text(keys::MODE).unwrap_or_default()).is_some_and(config::Mode::has_timestamp) {
        return Ok(());
    }
    let names = choice.of_table(table)?;
    let facts = catalog::columns(&mut session.connection, table).await?;
    let cursor = CursorColumns::find(table, names, &facts.columns)?;
    if values.bool(keys::NON_NULL) == Some(true) {
        cursor.check_not_null(table, &facts.columns)?;
    }
    Ok(())
}
