//! Starting a Millstream worker.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::folder::Folder;
use crate::properties::WorkerProperties;
use crate::worker::{Worker, with_listener};
use crate::{Context, Error, Result};

/// A Millstream worker still to be started.
#[derive(Debug)]
pub struct MillstreamBuilder {
    properties: WorkerProperties,
    connectors: Vec<PathBuf>,
    contents: Vec<(String, String)>,
    binary: Option<PathBuf>,
    environment: Vec<(String, String)>,
    hosts: Vec<(String, IpAddr)>,
    prefix: Vec<String>,
}

impl MillstreamBuilder {
    pub(crate) fn new(properties: WorkerProperties) -> MillstreamBuilder {
        MillstreamBuilder {
            properties,
            connectors: Vec::new(),
            contents: Vec::new(),
            binary: None,
            environment: Vec::new(),
            hosts: Vec::new(),
            prefix: Vec::new(),
        }
    }

    /// The binary; `millstream_binary` if not given.
    #[must_use]
    pub fn binary(mut self, binary: impl Into<PathBuf>) -> Self {
        self.binary = Some(binary.into());
        self
    }

    /// A connector file for the command line.
    #[must_use]
    pub fn connector_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.connectors.push(file.into());
        self
    }

    /// A connector for the command line, written to a file `<name>.json` as `{"name", "config"}`.
    #[must_use]
    pub fn connector(mut self, name: &str, config: &Value) -> Self {
        let text = serde_json::json!({"name": name, "config": config}).to_string();
        self.contents.push((format!("{name}.json"), text));
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Several environment variables.
    #[must_use]
    pub fn envs(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Lets a host name resolve to this address, for the worker alone: it gets a mount namespace with its own
    /// `/etc/hosts`.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>, address: IpAddr) -> Self {
        self.hosts.push((name.into(), address));
        self
    }

    /// Words in front of the command: a program that ends by executing the rest, such as `taskset`.
    #[must_use]
    pub fn prefix(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.prefix.extend(words.into_iter().map(Into::into));
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
        let folder = Folder::new("worker")?;
        let binary = match self.binary {
            Some(binary) => binary,
            None => millstream_binary()?,
        };
        let (properties, base) = with_listener(self.properties)?;
        let mut words = self.prefix;
        if !self.hosts.is_empty() {
            words.extend(host_words(&folder, &self.hosts)?);
        }
        words.push(binary.display().to_string());
        words.push("run".to_owned());
        words.push(folder.write("worker.properties", properties.render())?.display().to_string());
        for (name, text) in &self.contents {
            words.push(folder.write(name, text)?.display().to_string());
        }
        words.extend(self.connectors.iter().map(|file| file.display().to_string()));
        let environment = self.environment;
        let command = move |folder: &Folder| {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]).envs(environment.iter().cloned()).current_dir(folder.path());
            Ok(command)
        };
        Worker::new("the Millstream worker", folder, base, Box::new(command))
    }
}

/// The `millstream` binary: `MILLSTREAM_BIN`, else the one in the target folder that the running program is in.
pub fn millstream_binary() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("MILLSTREAM_BIN").filter(|binary| !binary.is_empty()) {
        return Ok(PathBuf::from(binary));
    }
    let program = std::env::current_exe().context("the running program's path")?;
    // A test is in `deps`, below the binaries of its profile.
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join("millstream")).find(|file| file.is_file());
    found.ok_or_else(|| {
        Error::new(format!(
            "no millstream binary beside {}: build it (`cargo build --workspace`) or set MILLSTREAM_BIN",
            program.display()
        ))
    })
}

const BIND_HOSTS: &str = r#"mount --bind "$1" /etc/hosts && shift && exec "$@""#;

/// The words that run a command with an `/etc/hosts` of its own.
fn host_words(folder: &Folder, hosts: &[(String, IpAddr)]) -> Result<Vec<String>> {
    let own: String = hosts.iter().map(|(name, address)| format!("{address} {name}\n")).collect();
    let machine = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    // Ours first: of a name given twice the first line counts.
    let file = folder.write("hosts", own + &machine)?;
    let mut words = unshare(&file)?;
    words.extend(["sh", "-c", BIND_HOSTS, "sh"].map(str::to_owned));
    words.push(file.display().to_string());
    Ok(words)
}

// Root may make a mount namespace as it is; anybody else (and root in many containers) needs a user namespace too.
fn unshare(hosts: &Path) -> Result<Vec<String>> {
    for options in [vec!["--mount"], vec!["--mount", "--map-root-user"]] {
        let works = Command::new("unshare")
            .args(&options)
            .args(["sh", "-c", BIND_HOSTS, "sh"])
            .arg(hosts)
            .arg("true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("unshare (util-linux)")?;
        if works.success() {
            return Ok(std::iter::once("unshare").chain(options).map(str::to_owned).collect());
        }
    }
    Err(Error::new(
        "this machine allows no mount namespace (unshare --mount), so no host name can be given to a worker",
    ))
}
