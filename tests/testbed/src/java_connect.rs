//! Apache Kafka Connect, as the reference for what Millstream does.

use crate::cache::kafka_home;
use crate::folder::Folder;
use crate::java::{Jvm, java};
use crate::properties::WorkerProperties;
use crate::worker::{Worker, with_listener};
use crate::{Error, Result};

/// An Apache Kafka Connect worker still to be started.
#[derive(Debug)]
pub struct JavaConnect {
    properties: WorkerProperties,
    heap_mb: u32,
    jvm: Jvm,
    environment: Vec<(String, String)>,
}

impl JavaConnect {
    /// A worker with these settings: standalone when they name an `offset.storage.file.filename`, else distributed.
    /// `listeners`, `plugin.path` and `plugin.discovery` are filled in when missing.
    pub fn builder(properties: WorkerProperties) -> JavaConnect {
        JavaConnect { properties, heap_mb: 512, jvm: Jvm::QuickStart, environment: Vec::new() }
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

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts it and waits until it answers.
    pub async fn start(self) -> Result<Worker> {
        let worker = self.prepare()?;
        worker.run().await?;
        Ok(worker)
    }

    /// Writes its files; `Worker::spawn` or `Worker::run` starts it.
    pub fn prepare(self) -> Result<Worker> {
        let folder = Folder::new("java-connect")?;
        let plugins = kafka_home()?.join("plugins");
        if !plugins.is_dir() {
            return Err(Error::new(format!("{} is missing: run `scripts/setup.sh kafka`", plugins.display())));
        }
        let properties = self
            .properties
            .set_default("plugin.path", plugins.display())
            .set_default("plugin.discovery", "hybrid_warn");
        let (properties, base) = with_listener(properties)?;
        folder.write("worker.properties", properties.render())?;
        let class = match properties.get("offset.storage.file.filename") {
            Some(_) => "org.apache.kafka.connect.cli.ConnectStandalone",
            None => "org.apache.kafka.connect.cli.ConnectDistributed",
        };
        let (jvm, heap_mb, environment) = (self.jvm, self.heap_mb, self.environment);
        let command = move |folder: &Folder| {
            let mut command = java(class, "connect.jsa", jvm, heap_mb, folder)?;
            command.arg("worker.properties").envs(environment.iter().cloned());
            Ok(command)
        };
        Worker::new("Apache Kafka Connect", folder, base, Box::new(command))
    }
}
