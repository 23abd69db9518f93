//! An S3 server: MinIO, or moto where MinIO is not built.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use nix::sys::signal::Signal;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as ObjectPath;
use object_store::signer::Signer;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::cache::{minio, python_bin};
use crate::folder::Folder;
use crate::ports::free_port;
use crate::process::{Process, log_tail};
use crate::{Context, Error, Result};

const READY: Duration = Duration::from_secs(40);
const ACCESS_KEY: &str = "millstream";
const SECRET_KEY: &str = "millstream-secret";
const REGION: &str = "us-east-1";

/// Which program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Server {
    /// MinIO: quick, and refuses wrong credentials. Compiled by `scripts/setup.sh minio`.
    MinIo,
    /// moto: installed in seconds, slow, takes any credentials.
    Moto,
}

/// What a server is to be like.
#[derive(Debug, Clone)]
pub struct S3Builder {
    server: Option<S3Server>,
    address: IpAddr,
    port: Option<u16>,
}

impl S3Builder {
    /// The program; MinIO where it is built and moto otherwise, if not given.
    #[must_use]
    pub fn server(mut self, server: S3Server) -> Self {
        self.server = Some(server);
        self
    }

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

    /// Starts the server and waits until it answers.
    pub async fn start(self) -> Result<S3> {
        let folder = Folder::new("s3")?;
        let port = match self.port {
            Some(port) => port,
            None => free_port(self.address)?,
        };
        let server = match self.server {
            Some(server) => server,
            None if minio().is_ok() => S3Server::MinIo,
            None => S3Server::Moto,
        };
        let s3 = S3 { server, address: self.address, port, folder, process: Mutex::new(None) };
        s3.run().await?;
        Ok(s3)
    }
}

/// A server. MinIO's objects outlive `stop` and `kill`; moto's are in its memory.
#[derive(Debug)]
pub struct S3 {
    server: S3Server,
    address: IpAddr,
    port: u16,
    folder: Folder,
    process: Mutex<Option<Process>>,
}

impl S3 {
    /// Settings to start from.
    pub fn builder() -> S3Builder {
        S3Builder { server: None, address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: None }
    }

    /// A server with the testbed's settings, running.
    pub async fn start() -> Result<S3> {
        S3::builder().start().await
    }

    /// Which program answers.
    pub fn server(&self) -> S3Server {
        self.server
    }

    /// `http://address:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}:{}", self.address, self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The access key id.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// The secret access key.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// The region it signs for.
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// The credentials as the environment variables every AWS client reads.
    pub fn environment(&self) -> [(String, String); 3] {
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY), ("AWS_REGION", REGION)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log())
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.slot().as_ref().map(Process::pid)
    }

    /// Creates a bucket; one that exists is fine.
    pub async fn create_bucket(&self, bucket: &str) -> Result<()> {
        // object_store makes no buckets, but a signed PUT of the empty key is just that request.
        let url = self
            .client(bucket)?
            .signed_url(reqwest::Method::PUT, &ObjectPath::default(), Duration::from_secs(60))
            .await?;
        let answer = http()
            .put(url.as_str())
            .header("Content-Length", "0")
            .send()
            .await
            .context(format!("creating bucket {bucket}"))?;
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        if status.is_success() || body.contains("BucketAlreadyOwnedByYou") {
            return Ok(());
        }
        Err(Error::new(format!("creating bucket {bucket}: {status} {body}")).with_log(&self.log()))
    }

    /// A client of one bucket.
    pub fn client(&self, bucket: &str) -> Result<AmazonS3> {
        Ok(AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_allow_http(true)
            .with_bucket_name(bucket)
            .with_region(REGION)
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET_KEY)
            .build()?)
    }

    /// The objects below `prefix` (all for an empty one), in the order of their keys.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let prefix = (!prefix.is_empty()).then(|| ObjectPath::from(prefix));
        let mut found: Vec<ObjectMeta> = self
            .client(bucket)?
            .list(prefix.as_ref())
            .try_collect()
            .await
            .context(format!("listing bucket {bucket}"))?;
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    /// The keys below `prefix`, in order.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        Ok(self.list(bucket, prefix).await?.into_iter().map(|object| object.location.to_string()).collect())
    }

    /// An object's bytes.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes> {
        let path = ObjectPath::parse(key).context(key)?;
        let read = async { self.client(bucket)?.get(&path).await?.bytes().await.context("body") };
        read.await.context(format!("getting s3://{bucket}/{key}"))
    }

    /// Writes an object.
    pub async fn put(&self, bucket: &str, key: &str, content: impl Into<Bytes>) -> Result<()> {
        let path = ObjectPath::parse(key).context(key)?;
        self.client(bucket)?.put(&path, content.into().into()).await.context(format!("putting s3://{bucket}/{key}"))?;
        Ok(())
    }

    /// Starts it (again) on the same port. Does nothing when it runs.
    pub async fn run(&self) -> Result<()> {
        if self.pid().is_some() {
            return Ok(());
        }
        let process = Process::spawn("the S3 server", self.command()?, &self.log(), Signal::SIGKILL)?;
        let health = match self.server {
            S3Server::MinIo => format!("{}/minio/health/ready", self.endpoint()),
            S3Server::Moto => format!("{}/moto-api/", self.endpoint()),
        };
        let client = http();
        // MinIO calls itself ready a moment before it takes requests (503 XMinioServerNotInitialized): a signed question about a
        // bucket that is not there tells.
        let question = self
            .client("no-such-bucket")?
            .signed_url(reqwest::Method::GET, &ObjectPath::default(), Duration::from_secs(600))
            .await?;
        let ready = || async {
            let healthy = client.get(&health).send().await?.status().is_success();
            Ok(healthy && !client.get(question.as_str()).send().await?.status().is_server_error())
        };
        process.wait_ready(READY, ready).await?;
        *self.slot() = Some(process);
        Ok(())
    }

    /// The end without warning (SIGKILL).
    pub fn kill(&self) {
        drop(self.slot().take());
    }

    fn command(&self) -> Result<Command> {
        let mut command;
        match self.server {
            S3Server::MinIo => {
                command = Command::new(minio()?);
                command.args(["server", "--quiet", "--address", &format!("{}:{}", self.address, self.port)]);
                let console = free_port(self.address)?;
                command.args(["--console-address", &format!("{}:{console}", self.address)]);
                command.arg(self.folder.path().join("data"));
                command.env("MINIO_ROOT_USER", ACCESS_KEY).env("MINIO_ROOT_PASSWORD", SECRET_KEY);
                command.env("MINIO_BROWSER", "off").env("MINIO_UPDATE", "off");
            }
            S3Server::Moto => {
                command = Command::new(python_bin()?.join("moto_server"));
                command.args(["-H", &self.address.to_string(), "-p", &self.port.to_string()]);
            }
        }
        // Whatever it would write into the home folder goes away with the rest.
        command.env("HOME", self.folder.path()).current_dir(self.folder.path());
        Ok(command)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("s3.log")
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().expect("static settings")
}
