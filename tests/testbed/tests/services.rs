//! Starts each service for real, does a round trip, and proves that nothing outlives the process that started it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{
    Context, Error, Folder, JavaConnect, Kafka, NewRecord, Postgres, Process, Result, S3, S3Server, Topics, Usage,
    WorkerProperties, read_parquet_objects, shared, unique,
};
use nix::sys::signal::Signal;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn kafka_keeps_records_headers_and_times_over_a_restart() -> Result<()> {
    let kafka = Kafka::builder().prepare()?;
    assert!(kafka.pid().is_none(), "prepared, not started");
    kafka.run().await?;
    let topics = Topics::new(kafka.bootstrap());
    topics.create("kept", 2, &[("cleanup.policy", "compact")]).await?;
    assert_eq!(topics.describe_config("kept").await?["cleanup.policy"], "compact");

    let record = NewRecord::value("v").key("k").header("h", "x").timestamp(1_700_000_000_000).partition(1);
    topics.produce("kept", [record, NewRecord::tombstone("gone").partition(0)]).await?;
    kafka.kill();
    kafka.run().await?;

    let records = topics.read_all("kept").await?;
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].partition, records[0].key_text().as_str(), &records[0].value), (0, "gone", &None));
    assert_eq!((records[1].partition, records[1].value_text().as_str()), (1, "v"));
    assert_eq!(records[1].headers, [("h".to_owned(), Some(b"x".to_vec()))]);
    assert_eq!(records[1].timestamp, Some(1_700_000_000_000));
    assert_eq!(topics.end_offsets("kept").await?, [(0, 1), (1, 1)].into());
    assert_eq!(topics.committed("nobody", "kept").await?, [].into());
    kafka.stop().await
}

#[tokio::test]
async fn postgres_takes_a_role_and_survives_a_crash() -> Result<()> {
    let postgres = Postgres::start().await?;
    postgres.create_role("app", "it's secret").await?;
    postgres.create_database("shop", Some("app")).await?;
    postgres.connect_as("shop", "app", "it's secret").await?;
    assert!(postgres.connect_as("shop", "app", "wrong").await.is_err(), "passwords are checked");

    postgres.execute("shop", "create table t (id int); insert into t values (1), (2); checkpoint").await?;
    postgres.crash().await?;
    postgres.run().await?;
    assert_eq!(postgres.count("shop", "select count(*) from t").await?, 2);
    Ok(())
}

#[tokio::test]
async fn s3_stores_and_lists_and_pyarrow_reads() -> Result<()> {
    let s3 = shared().s3().await?;
    round_trip(s3).await
}

#[tokio::test]
async fn moto_stands_in_for_minio() -> Result<()> {
    let s3 = S3::builder().server(S3Server::Moto).start().await?;
    round_trip(&s3).await
}

async fn round_trip(s3: &S3) -> Result<()> {
    let bucket = unique("bucket");
    s3.create_bucket(&bucket).await?;
    s3.create_bucket(&bucket).await?;
    s3.put(&bucket, "a/b=1/one.parquet", one_row()).await?;
    assert_eq!(s3.keys(&bucket, "a").await?, ["a/b=1/one.parquet"]);
    let files = read_parquet_objects(s3, &bucket, "").await?;
    assert_eq!(files[0].file, "a/b=1/one.parquet");
    assert_eq!(json!(files[0].rows), json!([{"n": 7}]));
    assert_eq!(files[0].schema[0].data_type, "int64");
    Ok(())
}

