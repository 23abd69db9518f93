//! Apache Kafka: one broker and controller in one process (KRaft).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::cache::kafka_home;
use crate::folder::Folder;
use crate::java::{Jvm, java};
use crate::ports::free_port;
use crate::process::{Process, log_tail};
use crate::{Context, Result};

const READY: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(30);

/// What a broker is to be like.
#[derive(Debug, Clone)]
pub struct KafkaBuilder {
    address: IpAddr,
    port: Option<u16>,
    advertised: Option<String>,
    heap_mb: u32,
    jvm: Jvm,
    settings: Vec<(String, String)>,
    listeners: Vec<(String, String)>,
}

impl KafkaBuilder {
    /// The loopback address to listen on; 127.0.0.1 if not given.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// The port to listen on; a free one if not given.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The `host:port` clients are told to come back to: that of a proxy, or a host name.
    #[must_use]
    pub fn advertised(mut self, host_and_port: impl Into<String>) -> Self {
        self.advertised = Some(host_and_port.into());
        self
    }

    /// Java's largest heap; 512 MiB if not given.
    #[must_use]
    pub fn heap_mb(mut self, heap_mb: u32) -> Self {
        self.heap_mb = heap_mb;
        self
    }

    /// How the JVM compiles; for the quickest start if not given.
    #[must_use]
    pub fn jvm(mut self, jvm: Jvm) -> Self {
        self.jvm = jvm;
        self
    }

    /// One more broker setting; it wins over the testbed's own.
    #[must_use]
    pub fn setting(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.settings.push((key.into(), value.to_string()));
        self
    }

    /// One more listener, on a free port: its name, in upper case, and its protocol (`SSL`, `SASL_PLAINTEXT`, `SASL_SSL`). What it needs
    /// stands in settings below `listener.name.<name in lower case>.`.
    #[must_use]
    pub fn listener(mut self, name: impl Into<String>, protocol: impl Into<String>) -> Self {
        self.listeners.push((name.into(), protocol.into()));
        self
    }

    /// A broker with address, settings and storage that does not run yet: `Kafka::run` starts it.
    pub fn prepare(self) -> Result<Kafka> {
        let folder = Folder::new("kafka")?;
        let port = match self.port {
            Some(port) => port,
            None => free_port(self.address)?,
        };
        let controller = free_port(self.address)?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let formatted = kafka_home()?.join("formatted");
        for file in ["meta.properties", "bootstrap.checkpoint"] {
            std::fs::copy(formatted.join(file), data.join(file)).context(format!("formatted storage, {file}"))?;
        }
        let address = self.address;
        let advertised = self.advertised.clone().unwrap_or_else(|| format!("{address}:{port}"));
        let (mut listening, mut told, mut protocols, mut ports) =
            (String::new(), String::new(), String::new(), Vec::new());
        for (name, protocol) in &self.listeners {
            let port = free_port(address)?;
            listening.push_str(&format!(",{name}://{address}:{port}"));
            told.push_str(&format!(",{name}://{address}:{port}"));
            protocols.push_str(&format!(",{name}:{protocol}"));
            ports.push((name.clone(), port));
        }
        let mut text = format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             listeners=BROKER://{address}:{port},CONTROLLER://{address}:{controller}{listening}\n\
             advertised.listeners=BROKER://{advertised}{told}\n\
             listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
             inter.broker.listener.name=BROKER\n\
             controller.listener.names=CONTROLLER\n\
             controller.quorum.voters=1@{address}:{controller}\n\
             log.dirs={}\n",
            data.display()
        );
        text.push_str(SINGLE_NODE);
        // Of a key given twice Java takes the later value.
        for (key, value) in &self.settings {
            text.push_str(&format!("{key}={value}\n"));
        }
        folder.write("server.properties", text)?;
        Ok(Kafka { builder: self, folder, port, ports, process: Mutex::new(None) })
    }

    /// Starts the broker and waits until it answers metadata requests.
    pub async fn start(self) -> Result<Kafka> {
        let kafka = self.prepare()?;
        kafka.run().await?;
        Ok(kafka)
    }
}

