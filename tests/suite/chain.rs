//! Chains of a source and a sink while the worker is killed again and again: nothing is lost, dropped records stay dropped, and all
//! offsets end where they must.

use std::collections::BTreeSet;
use std::time::Duration;

use millstream_testbed::{Folder, Kafka, NewRecord, Result, Topics, Worker, WorkerProperties, unique};
use serde_json::json;

use crate::journal::Journal;
use crate::scenario::{FILE_SINK, FILE_SOURCE, LIMIT, Random, STRING, append, wait_committed};

const LIVES: usize = 6;
/// Time between two lines that are written.
const PACE: Duration = Duration::from_millis(20);

#[tokio::test]
async fn chains_lose_nothing_when_the_worker_is_killed() -> Result<()> {
    let mut random = Random::seeded("chain");
    // A broker of its own: one that forgets a killed consumer soon, so that the sink works in short lives too.
    let kafka = Kafka::builder().setting("group.min.session.timeout.ms", 500).start().await?;
    let (group, source, sink) = (unique("chain"), unique("source"), unique("sink"));
    let topics = Topics::new(kafka.bootstrap());
    topics.create("kept", 1, &[]).await?;
    let folder = Folder::new("chain")?;
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    append(&input, &["line-0"])?;
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group)
        .set("offset.flush.interval.ms", 200)
        .set("value.converter", STRING);
    let worker = Worker::builder(properties).start().await?;
    let transforms = "org.apache.kafka.connect.transforms";
    let config = json!({
        "connector.class": FILE_SOURCE, "file": input, "topic": "lines",
        "transforms": "route,mark",
        "transforms.route.type": format!("{transforms}.RegexRouter"),
        "transforms.route.regex": "lines", "transforms.route.replacement": "kept",
        "transforms.mark.type": format!("{transforms}.InsertHeader"),
        "transforms.mark.header": "from", "transforms.mark.value.literal": "file",
    });
    worker.rest().create(&source, &config).await?;
    let config = json!({
        "connector.class": FILE_SINK, "file": output, "topics": "kept",
        "transforms": "only,route",
        "transforms.only.type": format!("{transforms}.Filter"),
        "transforms.only.predicate": "marked", "transforms.only.negate": "true",
        "predicates": "marked",
        "predicates.marked.type": format!("{transforms}.predicates.HasHeaderKey"), "predicates.marked.name": "from",
        "transforms.route.type": format!("{transforms}.RegexRouter"),
        "transforms.route.regex": ".*", "transforms.route.replacement": "elsewhere",
        "consumer.override.session.timeout.ms": "1500", "consumer.override.heartbeat.interval.ms": "300",
    });
    worker.rest().create(&sink, &config).await?;
    worker.rest().wait_running(&sink, 1, LIMIT).await?;

    let line = |n: usize| format!("line-{n}");
    let mut lines = 1;
    for life in 0..LIVES {
        if life % 2 == 0 {
            worker.wait_ready(LIMIT).await?;
        }
        topics.produce("kept", [NewRecord::value(format!("dropped-{life}"))]).await?;
        // There is always something on its way when the worker is killed.
        for _ in 0..20 + random.below(80) {
            append(&input, &[&line(lines), &line(lines + 1)])?;
            lines += 2;
            tokio::time::sleep(PACE).await;
        }
        worker.kill9();
        worker.spawn()?;
    }
    worker.wait_ready(LIMIT).await?;
    let length = std::fs::metadata(&input)?.len();
    let journal = Journal::new(&kafka.bootstrap(), &group);
    journal.wait_offset(&source, LIMIT, &worker, |offset| offset["position"] == length).await?;
    // The last record of the topic is one that is dropped.
    topics.produce("kept", [NewRecord::value("dropped-last")]).await?;
    let end = topics.end_offsets("kept").await?[&0];
    wait_committed(&topics, &format!("connect-{sink}"), "kept", end, &worker).await?;

    let all: Vec<String> = (0..lines).map(line).collect();
    let records = topics.read_all("kept").await?;
    let (dropped, sent): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.headers.is_empty());
    assert_eq!(dropped.len(), LIVES + 1);
    assert!(sent.iter().all(|record| record.headers == [("from".to_owned(), Some(b"file".to_vec()))]));
    assert_eq!(firsts(sent.iter().map(|record| record.value_text())), all);
    assert_eq!(topics.partitions("lines").await?, None);
    let written = std::fs::read_to_string(&output)?;
    assert_eq!(firsts(written.lines().map(str::to_owned)), all);
    assert_eq!(worker.terminate().await?, 0, "exit code\n{}", worker.log_tail());
    Ok(())
}

/// What comes, without what came before.
fn firsts(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    all.filter(|one| seen.insert(one.clone())).collect()
}
