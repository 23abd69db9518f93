//! Ends and beginnings: graceful stop, a second signal, and a name used again.

use millstream_testbed::rest::path_of;
use millstream_testbed::{Folder, Kafka, NewRecord, Result, Topics, Worker, WorkerProperties, shared, unique};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::journal::Journal;
use crate::scenario::{FILE_SINK, FILE_SOURCE, Kind, LIMIT, STRING, append, wait_committed, wait_lines, wait_values};

/// So long that nothing but the end of a worker commits.
const NEVER: u32 = 600_000;

#[tokio::test]
async fn a_stopped_java_worker_has_committed_everything() -> Result<()> {
    graceful_stop(Kind::Java, Signal::SIGTERM).await
}

#[tokio::test]
async fn a_stopped_worker_has_committed_everything() -> Result<()> {
    graceful_stop(Kind::Millstream, Signal::SIGTERM).await
}

#[tokio::test]
async fn an_interrupted_worker_has_committed_everything() -> Result<()> {
    graceful_stop(Kind::Millstream, Signal::SIGINT).await
}

/// The end of the worker is the only chance to commit; after it, no line may come a second time.
async fn graceful_stop(kind: Kind, signal: Signal) -> Result<()> {
    let kafka = shared().kafka().await?;
    let group = unique("stop");
    let (source, sink, topic) = (unique("source"), unique("sink"), unique("lines"));
    let topics = Topics::new(kafka.bootstrap());
    topics.create(&topic, 1, &[]).await?;
    let folder = Folder::new("stop")?;
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    append(&input, &["one", "two"])?;
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group).set("offset.flush.interval.ms", NEVER);
    let worker = kind.start(properties).await?;
    let config = json!({"connector.class": FILE_SOURCE, "file": input, "topic": topic, "value.converter": STRING});
    worker.rest().create(&source, &config).await?;
    let config = json!({"connector.class": FILE_SINK, "file": output, "topics": topic, "value.converter": STRING});
    worker.rest().create(&sink, &config).await?;
    wait_lines(&output, &["one", "two"], &worker).await?;
    assert!(topics.committed(&format!("connect-{sink}"), &topic).await?.is_empty(), "nothing is committed yet");

    worker.signal(signal)?;
    let code = worker.wait_exit(LIMIT).await?;
    assert_eq!(code, kind.stopped(), "exit code\n{}", worker.log_tail());
    let journal = Journal::new(&kafka.bootstrap(), &group);
    journal.wait_offset(&source, LIMIT, &worker, |offset| offset["position"] == 8).await?;
    wait_committed(&topics, &format!("connect-{sink}"), &topic, 2, &worker).await?;
    for instance in [format!("{source}-0"), source.clone(), format!("{sink}-0"), sink.clone()] {
        let states = journal.states(&instance).await?;
        assert_eq!(states.last().map(String::as_str), Some("UNASSIGNED"), "{instance}: {states:?}");
    }

    append(&input, &["three"])?;
    worker.run().await?;
    wait_values(&topics, &topic, &["one", "two", "three"], &worker).await?;
    wait_lines(&output, &["one", "two", "three"], &worker).await?;
    assert_eq!(worker.terminate().await?, kind.stopped(), "{}", worker.log_tail());
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_the_worker_at_once() -> Result<()> {
    // A broker of its own, for it will hang: then neither flush nor commit can end.
    let kafka = Kafka::start().await?;
    let folder = Folder::new("second-signal")?;
    let input = folder.path().join("in.txt");
    append(&input, &["one"])?;
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique("signal"))
        .set("offset.flush.interval.ms", NEVER)
        .set("offset.flush.timeout.ms", NEVER)
        .set("task.shutdown.graceful.timeout.ms", NEVER);
    let worker = Worker::start(properties).await?;
    let config = json!({"connector.class": FILE_SOURCE, "file": input, "topic": "lines", "value.converter": STRING});
    worker.rest().create("source", &config).await?;
    Topics::new(kafka.bootstrap()).read_at_least("lines", 1, LIMIT).await?;
    kafka.pause()?;
    worker.signal(Signal::SIGTERM)?;
    worker.wait_log("a second signal ends at once", LIMIT).await?;
    worker.signal(Signal::SIGTERM)?;
    let code = worker.wait_exit(LIMIT).await?;
    kafka.resume()?;
    assert_eq!(code, 143, "as a shell says it of a process that SIGTERM ended\n{}", worker.log_tail());
    Ok(())
}

#[tokio::test]
async fn a_name_used_again_inherits_nothing_in_java() -> Result<()> {
    name_used_again(Kind::Java).await
}

#[tokio::test]
async fn a_name_used_again_inherits_nothing() -> Result<()> {
    name_used_again(Kind::Millstream).await
}

/// Task configs of a deleted connector stay in the config topic; a new one of that name must not run them.
async fn name_used_again(kind: Kind) -> Result<()> {
    let kafka = shared().kafka().await?;
    let (name, topic) = (unique("again"), unique("again"));
    let topics = Topics::new(kafka.bootstrap());
    topics.create(&topic, 1, &[]).await?;
    let folder = Folder::new("again")?;
    let worker = kind.start(WorkerProperties::distributed(&kafka.bootstrap(), &unique("again"))).await?;
    let config = |tasks: u32, file: &str| {
        json!({
            "connector.class": FILE_SINK, "tasks.max": tasks.to_string(), "topics": topic,
            "file": folder.path().join(file), "value.converter": STRING,
        })
    };
    let tasks = |status: &Value| status["tasks"].as_array().map_or(0, Vec::len);
    worker.rest().create(&name, &config(3, "old.txt")).await?;
    worker.rest().wait_running(&name, 3, LIMIT).await?;
    worker.rest().pause(&name).await?;
    worker.rest().wait_state(&name, "PAUSED", LIMIT).await?;
    worker.rest().delete(&name).await?;

    worker.rest().create(&name, &config(1, "new.txt")).await?;
    let status = worker.rest().wait_running(&name, 1, LIMIT).await?;
    assert_eq!(tasks(&status), 1, "neither tasks nor the paused state came back: {status}");
    topics.produce(&topic, [NewRecord::value("line")]).await?;
    wait_lines(&folder.path().join("new.txt"), &["line"], &worker).await?;

    // A worker that reads the whole history comes to the same end.
    assert_eq!(worker.terminate().await?, kind.stopped(), "{}", worker.log_tail());
    worker.run().await?;
    let status = worker.rest().wait_running(&name, 1, LIMIT).await?;
    assert_eq!(tasks(&status), 1, "{status}");
    let listed = worker.rest().get(&format!("{}/tasks", path_of(&name))).await?.json()?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed[0]["config"]["file"], json!(folder.path().join("new.txt")));
    assert!(std::fs::read_to_string(folder.path().join("old.txt")).unwrap_or_default().is_empty());
    assert_eq!(worker.terminate().await?, kind.stopped(), "{}", worker.log_tail());
    Ok(())
}
