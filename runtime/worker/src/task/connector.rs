//! Running one Connector instance: every call to the plugin is made here, so that a call that hangs stops nobody else.

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{
    Config, Connector, ConnectorContext, ConnectorHost, ConnectorKind, ConnectorPlugin, Error, Result,
};
use millstream_core::cluster::{Goal, State, TargetState};
use millstream_core::settings::ConnectorSettings;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::config_provider::Resolved;

use super::supervise::{InstanceEvent, InstanceId, Reporter, Stopper, TaskEnvironment};
use crate::observe::metrics::Listed;

/// First wait before `task_configs` is tried again after a failure; doubled up to [`RETRY_MAX`] (Kafka Connect's figures).
const RETRY_FIRST: Duration = Duration::from_millis(250);
/// Longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// How long the plugin's `stop` may take before it is abandoned (Kafka Connect's fixed 5 s).
pub const STOP_LIMIT: Duration = Duration::from_secs(5);

enum Order {
    Target(TargetState),
    Reconfigure,
    PublishFailed,
    RaiseError(Error),
}

/// A Connector instance that was started and has not ended. A changed configuration or a restart makes a new one.
pub struct RunningConnector {
    /// Which incarnation.
    pub epoch: u64,
    /// Its plugin's version.
    pub version: &'static str,
    /// Keeps it in the metrics, also after its end: taken by who keeps the connector.
    pub listed: Option<Listed>,
    orders: mpsc::UnboundedSender<Order>,
    stopper: Stopper,
}

impl RunningConnector {
    /// Starts the instance in its own unit, unless its settings are of no use; it reports its states and, when started, its task configurations.
    pub fn start(
        name: &Arc<str>,
        config: Resolved,
        settings: &ConnectorSettings,
        plugin: Arc<dyn ConnectorPlugin>,
        env: &Arc<TaskEnvironment>,
        epoch: u64,
        target: TargetState,
    ) -> Result<Self> {
        let offsets = match plugin.kind() {
            ConnectorKind::Source => Some(env.stores.offsets_of(settings)?.reader(name)),
            ConnectorKind::Sink => None,
        };
        let (orders, receiver) = mpsc::unbounded_channel();
        let stopper = Stopper::new();
        let Resolved { config, hidden } = config;
        let (metrics, listed) = env.metrics.connector(name, Some(&*plugin));
        let (id, events, states) = (InstanceId::Connector(name.clone()), env.events.clone(), metrics.state.clone());
        let reporter = Reporter { id, epoch, events, hidden, states };
        let context = ConnectorContext { name: name.clone(), host: Arc::new(Host { orders: orders.clone() }), offsets };
        let unit = Unit {
            name: name.clone(),
            config,
            tasks_max: settings.tasks_max,
            enforce_max: settings.tasks_max_enforce,
            version: plugin.info().version,
            plugin,
            context,
            reporter: reporter.clone(),
            orders: receiver,
            stop: stopper.stop.clone(),
            instance: None,
            retry: None,
            publish_at: None,
            publish_wait: Duration::ZERO,
        };
        let version = unit.version;
        let span = tracing::info_span!("connector", connector = %name);
        stopper.supervise(unit.run(target).instrument(span), reporter);
        Ok(Self { epoch, version, listed: Some(listed), orders, stopper })
    }

    /// Tells the instance to run, pause or stop working.
    pub fn set_target(&self, target: TargetState) {
        let _ = self.orders.send(Order::Target(target));
    }

    /// To be called when its task configurations could not be written: they are made and written again after a while.
    pub fn publish_failed(&self) -> impl FnOnce() + Send + 'static {
        let orders = self.orders.clone();
        move || {
            let _ = orders.send(Order::PublishFailed);
        }
    }

    /// Asks the instance to end; after `limit` it is abandoned.
    pub fn stop(&self, limit: Duration) {
        self.stopper.stop(limit);
    }

    /// True once it was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.stopper.stop.is_cancelled()
    }
}

struct Host {
    orders: mpsc::UnboundedSender<Order>,
}

impl ConnectorHost for Host {
    fn request_task_reconfiguration(&self) {
        let _ = self.orders.send(Order::Reconfigure);
    }

    fn raise_error(&self, error: Error) {
        let _ = self.orders.send(Order::RaiseError(error));
    }
}

struct Unit {
    name: Arc<str>,
    config: Config,
    tasks_max: usize,
    enforce_max: bool,
    version: &'static str,
    plugin: Arc<dyn ConnectorPlugin>,
    context: ConnectorContext,
    reporter: Reporter,
    orders: mpsc::UnboundedReceiver<Order>,
    stop: CancellationToken,
    /// Present while the connector works.
    instance: Option<Box<dyn Connector>>,
    /// When to ask for task configurations again, and the wait after that.
    retry: Option<(tokio::time::Instant, Duration)>,
    /// When to ask again because the last answer could not be written, and the last such wait.
    publish_at: Option<tokio::time::Instant>,
    publish_wait: Duration,
}