// Internal topics as one node can hold them, and no waiting for members that a test does not have. After a kill the
// broker can register again only when the session of the killed one is over.
const SINGLE_NODE: &str = "\
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=true
num.partitions=1
log.cleaner.dedupe.buffer.size=16777216
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2500
";

/// A broker. Its port and data outlive `stop` and `kill`, so that `run` brings the same broker back.
#[derive(Debug)]
pub struct Kafka {
    builder: KafkaBuilder,
    folder: Folder,
    port: u16,
    ports: Vec<(String, u16)>,
    process: Mutex<Option<Process>>,
}

impl Kafka {
    /// Settings to start from.
    pub fn builder() -> KafkaBuilder {
        KafkaBuilder {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
            advertised: None,
            heap_mb: 512,
            jvm: Jvm::QuickStart,
            settings: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// A broker with the testbed's settings, running.
    pub async fn start() -> Result<Kafka> {
        Kafka::builder().start().await
    }

    /// `address:port`, for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        format!("{}:{}", self.builder.address, self.port)
    }

    /// `address:port` of a further listener, for `bootstrap.servers`.
    pub fn bootstrap_of(&self, listener: &str) -> Result<String> {
        let found = self.ports.iter().find(|(name, _)| name == listener);
        let (_, port) = found.ok_or_else(|| crate::Error::new(format!("Kafka has no listener {listener}")))?;
        Ok(format!("{}:{port}", self.builder.address))
    }

    /// Runs one of Kafka's own tools against the broker to its end, as in `tool("kafka.admin.ConfigCommand", &["--alter", ...])`; where
    /// the broker is, is added.
    pub async fn tool(&self, class: &str, arguments: &[&str]) -> Result<()> {
        let mut command = java(class, "connect.jsa", self.builder.jvm, 128, &self.folder)?;
        command.args(["--bootstrap-server", &self.bootstrap()]).args(arguments);
        let output = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        Err(crate::Error::new(format!("{class} failed: {}", String::from_utf8_lossy(&text))))
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The broker's log file.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("kafka.log")
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log())
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.slot().as_ref().map(Process::pid)
    }

    /// Starts it (again) on the same port and data and waits until it answers. Does nothing when it runs.
    pub async fn run(&self) -> Result<()> {
        if self.pid().is_some() {
            return Ok(());
        }
        let mut command = java("kafka.Kafka", "broker.jsa", self.builder.jvm, self.builder.heap_mb, &self.folder)?;
        command.arg("server.properties");
        let process = Process::spawn("Kafka", command, &self.log(), Signal::SIGKILL)?;
        let bootstrap = self.bootstrap();
        process.wait_ready(READY, || answers(bootstrap.clone())).await?;
        *self.slot() = Some(process);
        Ok(())
    }

    /// An orderly shutdown (SIGTERM).
    pub async fn stop(&self) -> Result<()> {
        let process = self.slot().take();
        if let Some(process) = process {
            process.stop(Signal::SIGTERM, STOP).await?;
        }
        Ok(())
    }

    /// The end without warning (SIGKILL).
    pub fn kill(&self) {
        drop(self.slot().take());
    }

    /// Stops every thread of the broker (SIGSTOP): connections stay open, nothing answers. `resume` ends it.
    pub fn pause(&self) -> Result<()> {
        self.send(Signal::SIGSTOP)
    }

    /// Lets a paused broker go on.
    pub fn resume(&self) -> Result<()> {
        self.send(Signal::SIGCONT)
    }

    fn send(&self, signal: Signal) -> Result<()> {
        match self.slot().as_ref() {
            Some(process) => process.signal(signal),
            None => Err(crate::Error::new("Kafka does not run")),
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn answers(bootstrap: String) -> Result<bool> {
    // librdkafka retries a refused connection with growing pauses; a plain connect is asked first.
    tokio::net::TcpStream::connect(&bootstrap).await?;
    tokio::task::spawn_blocking(move || {
        let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &bootstrap).create()?;
        let metadata = client.fetch_metadata(None, Duration::from_secs(2))?;
        Ok(!metadata.brokers().is_empty())
    })
    .await?
}
