//! Config providers: values that configurations refer to are used, and stay out of what is stored, shown and logged.

use millstream_testbed::{Folder, Result, Topics, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::scenario::{FILE_SOURCE, Kind, LIMIT, STRING, append};

const PACKAGE: &str = "org.apache.kafka.common.config.provider";

#[tokio::test]
async fn values_are_looked_up_at_use() -> Result<()> {
    scenario(Kind::Millstream).await
}

#[tokio::test]
async fn values_are_looked_up_at_use_by_java_too() -> Result<()> {
    scenario(Kind::Java).await
}

async fn scenario(kind: Kind) -> Result<()> {
    let kafka = shared().kafka().await?;
    let folder = Folder::new("providers")?;
    let topics = Topics::new(kafka.bootstrap());
    let (topic, name) = (unique("hush-topic"), unique("provided"));
    topics.create(&topic, 1, &[]).await?;
    let secrets = folder.write("secrets.properties", format!("topic={topic}\npassword=hush-pass\n"))?;
    std::fs::create_dir(folder.path().join("mounted"))?;
    folder.write("mounted/converter", STRING)?;
    let group = unique("providers");
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group)
        .set("config.providers", "file,dir")
        .set("config.providers.file.class", format!("{PACKAGE}.FileConfigProvider"))
        .set("config.providers.dir.class", format!("{PACKAGE}.DirectoryConfigProvider"))
        .set("config.providers.dir.param.allowed.paths", folder.path().join("mounted").display())
        // The worker's own settings are looked up too.
        .set("value.converter", format!("${{dir:{}:converter}}", folder.path().join("mounted").display()));
    let worker = kind.start(properties).await?;
    let input = folder.path().join("in.txt");
    append(&input, &["one"])?;
    let reference = |key: &str| format!("${{file:{}:{key}}}", secrets.display());
    let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let raw = json!({
        "connector.class": FILE_SOURCE, "file": input, "topic": reference("topic"), "name": name, "unknown": "${nope:a}",
        "producer.override.sasl.jaas.config": format!("{jaas} username=\"u\" password=\"{}\";", reference("password")),
    });
    let rest = worker.rest();
    rest.create(&name, &raw).await?;
    rest.wait_running(&name, 1, LIMIT).await?;
    let records = topics.read_at_least(&topic, 1, LIMIT).await?;
    assert_eq!(records[0].value_text(), "one", "the converter of the folder is StringConverter");

    let shown = rest.send("GET", &format!("/connectors/{name}/config"), None).await?.body;
    assert_eq!(serde_json::from_str::<Value>(&shown)?, raw);
    let tasks: Value = serde_json::from_str(&rest.send("GET", &format!("/connectors/{name}/tasks"), None).await?.body)?;
    assert_eq!(tasks[0]["config"]["topic"], raw["topic"], "tasks are stored with the reference");
    let stored = topics.read_all(&format!("{group}-configs")).await?;
    let stored: String = stored.iter().map(|record| record.value_text()).collect();
    assert!(!stored.contains("hush-"), "{stored}");

    // What cannot be looked at is a failure of the worker, not of the configuration, as in Kafka Connect.
    let mut unreadable = raw.clone();
    unreadable["topic"] = json!(format!("${{file:{}:topic}}", folder.path().join("none").display()));
    let other = unique("unreadable");
    unreadable["name"] = json!(other);
    let answer = rest.send("PUT", &format!("/connectors/{other}/config"), Some(&unreadable)).await?;
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(answer.body.contains("Could not read properties from file"), "{}", answer.body);
    // A key that is not there leaves the reference as it is.
    let mut missing = raw.clone();
    missing["topic"] = json!(reference("no-such-key"));
    let answer = rest.send("PUT", &format!("/connector-plugins/{FILE_SOURCE}/config/validate"), Some(&missing)).await?;
    let verdict: Value = serde_json::from_str(&answer.body)?;
    assert_eq!((answer.status, &verdict["error_count"]), (200, &json!(0)), "{}", answer.body);

    if kind == Kind::Millstream {
        // Java shows what it looked up.
        let mut wrong = raw.clone();
        wrong["batch.size"] = json!(reference("password"));
        let answer =
            rest.send("PUT", &format!("/connector-plugins/{FILE_SOURCE}/config/validate"), Some(&wrong)).await?;
        assert!(answer.status == 200 && !answer.body.contains("hush-"), "{}", answer.body);
        assert!(!rest.status(&name).await?.to_string().contains("hush-"));
        assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
        assert!(!worker.log_text()?.contains("hush-pass"), "{}", worker.log_tail());
    }
    Ok(())
}
