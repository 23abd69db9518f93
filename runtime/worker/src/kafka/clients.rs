//! Which client is made from which settings.
//!
//! As in Kafka Connect: the worker's own clients (three topic logs, an admin client) take the connection and security settings of
//! the worker's file; the clients of a connector start from `bootstrap.servers` and the worker's `producer.*`, `consumer.*` or
//! `admin.*`, and end with what the connector itself sets below `producer.override.*` and so on. Later ones win.

use millstream_api::{Config, Error, Result, TaskId};
use millstream_core::settings::{ConnectorSettings, WorkerConfig};

use super::client_config::{ClientRole, ClientSettings, Layer, STATISTICS};
use super::topic_log;

// Java's pauses between attempts to connect; librdkafka's own grow to 10 s, long after a broker is back. Its telemetry (KIP-714)
// costs a connection and memory and tells Kafka's operators nothing of Connect.
const CONNECTION: [(&str, &str); 4] = [
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("enable.metrics.push", "false"),
    ("log.connection.close", "false"),
];

/// True for settings of a worker's file that say how its own clients connect.
fn is_connection_key(key: &str) -> bool {
    key.starts_with("sasl.")
        || key.starts_with("ssl.")
        || matches!(
            key,
            "bootstrap.servers"
                | "security.protocol"
                | "client.dns.lookup"
                | "client.rack"
                | "metadata.max.age.ms"
                | "metadata.recovery.strategy"
                | "metadata.recovery.rebootstrap.trigger.ms"
                | "request.timeout.ms"
                | "retry.backoff.ms"
                | "retry.backoff.max.ms"
                | "reconnect.backoff.ms"
                | "reconnect.backoff.max.ms"
                | "socket.connection.setup.timeout.ms"
                | "connections.max.idle.ms"
                | "send.buffer.bytes"
                | "receive.buffer.bytes"
        )
}

fn connection(worker: &WorkerConfig) -> Config {
    let mut settings = Config::new();
    for (key, value) in worker.raw.iter().filter(|(key, _)| is_connection_key(key)) {
        settings.set_nullable(key, value.map(str::to_owned));
    }
    settings.set("bootstrap.servers", &worker.bootstrap_servers);
    settings
}

fn bootstrap(worker: &WorkerConfig) -> Config {
    [("bootstrap.servers", worker.bootstrap_servers.as_str())].into_iter().collect()
}

/// The setting that has clients of tasks say more of themselves, where the worker's file asks for it.
fn statistics(worker: &WorkerConfig) -> Option<(&'static str, &'static str)> {
    worker.metrics.debug.then_some(("statistics.interval.ms", STATISTICS))
}

/// What a connector overrides, if the worker's policy allows all of it: a connector that runs may have been validated by a worker with
/// another policy, or by none.
fn allowed(worker: &WorkerConfig, prefix: &str, overrides: &Config) -> Result<Config> {
    let policy = &worker.override_policy;
    match overrides.keys().find(|key| !policy.allows(key)) {
        None => Ok(overrides.clone()),
        Some(key) => Err(Error::config(format!(
            "the connector sets {prefix}{key}, which the worker's policy {} does not allow",
            policy.as_str()
        ))
        .hint("remove the setting, or change connector.client.config.override.policy of the worker")),
    }
}

/// A client of the worker itself. Its id is `<group.id>-<purpose>`, or `<group.id>-<client.id>-<purpose>` where the worker's file
/// names a `client.id`, as in Kafka Connect.
pub fn worker_client(
    role: ClientRole,
    worker: &WorkerConfig,
    purpose: &str,
    native: &[(&str, &str)],
) -> Result<ClientSettings> {
    let mut id = format!("{}-", worker.group_id().unwrap_or("standalone"));
    if let Some(client) = &worker.client_id {
        id.push_str(&format!("{client}-"));
    }
    id.push_str(purpose);
    let mut settings = connection(worker);
    settings.set("client.id", id);
    let native: Vec<_> = CONNECTION.iter().chain(native).copied().collect();
    ClientSettings::translate(role, &[Layer { prefix: "", settings }], &native)
}

