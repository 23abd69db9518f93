//! A worker from start to end: REST, stores, membership, herder.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use millstream_api::{Error, ErrorKind, MemoryBudget, PluginKind, Result};
use millstream_core::cluster::SessionKeyPolicy;
use millstream_core::settings::WorkerConfig;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::connector_file::ConnectorFile;
use crate::herder::{Herder, HerderHandle, Inputs, PutConnector, Request};
use crate::kafka::{Admin, ClientRole, client_config, wait_for_brokers};
use crate::membership::{Membership, Solo};
use crate::model::Health;
use crate::observe::loggers::Loggers;
use crate::observe::metrics::Metrics;
use crate::plugins::PluginTable;
use crate::rest::{RestContext, RestServer, RestSettings};
use crate::store::{SessionKeeper, Stores};
use crate::task::TaskEnvironment;
use crate::validate::{self, ConfigValidator};

/// The place named by errors of a worker that could not start (a REST port in use, a connector file that is refused), as against one whose
/// herder failed.
pub const AT_START: &str = "while the worker started";

/// How long running requests may go on when the worker stops (Kafka Connect: 60 s).
const REST_GRACE: Duration = Duration::from_secs(60);
/// How long the connector of a file may take to start before the next one is created.
const CONNECTOR_START: Duration = Duration::from_secs(30);
/// Requests that may wait for the herder's loop.
const REQUESTS: usize = 1024;

/// Runs a worker until `shutdown` is cancelled, then stops it in order: REST, tasks (within their graceful limit), connectors, stores.
///
/// `connectors` are created when the worker is up (standalone mode's files). An error means that the worker is not running (any more).
pub async fn run(
    config: WorkerConfig,
    plugins: Arc<PluginTable>,
    connectors: Vec<ConnectorFile>,
    shutdown: CancellationToken,
) -> Result<()> {
    let worker = Arc::new(config);
    tell_settings(&worker);
    check_converters(&worker, &plugins).map_err(at_start)?;
    let session_keys = session_key_policy(&worker).map_err(at_start)?;
    let server = RestServer::bind(&worker.rest).await.map_err(at_start)?;
    let worker_id = worker_id(&worker, &server);

    let (requests, request_queue) = mpsc::channel(REQUESTS);
    let health = watch::Sender::new(Health::Starting("the worker is starting".to_owned()));
    let validator = Arc::new(ConfigValidator::new(plugins.clone(), worker.clone()));
    let herder = HerderHandle::new(requests, validator, health.subscribe());
    let cluster_id = Arc::new(OnceLock::new());
    let budget = MemoryBudget::new(worker.memory_budget);
    let metrics = Metrics::new(&worker.metrics, budget.clone());
    let context = RestContext {
        herder: herder.clone(),
        plugins: plugins.clone(),
        cluster_id: cluster_id.clone(),
        metrics: metrics.clone(),
        loggers: Loggers::of_process(),
        settings: RestSettings::of(&worker),
    };
    let rest_stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(context, rest_stop.clone(), REST_GRACE));

    let running = Running { worker, plugins, worker_id, cluster_id, health, budget, metrics, session_keys };
    let result = running.until_stopped(herder, request_queue, connectors, &shutdown).await;
    rest_stop.cancel();
    match serving.await {
        Ok(served) => result.and(served),
        Err(panic) => result.and(Err(Error::internal("the REST server ended unexpectedly").caused_by(panic))),
    }
}

fn at_start(error: Error) -> Error {
    error.at(AT_START)
}

/// As Java's worker, which makes its converters when it starts: a wrong class shows at once, and not in every task.
fn check_converters(worker: &WorkerConfig, plugins: &PluginTable) -> Result<()> {
    for (key, converter) in [("key.converter", &worker.key_converter), ("value.converter", &worker.value_converter)] {
        millstream_plugins::converter(&converter.class)
            .map_err(|error| Error::config(format!("the worker's {key} is not usable")).caused_by(error))?;
    }
    millstream_plugins::header_converter(&worker.header_converter.class)
        .map_err(|error| Error::config("the worker's header.converter is not usable").caused_by(error))?;
    for (key, converter) in [
        ("key.converter", &worker.key_converter),
        ("value.converter", &worker.value_converter),
        ("header.converter", &worker.header_converter),
    ] {
        let version = format!("{key}.plugin.version");
        let all = plugins.of_kind(PluginKind::HeaderConverter);
        if let (Some(asked), Some(plugin)) =
            (worker.raw.get(&version), all.iter().find(|plugin| plugin.is_named(&converter.class)))
        {
            validate::check_version(asked, plugin).map_err(|reason| Error::config(format!("{version}: {reason}")))?;
        }
    }
    Ok(())
}

/// Only the workers of a group send each other requests.
fn session_key_policy(worker: &WorkerConfig) -> Result<Option<SessionKeyPolicy>> {
    if worker.group_id().is_none() { Ok(None) } else { SessionKeyPolicy::of(&worker.raw) }
}

fn tell_settings(worker: &WorkerConfig) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), bootstrap_servers = %worker.bootstrap_servers, "worker starting");
    if !worker.ignored_java.is_empty() {
        tracing::info!(
            keys = worker.ignored_java.join(", "),
            "settings that have no meaning without a JVM are accepted and ignored"
        );
    }
    if !worker.metrics.other_reporters.is_empty() {
        tracing::warn!(
            metric_reporters = worker.metrics.other_reporters.join(", "),
            "the classes of metric.reporters are Java's and do not run here; GET /metrics has the metrics"
        );
    }
    if !worker.unused.is_empty() {
        tracing::warn!(keys = worker.unused.join(", "), "settings that nothing reads");
    }
}

