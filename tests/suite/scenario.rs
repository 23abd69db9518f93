//! What scenarios have in common: the kind of worker they run on, limits, files, and a way to choose at random that
//! can be repeated.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{Context, Error, JavaConnect, Result, Topics, Worker, WorkerProperties, millstream_binary};

/// The longest any single wait takes; far more than it needs on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

pub const FILE_SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
pub const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
pub const JDBC_SOURCE: &str = "io.confluent.connect.jdbc.JdbcSourceConnector";
pub const S3_SINK: &str = "io.confluent.connect.s3.S3SinkConnector";
pub const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
pub const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// Whose worker a scenario runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Apache Kafka Connect.
    Java,
    /// Ours.
    Millstream,
}

impl Kind {
    /// A worker of this kind with these settings, still to be started.
    pub fn prepare(self, properties: WorkerProperties) -> Result<Worker> {
        match self {
            Kind::Java => JavaConnect::builder(properties).prepare(),
            Kind::Millstream => Worker::builder(properties).prepare(),
        }
    }

    /// A worker of this kind with these settings, running and answering.
    pub async fn start(self, properties: WorkerProperties) -> Result<Worker> {
        let worker = self.prepare(properties)?;
        worker.run().await?;
        Ok(worker)
    }

    /// The exit code after SIGTERM. A JVM that stops in good order still says that the signal ended it.
    pub fn stopped(self) -> i32 {
        match self {
            Kind::Java => 143,
            Kind::Millstream => 0,
        }
    }
}

/// Adds lines to a file in one write, so that no reader sees half of them.
pub fn append(path: &Path, lines: &[&str]) -> Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).context(path.display())?;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(file.write_all(text.as_bytes())?)
}

/// Waits until a file holds exactly these lines, in this order. More lines than wanted end the wait at once.
pub async fn wait_lines(path: &Path, wanted: &[&str], worker: &Worker) -> Result<()> {
    let found = until(format!("{} lines in {}", wanted.len(), path.display()), LIMIT, || async {
        let text = std::fs::read_to_string(path).context(path.display())?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let enough = lines.len() >= wanted.len();
        if enough { Ok(Some(lines)) } else { Err(Error::new(format!("{lines:?}"))) }
    });
    let lines = found.await.map_err(|error| error.with_log(&worker.log()))?;
    assert_eq!(lines, wanted, "lines of {}\n{}", path.display(), worker.log_tail());
    Ok(())
}

/// Waits until a topic holds at least as many records as `wanted` has, and compares their values.
pub async fn wait_values(topics: &Topics, topic: &str, wanted: &[&str], worker: &Worker) -> Result<()> {
    let records = topics.read_at_least(topic, wanted.len(), LIMIT).await;
    let records = records.map_err(|error| error.with_log(&worker.log()))?;
    let values: Vec<String> = records.iter().map(|record| record.value_text()).collect();
    assert_eq!(values, wanted, "values in {topic}\n{}", worker.log_tail());
    Ok(())
}

/// Waits until a consumer group has committed `offset` for partition 0 of a topic, and not more.
pub async fn wait_committed(topics: &Topics, group: &str, topic: &str, offset: i64, worker: &Worker) -> Result<()> {
    let found = until(format!("offset {offset} of {topic} committed by {group}"), LIMIT, || async {
        let committed = topics.committed(group, topic).await?.get(&0).copied();
        let reached = committed.filter(|committed| *committed >= offset);
        if reached.is_some() { Ok(reached) } else { Err(Error::new(format!("{committed:?}"))) }
    });
    let committed = found.await.map_err(|error| error.with_log(&worker.log()))?;
    assert_eq!(committed, offset, "committed by {group} for {topic}\n{}", worker.log_tail());
    Ok(())
}

/// What one `millstream` command printed, and its exit code.
pub struct Printed {
    pub code: Option<i32>,
    /// Standard output, then standard error.
    pub text: String,
}

/// Runs a `millstream` command that ends by itself.
pub async fn millstream(arguments: &[&str]) -> Result<Printed> {
    let shown = format!("millstream {}", arguments.join(" "));
    let running = tokio::process::Command::new(millstream_binary()?).args(arguments).kill_on_drop(true).output();
    let ended = tokio::time::timeout(LIMIT, running).await;
    let output = ended.map_err(|_| Error::new(format!("{shown}: has not ended within {LIMIT:?}")))?.context(&shown)?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(Printed { code: output.status.code(), text })
}

/// Random numbers that a seed repeats (xorshift64*).
pub struct Random(u64);

impl Random {
    /// Takes the seed from `MILLSTREAM_TEST_SEED`, else from the clock; prints it, so that a failure shows it.
    pub fn seeded(test: &str) -> Random {
        let given = std::env::var("MILLSTREAM_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            u64::from(now.subsec_nanos()) << 20 | now.as_secs() & 0xf_ffff
        });
        println!("{test}: MILLSTREAM_TEST_SEED={seed}");
        Random(seed.max(1))
    }

    /// Numbers from this seed.
    pub fn with(seed: u64) -> Random {
        Random(seed.max(1))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % bound
    }

    /// Any of these, of which there must be at least one.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap_or_default()]
    }
}