/// The producer of a source task: `connector-producer-<connector>-<task>`.
///
/// Kafka Connect uses one request in flight and no idempotence; here idempotence keeps the order with five in flight and keeps
/// retries from writing twice. The producer never gives a record up: it waits for the broker for as long as it takes.
pub fn source_producer(worker: &WorkerConfig, connector: &ConnectorSettings, task: &TaskId) -> Result<ClientSettings> {
    producer(worker, connector, format!("connector-producer-{task}"), &[])
}

/// The producer of a sink task's dead letter queue: `connector-dlq-producer-<connector>-<task>`.
pub fn dead_letter_producer(
    worker: &WorkerConfig,
    connector: &ConnectorSettings,
    task: &TaskId,
) -> Result<ClientSettings> {
    // Java's: a request that is too large for the queue is not cut here, and few letters make one anyway.
    producer(worker, connector, format!("connector-dlq-producer-{task}"), &[("batch.size", "16384")])
}

fn producer(
    worker: &WorkerConfig,
    connector: &ConnectorSettings,
    id: String,
    more: &[(&str, &str)],
) -> Result<ClientSettings> {
    let overrides = allowed(worker, "producer.override.", &connector.producer_overrides)?;
    let mut base = bootstrap(worker);
    base.set("client.id", id);
    let native: Vec<_> = CONNECTION
        .iter()
        .copied()
        .chain([
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("delivery.timeout.ms", "2147483647"),
            // Java's is 5. With idempotence librdkafka has one request per partition on its way, and its broker thread spins from the
            // moment the oldest record behind it has lingered (measured with a busy broker, 1.2 KB records: 5.4 us of CPU per record
            // with 5 ms, 2.0 with 50, at a higher rate). What a full batch holds does not wait.
            ("linger.ms", "50"),
            ("partitioner", "murmur2_random"),
            // As Java's `max.request.size`.
            ("message.max.bytes", "1048576"),
            // A topic that is missing may be made later: Java's producer waits for it. Microseconds of this are kept in 32 bits.
            ("topic.metadata.propagation.max.ms", "2147000"),
            // Bounded in bytes; the count only matters to records of a few bytes, each of which takes about 200 more. Small, since
            // the task reads ahead itself: as long as a full batch waits behind the requests in flight, librdkafka's broker thread
            // spins (measured: 4.3 us of CPU per record of 1.1 KB with 32 MB, 2.6 us with 4 MB, at a higher rate).
            ("queue.buffering.max.messages", "200000"),
            ("queue.buffering.max.kbytes", "4096"),
        ])
        .chain(more.iter().copied())
        .chain(statistics(worker))
        .collect();
    let layers = [
        Layer { prefix: "", settings: base },
        Layer { prefix: "producer.", settings: worker.producer.clone() },
        Layer { prefix: "producer.override.", settings: overrides },
    ];
    ClientSettings::translate(ClientRole::Producer, &layers, &native)
}

/// The consumer of a sink task: `connector-consumer-<connector>-<task>` in group `connect-<connector>`.
pub fn sink_consumer(worker: &WorkerConfig, connector: &ConnectorSettings, task: &TaskId) -> Result<ClientSettings> {
    let overrides = allowed(worker, "consumer.override.", &connector.consumer_overrides)?;
    let mut base = bootstrap(worker);
    base.set("client.id", format!("connector-consumer-{task}"));
    base.set("group.id", connector.consumer_group());
    let native: Vec<_> = CONNECTION
        .iter()
        .copied()
        .chain([
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            // Java's defaults where librdkafka's differ.
            ("isolation.level", "read_uncommitted"),
            ("allow.auto.create.topics", "true"),
            ("check.crcs", "true"),
            ("partition.assignment.strategy", "range"),
            // The queue of fetched records is the sink's read-ahead: bounded, and refilled soon after it was full.
            ("queued.max.messages.kbytes", "8192"),
            ("fetch.max.bytes", "8388608"),
            ("fetch.queue.backoff.ms", "10"),
        ])
        .chain(statistics(worker))
        .collect();
    let layers = [
        Layer { prefix: "", settings: base },
        Layer { prefix: "consumer.", settings: worker.consumer.clone() },
        Layer { prefix: "consumer.override.", settings: overrides },
    ];
    ClientSettings::translate(ClientRole::Consumer, &layers, &native)
}