fn worker_id(worker: &WorkerConfig, server: &RestServer) -> String {
    let mut advertised = worker.advertised(&local_host_name());
    if advertised.port == 0 {
        advertised.port = server.port(advertised.protocol).unwrap_or(0);
    }
    advertised.worker_id()
}

fn local_host_name() -> String {
    // What the kernel calls this host; the same that a JVM asks for.
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

struct Running {
    worker: Arc<WorkerConfig>,
    plugins: Arc<PluginTable>,
    worker_id: String,
    cluster_id: Arc<OnceLock<String>>,
    health: watch::Sender<Health>,
    budget: MemoryBudget,
    metrics: Arc<Metrics>,
    session_keys: Option<SessionKeyPolicy>,
}

impl Running {
    async fn until_stopped(
        self,
        handle: HerderHandle,
        requests: mpsc::Receiver<Request>,
        connectors: Vec<ConnectorFile>,
        shutdown: &CancellationToken,
    ) -> Result<()> {
        let stores = tokio::select! {
            stores = self.start_stores() => stores?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let changes =
            stores.configs.changes().ok_or_else(|| Error::internal("the config store's changes are taken"))?;
        let (events_sender, events) = mpsc::unbounded_channel();
        let generation = highest_generation(&stores);
        let membership: Arc<dyn Membership> = Solo::new(generation);
        self.metrics.set_membership(membership.view(), &self.worker_id);
        let env = Arc::new(TaskEnvironment {
            budget: self.budget,
            metrics: self.metrics,
            worker: self.worker,
            plugins: self.plugins,
            stores: stores.clone(),
            events: events_sender,
        });
        let stop = CancellationToken::new();
        if let Some(policy) = self.session_keys {
            let keeper = SessionKeeper::new(stores.configs.clone(), membership.clone(), policy);
            tokio::spawn(keeper.run(stop.clone()));
        }
        let herder = Herder::new(env, self.worker_id.clone(), membership);
        let inputs = Inputs { requests, changes, events };
        let mut running = tokio::spawn(herder.run(inputs, stop.clone()));
        self.health.send_replace(Health::Healthy);
        tracing::info!(worker_id = self.worker_id, "worker ready");

        let created = tokio::select! {
            created = create_all(&handle, connectors) => created,
            () = shutdown.cancelled() => Ok(()),
        };
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            () = shutdown.cancelled(), if created.is_ok() => None,
            () = std::future::ready(()), if created.is_err() => None,
        };
        tracing::info!("worker stopping");
        stop.cancel();
        let herded = match ended {
            Some(ended) => ended,
            None => running.await,
        };
        let herded = herded.map_err(|panic| Error::internal("the herder ended unexpectedly").caused_by(panic));
        stores.stop().await;
        tracing::info!("worker stopped");
        created.and(herded)
    }

    async fn start_stores(&self) -> Result<Stores> {
        let settings =
            client_config::worker_client(ClientRole::Admin, &self.worker, "shared-admin", &[]).map_err(at_start)?;
        settings.warn_unknown();
        self.health.send_replace(Health::Starting(format!("waiting for the brokers at {}", settings.bootstrap())));
        wait_for_brokers(&settings).await.map_err(at_start)?;
        let admin = Admin::new(&settings)?;
        if let Some(id) = admin.cluster_id().await? {
            let _ = self.cluster_id.set(id);
        }
        drop(admin);
        let stores = Stores::of(&self.worker)?;
        self.health.send_replace(Health::Starting("reading the config, offset and status topics".to_owned()));
        stores.start().await?;
        Ok(stores)
    }
}

fn highest_generation(stores: &Stores) -> i32 {
    let table = stores.statuses.table();
    let names: Vec<_> = table.connectors().cloned().collect();
    let all = names.iter().flat_map(|name| {
        table
            .connector(name)
            .into_iter()
            .chain(table.tasks(name).map(|(_, status)| status))
            .map(|status| status.generation)
    });
    all.max().unwrap_or(0)
}

/// Creates the connectors of files, each checked first.
async fn create_all(handle: &HerderHandle, connectors: Vec<ConnectorFile>) -> Result<()> {
    for file in connectors {
        let place = file.path.display().to_string();
        let refused = |error: Error| error.at(place.clone()).at(AT_START);
        let verdict = handle.validate(None, &file.config).await.map_err(refused)?;
        verdict.require_valid().map_err(refused)?;
        let put = PutConnector {
            name: file.name.as_str().into(),
            config: file.config,
            initial_state: file.initial_state,
            replace: true,
        };
        match tokio::time::timeout(CONNECTOR_START, handle.ask(|reply| Request::Put(put, reply))).await {
            Ok(Ok(_)) => tracing::info!(connector = file.name, file = place, "connector created"),
            // It exists, and its status says what became of it; the others are none the worse for it. (Kafka Connect ends.)
            Ok(Err(error)) if error.kind() == ErrorKind::Fatal => {
                tracing::error!(connector = file.name, file = place, %error, "connector created, but it failed");
            }
            Ok(Err(error)) => return Err(refused(error)),
            Err(_) => {
                tracing::warn!(connector = file.name, file = place, "connector created, but it takes long to start")
            }
        }
    }
    Ok(())
}
