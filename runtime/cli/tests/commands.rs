//! The commands as a shell sees them: output and exit codes.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of files for one test, removed at its end.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("millstream-cli-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn millstream(args: &[&str]) -> Output {
    // Variables of the machine must not count as settings.
    let inherited = std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("CONNECT_") || name.starts_with("MILLSTREAM_") || name == "RUST_LOG");
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    for name in inherited {
        command.env_remove(name);
    }
    command.args(args).output().unwrap()
}

/// Exit code and everything printed.
fn outcome(args: &[&str]) -> (i32, String) {
    let output = millstream(args);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[test]
fn version_help_and_plugins() {
    assert_eq!(outcome(&["--version"]), (0, format!("millstream {}\n", env!("CARGO_PKG_VERSION"))));
    let (code, help) = outcome(&["--help"]);
    assert!(code == 0 && help.contains("validate"), "{help}");
    let (code, plugins) = outcome(&["plugins"]);
    assert_eq!(code, 0);
    for class in [
        "io.confluent.connect.jdbc.JdbcSourceConnector",
        "io.confluent.connect.s3.S3SinkConnector",
        "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "org.apache.kafka.connect.json.JsonConverter",
    ] {
        assert!(plugins.contains(class), "{plugins}");
    }
}

#[test]
fn validate_says_what_is_wrong_and_where() {
    let files = Files::new("validate");
    let good = files.write("good.json", r#"{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t"}}"#);
    assert_eq!(outcome(&["validate", &good]), (0, format!("{good}: a is valid\n")));

    let class = files.write("class.json", r#"{"name":"a","config":{"connector.class":"Nope"}}"#);
    let missing = files.write("missing.properties", "name=a\nconnector.class=FileStreamSource\ntasks.max=x\n");
    let json = files.write("json.json", "{\n  \"name\": \"a\",\n  \"config\": {\"x\": [1]}\n}");
    for (file, phrases) in [
        (&class, vec!["Nope", "available connectors"]),
        (&missing, vec!["3 error(s)", "tasks.max: Invalid value x", "topic: Missing required"]),
        (&json, vec!["key \"x\"", "line 3"]),
    ] {
        let (code, text) = outcome(&["validate", file]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(file.as_str()) && phrases.iter().all(|phrase| text.contains(phrase)), "{text}");
    }
    assert_eq!(outcome(&["validate", &good, "no-such.json"]).0, 2);
    assert_eq!(outcome(&["validate", &good, "--worker", "no-such.properties"]).0, 2);
    assert_eq!(outcome(&["validate"]).0, 2);
}

#[test]
fn run_refuses_what_it_cannot_start_with() {
    let files = Files::new("run");
    let (code, text) = outcome(&["run"]);
    assert!(code == 1 && text.contains("worker.properties"), "{text}");
    assert_eq!(outcome(&["run", "--no-such-flag"]).0, 1);

    let standalone = "bootstrap.servers=localhost:1\nkey.converter=JsonConverter\nvalue.converter=JsonConverter\nlisteners=http://127.0.0.1:0\n\
                      offset.storage.file.filename=offsets\n";
    let no_mode = files.write("no-mode.properties", "bootstrap.servers=localhost:1\n");
    let missing = files.write("missing.properties", "group.id=a\n");
    let broken = files.write("broken.properties", "a=1\nb=\\u00zz\n");
    let good = files.write("good.properties", standalone);
    let connector = files.write("connector.json", "{\"name\": }");
    for (args, phrases) in [
        (vec!["run", "no-such.properties"], vec!["no-such.properties"]),
        (vec!["run", &no_mode], vec!["group.id", "offset.storage.file.filename"]),
        (vec!["run", &missing], vec!["key.converter", "config.storage.topic"]),
        (vec!["run", &broken], vec!["broken.properties", "line 2"]),
        (vec!["run", &good, &connector], vec!["connector.json", "line 1"]),
    ] {
        let (code, text) = outcome(&args);
        assert_eq!(code, 2, "{text}");
        assert!(phrases.iter().all(|phrase| text.contains(phrase)), "{text}");
    }
}

#[test]
fn a_rest_port_in_use_ends_the_worker_before_it_starts() {
    let files = Files::new("port");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = format!("http://{}", taken.local_addr().unwrap());
    let text = format!(
        "bootstrap.servers=127.0.0.1:1\nkey.converter=JsonConverter\nvalue.converter=JsonConverter\n\
         offset.storage.file.filename=offsets\nlisteners={listener}\n"
    );
    let worker = files.write("worker.properties", &text);
    let (code, text) = outcome(&["run", &worker]);
    assert!(code == 2 && text.contains(&listener), "{text}");
}
