//! Postgres.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgRow, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::cache::postgres_home;
use crate::folder::Folder;
use crate::ports::free_port;
use crate::process::{Process, log_tail};
use crate::sweeper::sweeper;
use crate::{Context, Error, Result};

const READY: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);
const SUPERUSER: &str = "postgres";
const SUPERUSER_PASSWORD: &str = "postgres";
// nobody and nogroup of Debian: Postgres refuses to run as root.
const NOBODY: u32 = 65534;

/// What a server is to be like.
#[derive(Debug, Clone)]
pub struct PostgresBuilder {
    address: IpAddr,
    port: Option<u16>,
    settings: Vec<(String, String)>,
}

impl PostgresBuilder {
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

    /// One more server setting (`fsync` is off by default); it wins over the testbed's own.
    #[must_use]
    pub fn setting(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.settings.push((key.into(), value.to_string()));
        self
    }

    /// Creates the data folder and starts the server, and waits until it answers a query.
    pub async fn start(self) -> Result<Postgres> {
        let folder = Folder::new("postgres")?;
        let user = ServiceUser::current()?;
        let home = user.reachable(&postgres_home()?)?;
        user.give(folder.path())?;
        let port = match self.port {
            Some(port) => port,
            None => free_port(self.address)?,
        };
        let data = folder.path().join("data");
        let log = folder.path().join("postgres.log");
        let password = folder.write("superuser", SUPERUSER_PASSWORD)?;
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644))?;

        let mut initdb = user.command(&home.join("bin/initdb"));
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "-U", SUPERUSER]);
        initdb.arg("--pwfile").arg(&password).arg("-D").arg(&data).current_dir(folder.path());
        let initdb = Process::spawn("initdb", initdb, &log, Signal::SIGKILL)?;
        if !initdb.wait(READY).await?.success() {
            return Err(Error::new("initdb failed").with_log(&log));
        }
        let server = Postgres { builder: self, folder, home, user, port, process: Mutex::new(None) };
        server.run().await?;
        Ok(server)
    }
}

/// A server; data and port outlive `stop` and `crash`, so that `run` brings the same server back.
#[derive(Debug)]
pub struct Postgres {
    builder: PostgresBuilder,
    folder: Folder,
    home: PathBuf,
    user: ServiceUser,
    port: u16,
    process: Mutex<Option<Process>>,
}

