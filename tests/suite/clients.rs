//! Clients of Kafka Connect's REST API that others wrote: every command of theirs says the same of both workers.

use std::path::PathBuf;

use millstream_testbed::{Context, Error, Folder, Result, Worker, WorkerProperties, python_bin, shared, unique};
use serde_json::{Value, json};

use crate::mask::{Mask, differences};
use crate::scenario::{FILE_SINK, FILE_SOURCE, Kind, LIMIT, STRING, append, wait_lines};

#[tokio::test]
async fn clients_of_others_see_no_difference() -> Result<()> {
    let (java, ours) = (run(Kind::Java).await?, run(Kind::Millstream).await?);
    let found = differences(("Java", "Millstream"), &java, &ours);
    assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

/// What all clients printed, on a worker of this kind.
async fn run(kind: Kind) -> Result<Vec<String>> {
    let mut stage = Stage::set(kind).await?;
    stage.kc().await?;
    stage.kafkaconnect().await?;
    stage.healthcheck().await?;
    assert_eq!(stage.worker.terminate().await?, kind.stopped(), "{}", stage.worker.log_tail());
    Ok(stage.lines)
}

struct Stage {
    worker: Worker,
    folder: Folder,
    source: String,
    sink: String,
    topic: String,
    mask: Mask,
    lines: Vec<String>,
}

impl Stage {
    async fn set(kind: Kind) -> Result<Stage> {
        let kafka = shared().kafka().await?;
        let worker = kind.start(WorkerProperties::distributed(&kafka.bootstrap(), &unique("clients"))).await?;
        let folder = Folder::new("clients")?;
        append(&folder.path().join("in.txt"), &["one", "two"])?;
        let (source, sink, topic) = (unique("source"), unique("sink"), unique("lines"));
        let mut mask = Mask::default();
        for (name, placeholder) in [(&source, "<source>"), (&sink, "<sink>"), (&topic, "<topic>")] {
            mask.add(name, placeholder);
        }
        mask.add(folder.path().display().to_string(), "<folder>");
        mask.add(worker.rest().base(), "<worker>");
        Ok(Stage { worker, folder, source, sink, topic, mask, lines: Vec::new() })
    }

    fn source_config(&self) -> Value {
        json!({
            "connector.class": FILE_SOURCE, "tasks.max": "1", "file": self.folder.path().join("in.txt"),
            "topic": self.topic, "value.converter": STRING,
        })
    }

    fn sink_config(&self, tasks: u32) -> Value {
        json!({
            "connector.class": FILE_SINK, "tasks.max": tasks.to_string(), "topics": self.topic,
            "file": self.output(), "value.converter": STRING,
        })
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out.txt")
    }

    /// `kc` of kafka-connect-py: all 17 commands, with a file and with inline data.
    async fn kc(&mut self) -> Result<()> {
        let (source, sink) = (self.source.clone(), self.sink.clone());
        let create = json!({"name": source, "config": self.source_config()});
        let file = self.folder.write("source.json", create.to_string())?.display().to_string();
        let create_sink = json!({"name": sink, "config": self.sink_config(2)}).to_string();
        let update = self.sink_config(1).to_string();
        let mut validate = self.source_config();
        validate["name"] = json!(source);
        validate["tasks.max"] = json!("many");
        let validate = validate.to_string();

        self.tool("kc", &["info"]).await?;
        self.tool("kc", &["list-plugins"]).await?;
        // Sends the configuration as a JSON string: a client's mistake on Java and here, told by 500 and by 400.
        self.silent("kc", &["validate-config", "FileStreamSourceConnector", "-d", &validate]).await?;
        self.tool("kc", &["create", "-f", &file]).await?;
        self.tool("kc", &["create", "-f", &file]).await?;
        self.tool("kc", &["create", "-d", &create_sink]).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        self.worker.rest().wait_running(&sink, 2, LIMIT).await?;
        wait_lines(&self.output(), &["one", "two"], &self.worker).await?;
        for command in ["get", "config", "status", "list-tasks", "list-topics"] {
            self.tool("kc", &[command, &source]).await?;
            self.tool("kc", &[command, &sink]).await?;
            self.tool("kc", &[command, "nobody"]).await?;
        }
        self.tool("kc", &["task-status", &sink, "1"]).await?;
        self.tool("kc", &["task-status", &sink, "7"]).await?;
        self.tool("kc", &["update", &sink, "-d", &update]).await?;
        self.worker.rest().wait_status(&sink, LIMIT, |status| is(status, "RUNNING", 1)).await?;
        for arguments in [&["list"][..], &["list", "-e", "status"], &["list", "-e", "info"], &["list", "-s", "running"]]
        {
            self.tool("kc", arguments).await?;
        }
        self.tool("kc", &["list", "-p", "^source"]).await?;
        self.tool("kc", &["pause", &sink]).await?;
        self.worker.rest().wait_status(&sink, LIMIT, |status| is(status, "PAUSED", 1)).await?;
        self.tool("kc", &["list", "-s", "paused"]).await?;
        self.tool("kc", &["resume", "--all"]).await?;
        self.worker.rest().wait_running(&sink, 1, LIMIT).await?;
        self.tool("kc", &["pause", "--all", "-p", "^source"]).await?;
        self.worker.rest().wait_status(&source, LIMIT, |status| is(status, "PAUSED", 1)).await?;
        self.tool("kc", &["resume", &source]).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        // What restarts print is a status of some moment of them: only the exit is compared.
        self.silent("kc", &["restart", &source, "-i"]).await?;
        self.silent("kc", &["restart", "--all", "-o", "-i"]).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        self.tool("kc", &["restart-task", &sink, "0"]).await?;
        self.tool("kc", &["restart-task", &sink, "5"]).await?;
        self.worker.rest().wait_running(&sink, 1, LIMIT).await?;
        self.tool("kc", &["reset-topics", &sink]).await?;
        self.tool("kc", &["delete", &source]).await?;
        self.tool("kc", &["delete", &source]).await?;
        self.tool("kc", &["delete", "--all"]).await?;
        self.tool("kc", &["list"]).await
    }

    /// `kafkaconnect`: every command but `create`, which knows only connectors that are not there.
    async fn kafkaconnect(&mut self) -> Result<()> {
        let source = self.source.clone();
        let file = self.folder.write("upload.json", self.source_config().to_string())?.display().to_string();
        self.tool("kafkaconnect", &["plugins"]).await?;
        self.tool("kafkaconnect", &["upload", &file, "--name", &source, "--dry-run"]).await?;
        self.tool("kafkaconnect", &["upload", &file, "--name", &source]).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        for command in ["list", "info", "status", "config", "tasks", "topics"] {
            let name = if command == "list" { None } else { Some(source.as_str()) };
            self.tool("kafkaconnect", &[Some(command), name].into_iter().flatten().collect::<Vec<_>>()).await?;
        }
        self.tool("kafkaconnect", &["status", "nobody"]).await?;
        self.tool("kafkaconnect", &["pause", &source]).await?;
        self.worker.rest().wait_status(&source, LIMIT, |status| is(status, "PAUSED", 1)).await?;
        self.tool("kafkaconnect", &["resume", &source]).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        self.tool("kafkaconnect", &["restart", &source]).await?;
        self.tool("kafkaconnect", &["delete", &source]).await?;
        self.tool("kafkaconnect", &["list"]).await
    }

    /// kafka-connect-healthcheck: healthy with a running connector, not with a failed one.
    async fn healthcheck(&mut self) -> Result<()> {
        let source = self.source.clone();
        self.worker.rest().create(&source, &self.source_config()).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        self.health().await?;
        // A topic no task can write to.
        let mut config = self.source_config();
        config["topic"] = json!("not/a/topic");
        self.worker.rest().put_config(&source, &config).await?;
        append(&self.folder.path().join("in.txt"), &["three"])?;
        let failed = |status: &Value| status["tasks"][0]["state"] == "FAILED";
        self.worker.rest().wait_status(&source, LIMIT, failed).await?;
        self.health().await
    }

    async fn health(&mut self) -> Result<()> {
        const SCRIPT: &str = "import json, sys, logging\n\
            logging.disable(logging.CRITICAL)\n\
            from kafka_connect_healthcheck.health import Health\n\
            result = Health(sys.argv[1], None, ['FAILED'], '', 0, ['connector', 'task']).get_health_result()\n\
            print(json.dumps(result))";
        let base = self.worker.rest().base().to_owned();
        let (code, printed) = output("python", &["-c", SCRIPT, &base]).await?;
        // The client draws a line first.
        self.note("healthcheck", code, printed.lines().last().unwrap_or_default());
        Ok(())
    }

    /// Runs a client's command and notes its exit code and all it prints.
    async fn tool(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
        let (code, printed) = self.call(program, arguments).await?;
        self.note(&format!("{program} {}", arguments.join(" ")), code, &printed);
        Ok(())
    }

    /// Runs a client's command and notes its exit code.
    async fn silent(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
        let (code, _) = self.call(program, arguments).await?;
        self.note(&format!("{program} {}", arguments.join(" ")), code, "");
        Ok(())
    }

    async fn call(&self, program: &str, arguments: &[&str]) -> Result<(i32, String)> {
        let address = if program == "kc" { "--url" } else { "--connect" };
        output(program, &[&[address, self.worker.rest().base()], arguments].concat()).await
    }

    fn note(&mut self, command: &str, code: i32, printed: &str) {
        let shown = match serde_json::from_str::<Value>(printed) {
            Ok(json) => self.mask.json(&comparable(json)).to_string(),
            Err(_) => self.mask.text(printed.trim()),
        };
        self.lines.push(format!("{} -> {code} {shown}", self.mask.text(command)));
    }
}

fn is(status: &Value, state: &str, tasks: usize) -> bool {
    status["connector"]["state"] == state
        && status["tasks"]
            .as_array()
            .is_some_and(|all| all.len() == tasks && all.iter().all(|task| task["state"] == state))
}

/// The group of settings that Java does not have.
const OURS_ALONE: [&str; 2] = ["Automatic Restart", "Dead Letter Queue"];

/// Without what two workers need not share: other plugins, documentation, versions, the words of errors, the order of
/// hash maps.
fn comparable(mut json: Value) -> Value {
    if let Some(items) = json.as_array_mut() {
        items.retain(|item| item.get("class").is_none_or(|class| class == FILE_SOURCE || class == FILE_SINK));
        items.sort_by_key(Value::to_string);
    }
    if let Some(fields) = json.as_object_mut() {
        for volatile in ["commit", "kafka_cluster_id"] {
            fields.entry(volatile).and_modify(|value| *value = json!("<any>"));
        }
    }
    json.sort_all_objects();
    if let Some(groups) = json.get_mut("groups").and_then(Value::as_array_mut) {
        groups.retain(|group| !OURS_ALONE.iter().any(|ours| group == ours));
    }
    let Some(configs) = json.get_mut("configs").and_then(Value::as_array_mut) else { return json };
    configs.retain(|config| !OURS_ALONE.iter().any(|ours| config["definition"]["group"] == *ours));
    for config in configs {
        if let Some(definition) = config["definition"].as_object_mut() {
            definition.remove("documentation");
        }
        // The version of the connector: ours are released on their own.
        let values = match config["definition"]["name"] == "connector.plugin.version" {
            true => vec!["/definition/default_value", "/value/value", "/value/recommended_values/0"],
            false => Vec::new(),
        };
        for pointer in values {
            config.pointer_mut(pointer).into_iter().for_each(|value| *value = json!("<version>"));
        }
    }
    json
}

async fn output(program: &str, arguments: &[&str]) -> Result<(i32, String)> {
    let output = tokio::process::Command::new(python_bin()?.join(program))
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await
        .context(program)?;
    let code = output.status.code().ok_or_else(|| Error::new(format!("{program} was ended by a signal")))?;
    Ok((code, String::from_utf8(output.stdout)?))
}
