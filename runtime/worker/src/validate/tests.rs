use std::collections::BTreeMap;

use async_trait::async_trait;
use millstream_api::{Connector, PluginInfo, Task};
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::config_provider::Providers;
use crate::json_object::Document;
use crate::testing;

/// A recorded validation.
#[derive(Deserialize)]
struct Case {
    case: String,
    path: String,
    raw: String,
    status: u16,
    #[serde(default)]
    name: String,
    #[serde(default)]
    error_count: usize,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    values: Vec<Shown>,
}

/// The group of keys that Kafka Connect does not have.
const OURS: [&str; 2] = ["Automatic Restart", "Dead Letter Queue"];

/// Cases that end otherwise here: the number of errors in place of Java's, and why. `None`: no verdict at all (400).
const DIFFERENCES: &[(&str, Option<usize>, &str)] = &[
    ("source-topic-creation-errors", Some(5), "settings of topic creation that fail at start are errors here"),
    ("source-topic-creation-default-missing", Some(2), "groups without a default fail at start in Java"),
    ("source-predicate-unknown", Some(1), "a predicate that is not there fails the task in Java"),
];

/// Verdicts that Java fails to give (500).
const FAIL: &[&str] = &["overrides-not-a-number", "null-sink"];

fn lines<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    let path = format!("{}/../../tests/golden/validate/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{path}: {e}: {line}"))).collect()
}

fn validator() -> ConfigValidator {
    ConfigValidator::new(testing::plugins(), testing::worker())
}

fn config(text: &str) -> Config {
    let document = Document::new(text.as_bytes(), "the body").unwrap();
    document.settings(document.entries().unwrap()).unwrap()
}

