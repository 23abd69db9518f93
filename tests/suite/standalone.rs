//! Standalone mode: connectors from files, offsets in a file.

use millstream_testbed::poll::until;
use millstream_testbed::{Folder, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::scenario::{FILE_SINK, FILE_SOURCE, LIMIT, STRING, append, wait_committed, wait_lines, wait_values};

#[tokio::test]
async fn connector_files_of_every_shape_start_and_offsets_outlive_the_worker() -> Result<()> {
    let kafka = shared().kafka().await?;
    let folder = Folder::new("standalone")?;
    let topics = Topics::new(kafka.bootstrap());
    let topic = unique("lines");
    let (flat, wrapped, sink) = (unique("flat"), unique("wrapped"), unique("sink"));
    let input = |name: &str| folder.path().join(format!("{name}.txt"));
    let source = |file: &str| {
        json!({
            "connector.class": FILE_SOURCE, "tasks.max": 1, "file": input(file), "topic": format!("{topic}-{file}"),
            "value.converter": STRING,
        })
    };
    let mut flat_config = source("flat");
    flat_config["name"] = json!(flat);
    let files = [
        folder.write("flat.json", flat_config.to_string())?,
        folder.write("wrapped.json", json!({"name": wrapped, "config": source("wrapped")}).to_string())?,
        folder.write(
            "sink.properties",
            format!(
                "# a sink\nname={sink}\nconnector.class: {FILE_SINK}\ntasks.max 1\ntopics={topic}-flat,\\\n  \
                 {topic}-wrapped\nfile={}\nvalue.converter={STRING}\n",
                input("out").display()
            ),
        )?,
    ];
    for file in ["flat", "wrapped"] {
        topics.create(&format!("{topic}-{file}"), 1, &[]).await?;
    }
    let properties = WorkerProperties::standalone(&kafka.bootstrap(), &folder.path().join("offsets"))
        // Only the end of the worker writes offsets.
        .set("offset.flush.interval.ms", 600_000);
    let worker =
        files.iter().fold(Worker::builder(properties), |worker, file| worker.connector_file(file)).prepare()?;

    let mut lines: [Vec<&str>; 2] = [vec![], vec![]];
    for (flat_line, wrapped_line) in [("one", "uno"), ("two", "dos")] {
        append(&input("flat"), &[flat_line])?;
        append(&input("wrapped"), &[wrapped_line])?;
        lines[0].push(flat_line);
        lines[1].push(wrapped_line);
        worker.run().await?;
        // REST answers before the files are read.
        until("three connectors", LIMIT, || async { Ok((worker.rest().list().await?.len() == 3).then_some(())) })
            .await?;
        for name in [&flat, &wrapped, &sink] {
            worker.rest().wait_running(name, 1, LIMIT).await?;
        }
        wait_values(&topics, &format!("{topic}-flat"), &lines[0], &worker).await?;
        wait_values(&topics, &format!("{topic}-wrapped"), &lines[1], &worker).await?;
        let count = lines.concat().len();
        until(format!("{count} lines in the sink's file"), LIMIT, || async {
            let written = std::fs::read_to_string(input("out"))?;
            Ok((written.lines().count() >= count).then_some(()))
        })
        .await?;
        assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
    }

    // Every line once, after a restart too.
    let mut written: Vec<String> = std::fs::read_to_string(input("out"))?.lines().map(str::to_owned).collect();
    written.sort();
    assert_eq!(written, ["dos", "one", "two", "uno"]);
    Ok(())
}

#[tokio::test]
async fn connectors_over_rest_work_without_a_cluster() -> Result<()> {
    let kafka = shared().kafka().await?;
    let folder = Folder::new("standalone-rest")?;
    let topics = Topics::new(kafka.bootstrap());
    let (source, sink, topic) = (unique("source"), unique("sink"), unique("lines"));
    topics.create(&topic, 1, &[]).await?;
    let (input, output) = (folder.path().join("in.txt"), folder.path().join("out.txt"));
    append(&input, &["one"])?;
    let properties = WorkerProperties::standalone(&kafka.bootstrap(), &folder.path().join("offsets"));
    let worker = Worker::start(properties).await?;
    let config = json!({"connector.class": FILE_SOURCE, "file": input, "topic": topic, "value.converter": STRING});
    worker.rest().create(&source, &config).await?;
    let config = json!({"connector.class": FILE_SINK, "file": output, "topics": topic, "value.converter": STRING});
    worker.rest().create(&sink, &config).await?;
    worker.rest().wait_running(&source, 1, LIMIT).await?;
    worker.rest().wait_running(&sink, 1, LIMIT).await?;
    wait_lines(&output, &["one"], &worker).await?;

    worker.rest().stop(&source).await?;
    let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
    worker.rest().wait_status(&source, LIMIT, stopped).await?;
    append(&input, &["two"])?;
    worker.rest().resume(&source).await?;
    worker.rest().wait_running(&source, 1, LIMIT).await?;
    wait_lines(&output, &["one", "two"], &worker).await?;
    wait_committed(&topics, &format!("connect-{sink}"), &topic, 2, &worker).await?;
    worker.rest().delete(&source).await?;
    assert_eq!(worker.rest().list().await?, [sink.as_str()]);
    assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
    // Nothing but offsets outlives the process.
    worker.run().await?;
    assert!(worker.rest().list().await?.is_empty());
    assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
    Ok(())
}