// A file of one row and one column, as pyarrow writes it.
fn one_row() -> Vec<u8> {
    let script = "import sys, io, pyarrow, pyarrow.parquet as p; b = io.BytesIO(); \
                  p.write_table(pyarrow.table({'n': [7]}), b); sys.stdout.buffer.write(b.getvalue())";
    let python = millstream_testbed::cache_dir().join("python/bin/python");
    let output = Command::new(python).args(["-c", script]).output().expect("pyarrow is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test]
async fn java_connect_runs_a_file_source() -> Result<()> {
    let kafka = shared().kafka().await?;
    let group = unique("connect");
    let connect = JavaConnect::builder(WorkerProperties::distributed(&kafka.bootstrap(), &group)).start().await?;
    assert!(connect.usage()?.rss_bytes > 1 << 20);

    let lines = connect.folder().write("lines.txt", "one\ntwo\n")?;
    let topic = unique("lines");
    let config = json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "file": lines, "topic": topic, "tasks.max": "1",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    connect.rest().create("lines", &config).await?;
    connect.rest().wait_running("lines", 1, LIMIT).await?;
    let records = Topics::new(kafka.bootstrap()).read_at_least(&topic, 2, LIMIT).await?;
    assert_eq!(records.iter().map(|record| record.value_text()).collect::<Vec<_>>(), ["one", "two"]);

    let missing = connect.rest().get("/connectors/nobody").await?;
    assert_eq!(missing.status, 404);
    connect.rest().delete("lines").await?;
    assert!(connect.rest().list().await?.is_empty());
    connect.kill9();
    Ok(())
}

#[tokio::test]
async fn a_worker_gets_files_hosts_and_environment_and_gives_its_exit_code() -> Result<()> {
    let folder = Folder::new("binary")?;
    // Stands for a worker: says what it was given, and ends as its properties tell.
    let script = "#!/bin/sh\nread -r first < \"$2\"\necho \"$1 $first $(getent hosts ms.example) $GREETING\"\nexit 7\n";
    let binary = executable(&folder, script)?;
    let worker = millstream_testbed::Worker::builder(WorkerProperties::empty().set("group.id", "g"))
        .binary(binary)
        .env("GREETING", "hello")
        .host("ms.example", "127.0.0.9".parse()?)
        .prepare()?;
    worker.spawn()?;
    assert_eq!(worker.wait_exit(LIMIT).await?, 7);
    let log = worker.log_text()?;
    assert!(log.starts_with("run group.id=g 127.0.0.9 "), "{log}");
    assert!(log.trim_end().ends_with("hello"), "{log}");

    // One that never comes up says so, with its log.
    let failure = worker.run().await.expect_err("it ends before it answers").to_string();
    assert!(failure.contains("exit code 7") && failure.contains("run group.id=g"), "{failure}");
    Ok(())
}

fn executable(folder: &Folder, script: &str) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.write("program", script)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// The other half of the test below: a process that starts children and waits to be killed.
#[tokio::test]
async fn holds_services_until_killed() -> Result<()> {
    let Some(report) = std::env::var_os(REPORT) else { return Ok(()) };
    let folder = Folder::new("tree")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' TERM; sleep 1000 & echo $!; wait"]);
    let tree = Process::spawn("a tree", shell, &folder.path().join("log"), Signal::SIGTERM)?;
    let grandchild = until("the grandchild", LIMIT, || async {
        Ok(std::fs::read_to_string(tree.log())?.trim().parse::<u32>().ok())
    })
    .await?;
    let (postgres, s3) = tokio::try_join!(Postgres::start(), S3::start())?;
    let pids = [tree.pid(), grandchild, postgres.pid().unwrap_or(0), s3.pid().unwrap_or(0)];
    let root = folder.path().parent().ok_or_else(|| Error::new("the root folder"))?;
    let report = PathBuf::from(report);
    std::fs::write(report.with_extension("new"), json!({"pids": pids, "root": root}).to_string())?;
    std::fs::rename(report.with_extension("new"), report)?;
    std::future::pending().await
}

const REPORT: &str = "MILLSTREAM_TESTBED_REPORT";

#[tokio::test]
async fn nothing_outlives_a_killed_process() -> Result<()> {
    let folder = Folder::new("outlive")?;
    let report = folder.path().join("report.json");
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["--exact", "holds_services_until_killed", "--nocapture"])
        .env(REPORT, &report)
        .stdout(Stdio::null())
        .spawn()?;
    let told = until("the other process's services", LIMIT, || async {
        Ok(Some(serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(&report)?)?))
    })
    .await?;
    let pids: Vec<u32> = serde_json::from_value(told["pids"].clone())?;
    assert!(pids.iter().all(|&pid| pid > 0 && alive(pid)), "{pids:?}");
    let root = PathBuf::from(told["root"].as_str().unwrap_or_default());
    parent.kill()?;
    parent.wait()?;
    until("the children's end", LIMIT, || async { Ok((!pids.iter().any(|&pid| alive(pid))).then_some(())) }).await?;
    until("the folder's end", LIMIT, || async { Ok((!root.exists()).then_some(())) }).await?;
    assert!(Usage::of(pids[0]).is_err());
    Ok(())
}

// A process that ended and that nobody has waited for yet is dead too.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("stat");
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}