#[tokio::test]
async fn recorded_validations() {
    let validator = validator();
    let mut wrong = Vec::new();
    for case in lines::<Case>("cases") {
        let plugin = case.path.split('/').nth(2).unwrap();
        let verdict = validator.validate(Some(plugin), &config(&case.raw)).await;
        if let Err(reason) = compare(&case, verdict) {
            wrong.push(format!("{}: {reason}", case.case));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(case: &Case, verdict: Result<Validation>) -> Result<(), String> {
    let known = DIFFERENCES.iter().find(|(name, ..)| *name == case.case);
    let verdict = match verdict {
        // Java: 500 where the class is missing or unknown.
        Err(error) if case.status != 200 && error.kind() == millstream_api::ErrorKind::Config => return Ok(()),
        Err(error) => return Err(format!("{} expected, got {error}", case.status)),
        // Java: 500, and nothing but the first of them.
        Ok(verdict) if FAIL.contains(&case.case.as_str()) && verdict.error_count() > 0 => return Ok(()),
        Ok(_) if case.status != 200 => return Err(format!("{} expected, got a verdict", case.status)),
        Ok(verdict) => verdict,
    };
    let errors: Vec<_> = verdict.entries().flat_map(|value| value.errors.clone()).collect();
    let expected = known.map_or(Some(case.error_count), |(_, ours, _)| *ours);
    if expected != Some(errors.len()) {
        return Err(format!("{expected:?} errors expected, got {}: {errors:#?}", errors.len()));
    }
    if known.is_some() {
        return Ok(());
    }
    if verdict.name != case.name {
        return Err(format!("name {} expected, got {}", case.name, verdict.name));
    }
    let ours: Vec<_> = verdict
        .entries()
        .filter(|value| !value.key.group.as_deref().is_some_and(|group| OURS.contains(&group)))
        .map(|value| (value.key.name.clone(), value.text(), value.errors.len(), value.visible))
        .collect();
    let theirs = case.values.clone();
    // Converters list their keys in the order of a Java hash map.
    let (common, below) = split(ours);
    let (theirs_common, theirs_below) = split(theirs);
    if common != theirs_common || below != theirs_below {
        let differ: Vec<_> = common
            .iter()
            .chain(&below)
            .filter(|value| !theirs_common.contains(value) && !theirs_below.contains(value))
            .collect();
        let lost: Vec<_> = theirs_common
            .iter()
            .chain(&theirs_below)
            .filter(|value| !common.contains(value) && !below.contains(value))
            .collect();
        return Err(format!("values differ: ours {differ:?}, theirs {lost:?}"));
    }
    let shared = case.groups.iter().filter(|group| !matches!(group.as_str(), "Serialization" | "Schemas"));
    let groups: Vec<_> = verdict.groups.iter().filter(|group| !OURS.contains(&group.as_ref())).collect();
    let ours = groups.iter().copied().filter(|group| !matches!(group.as_str(), "Serialization" | "Schemas"));
    if !shared.clone().eq(ours) || case.groups.len() != groups.len() {
        return Err(format!("groups {:?} expected, got {:?}", case.groups, verdict.groups));
    }
    Ok(())
}

/// Name, value, number of errors, visible.
type Shown = (String, Option<String>, usize, bool);

/// The keys in order, and those of converters by name.
fn split(all: Vec<Shown>) -> (Vec<Shown>, Vec<Shown>) {
    let is_below = |name: &str| name.contains(".converter.") && !name.ends_with(".plugin.version");
    let (mut below, common): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, ..)| is_below(name));
    below.sort();
    (common, below)
}

#[tokio::test]
async fn recorded_definitions() {
    let validator = validator();
    let cases: BTreeMap<_, _> = lines::<Case>("cases").into_iter().map(|case| (case.case.clone(), case)).collect();
    let mut wrong = Vec::new();
    for mut theirs in lines::<serde_json::Map<String, Value>>("definitions") {
        let case = &cases[theirs.shift_remove("of").unwrap().as_str().unwrap()];
        let verdict = validator.validate(None, &config(&case.raw)).await.unwrap();
        let name = theirs["name"].as_str().unwrap().to_owned();
        let Some(value) = verdict.entries().find(|value| value.defined && value.key.name == name) else {
            wrong.push(format!("{name}: missing"));
            continue;
        };
        let recommended = theirs.shift_remove("recommended_values").unwrap();
        if serde_json::json!(value.recommended) != recommended {
            wrong.push(format!("{name}: recommends {:?}\n  theirs {recommended}", value.recommended));
        }
        let Value::Object(mut ours) = crate::rest::key_info(&value.key) else { panic!("an object") };
        assert_eq!(ours.keys().position(|key| key == "documentation"), Some(5));
        ours.shift_remove("documentation");
        // As text, since the order of fields counts.
        let (ours, theirs) = (Value::Object(ours).to_string(), Value::Object(theirs).to_string());
        if ours != theirs {
            wrong.push(format!("{name}:\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} definitions differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A validation under a policy; `configs` are definition, name, value and number of errors.
#[derive(Deserialize)]
struct UnderPolicy {
    policy: String,
    raw: String,
    status: u16,
    #[serde(default)]
    error_count: usize,
    #[serde(default)]
    configs: Vec<(Value, String, Option<String>, usize)>,
}

#[tokio::test]
async fn recorded_policies() {
    let mut wrong = Vec::new();
    for case in lines::<UnderPolicy>("policies") {
        let mut name = case.policy.clone();
        name[..1].make_ascii_uppercase();
        let worker = testing::worker_with(&[
            ("connector.client.config.override.policy", &name),
            ("connector.client.config.override.allowlist", "linger.ms"),
        ]);
        let verdict =
            ConfigValidator::new(testing::plugins(), worker).validate(None, &config(&case.raw)).await.unwrap();
        if case.status != 200 {
            // Java fails to give one where a value cannot be read.
            assert!(verdict.error_count() > 0, "{}", case.raw);
            continue;
        }
        let ours: Vec<_> = verdict
            .overrides
            .iter()
            .map(|value| {
                let definition = value.defined.then(|| shown_definition(&value.key));
                (definition.unwrap_or_default(), value.key.name.clone(), value.text(), value.errors.len())
            })
            .collect();
        if ours != case.configs || verdict.error_count() != case.error_count {
            wrong.push(format!("{} {}:\n  ours   {ours:?}\n  theirs {:?}", case.policy, case.raw, case.configs));
        }
    }
    assert!(wrong.is_empty(), "{} verdicts differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What `GET /connector-plugins/{plugin}/config` answers.
#[derive(Deserialize)]
struct Keys {
    class: String,
    configs: Vec<Value>,
}

#[test]
fn recorded_keys_of_plugins() {
    let plugins = testing::plugins();
    let mut wrong = Vec::new();
    for case in lines::<Keys>("plugin-config") {
        let Ok((_, def)) = plugins.config_def(&case.class) else {
            wrong.push(format!("{} is missing", case.class));
            continue;
        };
        let keys = def.keys().filter(|key| !key.group.as_deref().is_some_and(|group| OURS.contains(&group)));
        let ours: Vec<_> = keys.map(shown_definition).collect();
        if ours != case.configs {
            let (ours, theirs) = (Value::from(ours), Value::from(case.configs));
            wrong.push(format!("{}:\n  ours   {ours}\n  theirs {theirs}", case.class));
        }
    }
    assert!(wrong.is_empty(), "{} plugins differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A definition as REST shows it, without its documentation.
fn shown_definition(key: &millstream_api::ConfigKey) -> Value {
    let Value::Object(mut info) = crate::rest::key_info(key) else { panic!("an object") };
    info.shift_remove("documentation");
    Value::Object(info)
}

#[tokio::test]
async fn nothing_to_validate_against_names_the_key() {
    let validator = validator();
    for (text, phrase) in [
        ("{}", "contains no connector type"),
        ("{\"connector.class\":null}", "contains no connector type"),
        ("{\"connector.class\":\"\"}", "Failed to find any class"),
        ("{\"connector.class\":\"Nope\"}", "Failed to find any class"),
    ] {
        let error = validator.validate(None, &config(text)).await.err().unwrap();
        assert!(error.kind() == millstream_api::ErrorKind::Config && error.to_string().contains(phrase), "{error}");
    }
}

/// A connector that never finishes looking at the outside world.
struct Stuck(millstream_api::ConfigDef);

#[async_trait]
impl ConnectorPlugin for Stuck {
    fn info(&self) -> PluginInfo {
        PluginInfo { class: "org.example.StuckConnector", aliases: &[], version: "1" }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn task_class(&self) -> &'static str {
        "org.example.StuckTask"
    }

    fn config_def(&self) -> &millstream_api::ConfigDef {
        &self.0
    }

    async fn validate(&self, _config: &Config, values: &mut ConfigValues) {
        values.error("name", "half a verdict");
        std::future::pending::<()>().await;
    }

    fn connector(&self) -> Box<dyn Connector> {
        unreachable!("it is only validated")
    }

    fn task(&self) -> Task {
        unreachable!("it is only validated")
    }
}

#[tokio::test]
async fn a_connector_that_does_not_finish_is_an_error_of_its_class() {
    let plugins = Arc::new(PluginTable::new(vec![Arc::new(Stuck(millstream_api::ConfigDef::new()))]));
    let limit = Duration::from_millis(1);
    let validator = ConfigValidator { plugin_limit: limit, ..ConfigValidator::new(plugins, testing::worker()) };
    let verdict = validator.validate(None, &config("{\"name\":\"a\",\"connector.class\":\"Stuck\"}")).await.unwrap();
    let errors: Vec<_> = verdict.values.iter().filter(|value| !value.errors.is_empty()).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].key.name, "connector.class");
    assert!(errors[0].errors[0].contains("within 1 ms"), "{:?}", errors[0].errors);
}

#[tokio::test]
async fn a_bad_range_of_versions_is_no_verdict() {
    let error = validator()
        .validate(None, &config("{\"connector.class\":\"FileStreamSource\",\"connector.plugin.version\":\"[1\"}"))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("connector.plugin.version: Unbounded range: [1"), "{error}");
}

#[tokio::test]
async fn values_of_providers_are_used_and_not_shown() {
    let provider = "org.apache.kafka.common.config.provider.EnvVarConfigProvider";
    let worker: Config = [("config.providers", "env"), ("config.providers.env.class", provider)].into_iter().collect();
    let variables = [("TOPIC", "hush-topic"), ("NUMBER", "7x"), ("LINGER", "hush"), ("CLASS", "FileStreamSource")];
    let variables = variables.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    let providers = Providers::with_variables(&worker, variables).unwrap();
    let table = Arc::into_inner(testing::plugins()).unwrap().with_providers(providers);
    let validator = ConfigValidator::new(Arc::new(table), testing::worker());
    let text = r#"{"name":"a","connector.class":"${env:CLASS}","topic":"${env:TOPIC}","tasks.max":"${env:NUMBER}",
        "file":"${env:MISSING}","producer.override.linger.ms":"${env:LINGER}","transforms":"${env:TOPIC}"}"#;
    let verdict = validator.validate(Some("FileStreamSource"), &config(text)).await.unwrap();
    let shown = |name: &str| verdict.entries().find(|value| value.key.name == name).unwrap();
    assert_eq!(verdict.name, "${env:CLASS}");
    assert_eq!(shown("topic").text().as_deref(), Some("${env:TOPIC}"));
    assert_eq!(shown("file").text().as_deref(), Some("${env:MISSING}"), "what is not there stays");
    assert_eq!((shown("tasks.max").text(), shown("tasks.max").errors.len()), (None, 2));
    assert!(shown("tasks.max").errors[0].contains("Invalid value ${env:NUMBER} for configuration tasks.max"));
    let everything: String = verdict.entries().map(|value| format!("{:?} {:?}", value.text(), value.errors)).collect();
    assert!(!everything.contains("hush") && !everything.contains("7x"), "{everything}");
}