impl Postgres {
    /// Settings to start from.
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: None, settings: Vec::new() }
    }

    /// A server with the testbed's settings, running.
    pub async fn start() -> Result<Postgres> {
        Postgres::builder().start().await
    }

    /// The address it listens on.
    pub fn address(&self) -> IpAddr {
        self.builder.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's name.
    pub fn user(&self) -> &'static str {
        SUPERUSER
    }

    /// The superuser's password.
    pub fn password(&self) -> &'static str {
        SUPERUSER_PASSWORD
    }

    /// `jdbc:postgresql://address:port/database`, for `connection.url`.
    pub fn jdbc_url(&self, database: &str) -> String {
        format!("jdbc:postgresql://{}:{}/{database}", self.address(), self.port)
    }

    /// `postgres://user:password@address:port/database` of the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}:{SUPERUSER_PASSWORD}@{}:{}/{database}", self.address(), self.port)
    }

    /// The server's log file.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("postgres.log")
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log())
    }

    /// Its first process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.slot().as_ref().map(Process::pid)
    }

    /// A superuser's connection.
    pub async fn connect(&self, database: &str) -> Result<PgConnection> {
        self.connect_as(database, SUPERUSER, SUPERUSER_PASSWORD).await
    }

    /// A role's connection.
    pub async fn connect_as(&self, database: &str, role: &str, password: &str) -> Result<PgConnection> {
        PgConnectOptions::new_without_pgpass()
            .host(&self.address().to_string())
            .port(self.port)
            .username(role)
            .password(password)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .connect()
            .await
            .context(format!("connecting to Postgres database {database} as {role}"))
    }

    /// Runs any number of statements separated by semicolons, as superuser. Returns the rows they touched.
    pub async fn execute(&self, database: &str, sql: impl Into<String>) -> Result<u64> {
        let sql = sql.into();
        let mut connection = self.connect(database).await?;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await.context(brief(&sql))?;
        connection.close().await?;
        Ok(done.rows_affected())
    }

    /// The rows of a query, as superuser.
    pub async fn rows(&self, database: &str, sql: impl Into<String>) -> Result<Vec<PgRow>> {
        let sql = sql.into();
        let mut connection = self.connect(database).await?;
        let rows = sqlx::query(AssertSqlSafe(sql.clone())).fetch_all(&mut connection).await.context(brief(&sql))?;
        connection.close().await?;
        Ok(rows)
    }

    /// The number that a query of one row and one `bigint` column answers, such as `select count(*) from t`.
    pub async fn count(&self, database: &str, sql: impl Into<String>) -> Result<i64> {
        use sqlx::Row as _;
        let rows = self.rows(database, sql).await?;
        let row = rows.first().ok_or_else(|| Error::new("the query gave no row"))?;
        Ok(row.try_get(0)?)
    }

    /// Creates a role that may log in with this password (scram).
    pub async fn create_role(&self, role: &str, password: &str) -> Result<()> {
        let password = password.replace('\'', "''");
        self.execute(SUPERUSER, format!("create role {} login password '{password}'", quoted(role))).await?;
        Ok(())
    }

    /// Creates a database; it belongs to `owner`, or to the superuser.
    pub async fn create_database(&self, database: &str, owner: Option<&str>) -> Result<()> {
        let owner = quoted(owner.unwrap_or(SUPERUSER));
        self.execute(SUPERUSER, format!("create database {} owner {owner}", quoted(database))).await?;
        Ok(())
    }

    /// Starts it (again) on the same port and data and waits until it answers. Does nothing when it runs.
    pub async fn run(&self) -> Result<()> {
        if self.pid().is_some() {
            return Ok(());
        }
        let mut command = self.user.command(&self.home.join("bin/postgres"));
        command.arg("-D").arg(self.folder.path().join("data")).arg("-p").arg(self.port.to_string());
        let defaults = [
            ("listen_addresses", self.address().to_string()),
            ("unix_socket_directories", String::new()),
            ("fsync", "off".to_owned()),
            // A commit still reaches the kernel before it is answered, so that `crash` loses nothing.
            ("full_page_writes", "off".to_owned()),
            ("shared_buffers", "64MB".to_owned()),
            ("max_connections", "100".to_owned()),
            ("wal_level", "logical".to_owned()),
            ("timezone", "UTC".to_owned()),
            // Nothing outside the data folder is left behind by a crash.
            ("dynamic_shared_memory_type", "mmap".to_owned()),
        ];
        let given = self.builder.settings.iter().map(|(key, value)| (key.as_str(), value.clone()));
        for (key, value) in defaults.into_iter().chain(given) {
            command.arg("-c").arg(format!("{key}={value}"));
        }
        command.current_dir(self.folder.path());
        let process = Process::spawn("Postgres", command, &self.log(), Signal::SIGQUIT)?;
        process
            .wait_ready(READY, || async {
                self.connect(SUPERUSER).await?.close().await?;
                Ok(true)
            })
            .await?;
        *self.slot() = Some(process);
        Ok(())
    }

    /// A fast shutdown: open transactions are rolled back, clients are disconnected.
    pub async fn stop(&self) -> Result<()> {
        self.end(Signal::SIGINT).await
    }

    /// An immediate shutdown: like a crash, with recovery at the next `run`, but without stray processes.
    pub async fn crash(&self) -> Result<()> {
        self.end(Signal::SIGQUIT).await
    }

    async fn end(&self, signal: Signal) -> Result<()> {
        let process = self.slot().take();
        if let Some(process) = process {
            process.stop(signal, STOP).await?;
        }
        Ok(())
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its children are in groups of their own: let the server end them, which takes it milliseconds.
        if let Some(process) = self.slot().take()
            && process.signal(Signal::SIGQUIT).is_ok()
        {
            process.wait_briefly(Duration::from_secs(5));
        }
    }
}

/// The user a server runs as: ourselves, or nobody when we are root.
#[derive(Debug, Clone, Copy)]
struct ServiceUser {
    root: bool,
}

impl ServiceUser {
    fn current() -> Result<ServiceUser> {
        // The owner of our own folder in /proc is our effective user.
        Ok(ServiceUser { root: std::fs::metadata("/proc/self")?.uid() == 0 })
    }

    fn command(self, program: &Path) -> Command {
        if !self.root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]);
        command.arg("--").arg(program);
        command
    }

    fn give(self, folder: &Path) -> Result<()> {
        if self.root {
            chown(folder, Some(NOBODY), Some(NOBODY)).context(folder.display())?;
        }
        Ok(())
    }

    /// `home`, or a copy in the temporary folder when the service's user may not enter it (root's home is closed).
    fn reachable(self, home: &Path) -> Result<PathBuf> {
        let open = |path: &Path| std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o001 != 0);
        if !self.root || home.ancestors().all(open) {
            return Ok(home.to_owned());
        }
        static COPIED: Mutex<Option<PathBuf>> = Mutex::new(None);
        let mut copied = COPIED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(copy) = copied.as_ref() {
            return Ok(copy.clone());
        }
        let copy = sweeper()?.root().join("postgres-home");
        let status = Command::new("cp").arg("-r").arg(home).arg(&copy).status().context("cp")?;
        if !status.success() {
            return Err(Error::new(format!("cp -r {} {}: {status}", home.display(), copy.display())));
        }
        *copied = Some(copy.clone());
        Ok(copy)
    }
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn brief(sql: &str) -> String {
    let start: String = sql.chars().take(120).collect();
    format!("sql `{start}`")
}
