//! Which client is made from which settings.
//!
//! As in Kafka Connect: the worker's own clients (three topic logs, an admin client) take the connection and security settings of
//! the worker's file; the clients of a connector start from `bootstrap.servers` and the worker's `producer.*`, `consumer.*` or
//! `admin.*`, and end with what the connector itself sets below `producer.override.*` and so on. Later ones win.
//!
//! `worker` and `connector` are the raw configurations, after config providers.

use millstream_api::{Config, Result, TaskId};

use super::client_config::{ClientRole, ClientSettings, Layer};

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

fn connection(worker: &Config) -> Config {
    let mut settings = bootstrap(worker);
    for (key, value) in worker.iter().filter(|(key, _)| is_connection_key(key)) {
        settings.set_nullable(key, value.map(str::to_owned));
    }
    settings
}

fn bootstrap(worker: &Config) -> Config {
    // Kafka Connect's default.
    [("bootstrap.servers", worker.get("bootstrap.servers").unwrap_or("localhost:9092"))].into_iter().collect()
}

/// A client of the worker itself. Its id is `<group.id>-<purpose>`, or `<group.id>-<client.id>-<purpose>` where the worker's file
/// names a `client.id`, as in Kafka Connect.
pub fn worker_client(
    role: ClientRole,
    worker: &Config,
    purpose: &str,
    native: &[(&str, &str)],
) -> Result<ClientSettings> {
    let group = worker.get("group.id").unwrap_or("standalone");
    let mut id = format!("{group}-");
    if let Some(client) = worker.get("client.id").filter(|client| !client.is_empty()) {
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
pub fn source_producer(worker: &Config, connector: &Config, task: &TaskId) -> Result<ClientSettings> {
    producer(worker, connector, format!("connector-producer-{task}"))
}

/// The producer of a sink task's dead letter queue: `connector-dlq-producer-<connector>-<task>`.
pub fn dead_letter_producer(worker: &Config, connector: &Config, task: &TaskId) -> Result<ClientSettings> {
    producer(worker, connector, format!("connector-dlq-producer-{task}"))
}

fn producer(worker: &Config, connector: &Config, id: String) -> Result<ClientSettings> {
    let mut base = bootstrap(worker);
    base.set("client.id", id);
    let native: Vec<_> = CONNECTION
        .iter()
        .copied()
        .chain([
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("delivery.timeout.ms", "2147483647"),
            ("linger.ms", "5"),
            ("partitioner", "murmur2_random"),
            // Bounded in bytes alone; the count of messages is not what memory is made of.
            ("queue.buffering.max.messages", "0"),
            ("queue.buffering.max.kbytes", "32768"),
        ])
        .collect();
    let layers = [
        Layer { prefix: "", settings: base },
        Layer { prefix: "producer.", settings: worker.with_prefix("producer.") },
        Layer { prefix: "producer.override.", settings: connector.with_prefix("producer.override.") },
    ];
    ClientSettings::translate(ClientRole::Producer, &layers, &native)
}

/// The consumer of a sink task: `connector-consumer-<connector>-<task>` in group `connect-<connector>`.
pub fn sink_consumer(worker: &Config, connector: &Config, task: &TaskId) -> Result<ClientSettings> {
    let mut base = bootstrap(worker);
    base.set("client.id", format!("connector-consumer-{task}"));
    base.set("group.id", format!("connect-{}", task.connector));
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
        .collect();
    let layers = [
        Layer { prefix: "", settings: base },
        Layer { prefix: "consumer.", settings: worker.with_prefix("consumer.") },
        Layer { prefix: "consumer.override.", settings: connector.with_prefix("consumer.override.") },
    ];
    ClientSettings::translate(ClientRole::Consumer, &layers, &native)
}

/// The admin client of a task: `connector-adminclient-<connector>-<task>`, from the worker's own connection settings, `admin.*`
/// and `admin.override.*`.
pub fn connector_admin(worker: &Config, connector: &Config, task: &TaskId) -> Result<ClientSettings> {
    let mut base = connection(worker);
    base.set("client.id", format!("connector-adminclient-{task}"));
    let layers = [
        Layer { prefix: "", settings: base },
        Layer { prefix: "admin.", settings: worker.with_prefix("admin.") },
        Layer { prefix: "admin.override.", settings: connector.with_prefix("admin.override.") },
    ];
    ClientSettings::translate(ClientRole::Admin, &layers, &CONNECTION)
}
