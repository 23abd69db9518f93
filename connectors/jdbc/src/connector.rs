//! The connector: finds tables, watches for new and dropped ones, and deals them out to tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::{Config, Connector, ConnectorContext, ConnectorHost, Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::catalog;
use crate::config::{SourceConfig, keys};
use crate::connect::{Session, connect};
use crate::tables::{TableId, check_distinct_topics, group, topic_of};

/// A running connector.
#[derive(Default)]
pub struct JdbcSourceConnector {
    running: Option<Running>,
}

struct Running {
    raw: Config,
    config: Arc<SourceConfig>,
    tables: watch::Receiver<Option<Vec<TableId>>>,
    /// True once tasks were planned without a list of tables.
    planned_blind: Arc<AtomicBool>,
    monitor: JoinHandle<()>,
}

#[async_trait]
impl Connector for JdbcSourceConnector {
    async fn start(&mut self, context: ConnectorContext, config: &Config) -> Result<()> {
        let parsed = Arc::new(SourceConfig::parse(config)?);
        // A database that cannot be reached at all is worth an error now.
        let session = connect(&parsed.connection).await?;
        let (found, tables) = watch::channel(None);
        let planned_blind = Arc::new(AtomicBool::new(false));
        let monitor =
            Monitor { config: parsed.clone(), host: context.host, found, planned_blind: planned_blind.clone() };
        let monitor = tokio::spawn(monitor.run(session));
        self.running = Some(Running { raw: config.clone(), config: parsed, tables, planned_blind, monitor });
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        let Some(running) = &mut self.running else {
            return Err(Error::internal("the connector is asked for tasks before it was started"));
        };
        let first = running.tables.wait_for(Option::is_some);
        let found = match tokio::time::timeout(running.config.discovery.startup_limit, first).await {
            Ok(Ok(found)) => found.clone(),
            Ok(Err(_)) => return Err(Error::internal("the table monitor has ended")),
            Err(_) => None,
        };
        let fetched = found.is_some();
        running.planned_blind.store(!fetched, Ordering::Release);
        let tables = found.unwrap_or_default();
        check_tables(&running.config, &tables)?;
        let groups = if tables.is_empty() { vec![Vec::new()] } else { group(&tables, max_tasks) };
        Ok(groups.iter().map(|tables| running.task_config(tables, fetched)).collect())
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.monitor.abort();
            let _ = running.monitor.await;
        }
    }
}

impl Running {
    fn task_config(&self, tables: &[TableId], fetched: bool) -> Config {
        let mut config = self.raw.clone();
        let names: Vec<_> = tables.iter().map(|table| self.config.quoting.table(table)).collect();
        config.set(keys::TABLES, names.join(","));
        config.set(keys::TABLES_FETCHED, fetched.to_string());
        config
    }
}

fn check_tables(config: &SourceConfig, tables: &[TableId]) -> Result<()> {
    check_distinct_topics(tables)?;
    for table in tables {
        topic_of(&config.topic_prefix, table)?;
        config.timestamp_columns.of_table(table)?;
    }
    Ok(())
}

/// Looks for tables on a connection of its own.
struct Monitor {
    config: Arc<SourceConfig>,
    host: Arc<dyn ConnectorHost>,
    found: watch::Sender<Option<Vec<TableId>>>,
    planned_blind: Arc<AtomicBool>,
}

impl Monitor {
    async fn run(self, session: Session) {
        let mut session = Some(session);
        // An interval of nothing would ask the database without a pause.
        let interval = self.config.discovery.interval.max(Duration::from_millis(100));
        loop {
            match self.look(&mut session).await {
                Ok(tables) => self.report(tables),
                Err(error) => {
                    session = None;
                    tracing::warn!(%error, "cannot look for tables; trying again");
                }
            }
            tokio::time::sleep(interval).await;
        }
    }

    async fn look(&self, session: &mut Option<Session>) -> Result<Vec<TableId>> {
        let mut open = match session.take() {
            Some(session) => session,
            None => connect(&self.config.connection).await?,
        };
        let tables = catalog::tables(&mut open.connection, &self.config.discovery).await?;
        *session = Some(open);
        Ok(tables)
    }

    fn report(&self, tables: Vec<TableId>) {
        let before = self.found.borrow().clone();
        if before.as_ref() == Some(&tables) {
            return;
        }
        tracing::info!(tables = tables.len(), "the list of tables is new");
        if before.is_some()
            && let Err(error) = check_tables(&self.config, &tables)
        {
            self.host.raise_error(error);
        }
        self.found.send_replace(Some(tables));
        // The first list is waited for by the planning itself, unless that took too long.
        if before.is_some() || self.planned_blind.load(Ordering::Acquire) {
            self.host.request_task_reconfiguration();
        }
    }
}