impl Unit {
    async fn run(mut self, target: TargetState) -> Result<()> {
        let result = self.serve(target).await;
        self.reporter.outcome(result);
        self.end_instance().await;
        Ok(())
    }

    async fn serve(&mut self, target: TargetState) -> Result<()> {
        self.apply(target).await?;
        loop {
            let again_at = self.retry.map(|(at, _)| at).into_iter().chain(self.publish_at).min();
            let order = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                order = self.orders.recv() => order,
                () = tokio::time::sleep_until(again_at.unwrap_or_else(far_away)), if again_at.is_some() => Some(Order::Reconfigure),
            };
            match order {
                None => return Ok(()),
                Some(Order::Target(target)) => self.apply(target).await?,
                Some(Order::Reconfigure) if self.instance.is_some() => self.task_configs().await,
                Some(Order::Reconfigure) => {}
                Some(Order::PublishFailed) if self.instance.is_some() => {
                    self.publish_wait = (self.publish_wait * 2).clamp(RETRY_FIRST, RETRY_MAX);
                    self.publish_at = Some(tokio::time::Instant::now() + self.publish_wait);
                }
                Some(Order::PublishFailed) => {}
                Some(Order::RaiseError(error)) if self.instance.is_some() => return Err(error),
                // Of an instance that does not work any more.
                Some(Order::RaiseError(error)) => tracing::warn!(%error, "the connector raised an error after its end"),
            }
        }
    }

    async fn apply(&mut self, target: TargetState) -> Result<()> {
        match Goal::from(target) {
            Goal::Run if self.instance.is_none() => {
                let mut instance = self.plugin.connector();
                let started = tokio::select! {
                    started = instance.start(self.context.clone(), &self.config) => started,
                    () = self.stop.cancelled() => Ok(()),
                };
                self.instance = Some(instance);
                started?;
                if !self.stop.is_cancelled() {
                    self.reporter.state(State::Running);
                    self.task_configs().await;
                }
            }
            Goal::Run => {}
            goal @ (Goal::Pause | Goal::Stop) => {
                self.end_instance().await;
                self.reporter.state(goal.state());
            }
        }
        Ok(())
    }

    async fn task_configs(&mut self) {
        let Some(instance) = self.instance.as_mut() else { return };
        self.publish_at = None;
        let made = tokio::select! {
            made = instance.task_configs(self.tasks_max) => made,
            () = self.stop.cancelled() => return,
        };
        match made.and_then(|configs| self.check_count(configs)) {
            Ok(configs) => {
                if self.retry.take().is_some() {
                    self.reporter.state(State::Running);
                }
                let _ = self.reporter.events.send(InstanceEvent::TaskConfigs {
                    connector: self.name.clone(),
                    epoch: self.reporter.epoch,
                    configs,
                });
            }
            Err(error) => {
                let error = self.reporter.hidden.hide_error(error);
                let (again, wait) = (self.retry.is_some(), self.retry.map_or(RETRY_FIRST, |(_, wait)| wait));
                tracing::warn!(%error, retry_ms = wait.as_millis() as u64, "cannot make task configurations; tried again");
                self.retry = Some((tokio::time::Instant::now() + wait, (wait * 2).min(RETRY_MAX)));
                if !again {
                    // Java leaves such a connector RUNNING without tasks and the error in the log only.
                    self.reporter.retrying(error);
                }
            }
        }
    }

    fn check_count(&self, configs: Vec<Config>) -> Result<Vec<Config>> {
        if configs.len() <= self.tasks_max {
            return Ok(configs);
        }
        if !self.enforce_max {
            tracing::warn!(
                made = configs.len(),
                tasks_max = self.tasks_max,
                "the connector made more tasks than tasks.max allows"
            );
            return Ok(configs);
        }
        Err(Error::fatal(format!(
            "the connector made {} tasks where tasks.max allows {}",
            configs.len(),
            self.tasks_max
        ))
        .hint("raise tasks.max, or set tasks.max.enforce=false"))
    }

    async fn end_instance(&mut self) {
        (self.retry, self.publish_at) = (None, None);
        if let Some(mut instance) = self.instance.take()
            && tokio::time::timeout(STOP_LIMIT, instance.stop()).await.is_err()
        {
            tracing::warn!(connector = %self.name, "the connector did not stop in time; abandoned");
        }
    }
}

fn far_away() -> tokio::time::Instant {
    tokio::time::Instant::now() + RETRY_MAX
}