/// The admin client of a task: `connector-adminclient-<connector>-<task>`, from the worker's own connection settings, `admin.*`
/// and `admin.override.*`.
pub fn connector_admin(worker: &WorkerConfig, connector: &ConnectorSettings, task: &TaskId) -> Result<ClientSettings> {
    admin(worker, connector, format!("connector-adminclient-{task}"))
}

/// The admin client that changes a sink's offsets: `connector-worker-adminclient-<connector>`, else as [`connector_admin`].
pub fn offsets_admin(worker: &WorkerConfig, connector: &ConnectorSettings) -> Result<ClientSettings> {
    admin(worker, connector, format!("connector-worker-adminclient-{}", connector.name))
}

/// The consumer group of a sink: `connect-<connector>`, unless `consumer.group.id` of the worker or `consumer.override.group.id` of the
/// connector says otherwise.
pub fn sink_group(worker: &WorkerConfig, connector: &ConnectorSettings) -> String {
    let overridden = connector.consumer_overrides.get("group.id").or_else(|| worker.consumer.get("group.id"));
    overridden.map_or_else(|| format!("connect-{}", connector.name), |group| group.trim().to_owned())
}

/// Admin client, consumer and producer of a connector's own offsets topic (`connector-offsets-<connector>`): connected as its tasks are,
/// whatever cluster that is.
pub fn own_offsets(
    worker: &WorkerConfig,
    connector: &ConnectorSettings,
) -> Result<(ClientSettings, ClientSettings, ClientSettings)> {
    let id = format!("connector-offsets-{}", connector.name);
    let mut base = bootstrap(worker);
    base.set("client.id", &id);
    let settings = |role, prefix, of_worker: &Config, over_prefix, overrides: &Config, native: &[(&str, &str)]| {
        let layers = [
            Layer { prefix: "", settings: base.clone() },
            Layer { prefix, settings: of_worker.clone() },
            Layer { prefix: over_prefix, settings: allowed(worker, over_prefix, overrides)? },
        ];
        let native: Vec<_> = CONNECTION.iter().chain(native).copied().collect();
        ClientSettings::translate(role, &layers, &native)
    };
    // A reader needs the name of a group, though it joins none.
    let group = sink_group(worker, connector);
    let reading: Vec<_> = topic_log::CONSUMER.iter().copied().chain([("group.id", group.as_str())]).collect();
    let consumer = settings(
        ClientRole::Consumer,
        "consumer.",
        &worker.consumer,
        "consumer.override.",
        &connector.consumer_overrides,
        &reading,
    )?;
    let producer = settings(
        ClientRole::Producer,
        "producer.",
        &worker.producer,
        "producer.override.",
        &connector.producer_overrides,
        &topic_log::PRODUCER,
    )?;
    Ok((admin(worker, connector, id)?, consumer, producer))
}

fn admin(worker: &WorkerConfig, connector: &ConnectorSettings, id: String) -> Result<ClientSettings> {
    let mut base = connection(worker);
    base.set("client.id", id);
    let layers = [
        Layer { prefix: "", settings: base },
        Layer { prefix: "admin.", settings: worker.admin.clone() },
        Layer { prefix: "admin.override.", settings: allowed(worker, "admin.override.", &connector.admin_overrides)? },
    ];
    ClientSettings::translate(ClientRole::Admin, &layers, &CONNECTION)
}
