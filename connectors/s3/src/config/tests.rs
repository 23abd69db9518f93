use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::*;

fn golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/s3").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// Where our verdict differs from the recording, by the change made to the base configuration, and why.
const DIFFERENT: &[(&str, &[&str], &str)] = &[
    ("s3.region=", &["s3.region"], "an error on the key, not HTTP 500"),
    ("partitioner.class=x.Y", &["partitioner.class"], "an error on the key, not HTTP 500"),
    ("filename.offset.zero.pad.width=0", &["filename.offset.zero.pad.width"], "said before the task fails of it"),
    ("s3.proxy.url=::bad", &["s3.proxy.url"], "said before the task fails of it"),
    ("store.url=::bad", &["store.url"], "said before the task fails of it"),
    ("format.class=java.lang.String", &["format.class"], "a class of another kind"),
    ("storage.class=java.lang.String", &["storage.class"], "a class of another kind"),
    ("partitioner.class=java.lang.String", &["partitioner.class"], "a class of another kind"),
    ("rotate.schedule.interval.ms=1000", &["rotate.schedule.interval.ms"], "not available yet"),
    ("schema.compatibility=FULL", &["schema.compatibility"], "not available yet"),
    ("s3.acl.canned=public-read", &["s3.acl.canned"], "not available yet"),
    ("s3.acl.canned=bucket-owner-full-control", &["s3.acl.canned"], "not available yet"),
    ("s3.schema.partition.affix.type=SUFFIX", &["s3.schema.partition.affix.type"], "not available yet"),
    ("s3.wan.mode=true,s3.path.style.access.enabled=false", &["s3.wan.mode"], "not available yet"),
    (
        "partitioner.class=io.confluent.connect.storage.partitioner.FieldPartitioner",
        &["partitioner.class"],
        "not available yet",
    ),
    (
        "partitioner.class=io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
        &["partitioner.class"],
        "not available yet",
    ),
    (
        "partitioner.class=io.confluent.connect.storage.partitioner.HourlyPartitioner",
        &["partitioner.class"],
        "not available yet",
    ),
    (
        "s3.credentials.provider.class=io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider",
        &["s3.credentials.provider.class"],
        "not available yet",
    ),
    ("behavior.on.null.values=write,store.kafka.keys=true", &["behavior.on.null.values"], "not available yet"),
];
/// Switches that are not available yet, wherever a case turns them on.
const NOT_YET: [&str; 2] = ["store.kafka.keys", "store.kafka.headers"];

#[test]
fn verdicts_are_those_recorded() {
    let golden: Value = serde_json::from_str(&golden("validate.json")).unwrap();
    let mut wrong = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let change = case["change"].as_object().unwrap();
        let mut config = Config::new();
        for (key, value) in golden["base"].as_object().unwrap() {
            config.set(key.clone(), value.as_str().unwrap());
        }
        // Recorded with JSON files, which are not available yet.
        config.set("format.class", words::PARQUET_FORMAT);
        for (key, value) in change {
            match value.as_str() {
                Some(value) => config.set(key.clone(), value),
                None => drop(config.remove(key)),
            }
        }
        let name =
            change.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or("-"))).collect::<Vec<_>>().join(",");
        let values = validate(&config);
        let ours: BTreeSet<&str> =
            values.iter().filter(|value| !value.errors.is_empty()).map(|value| value.key.name.as_str()).collect();
        let mut expected: BTreeSet<&str> =
            case["error_keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let different = DIFFERENT
            .iter()
            .filter(|(start, _, _)| name == *start || name.starts_with(start) && name[start.len()..].starts_with(','));
        for (_, more, _) in different {
            expected.extend(*more);
        }
        expected.extend(NOT_YET.iter().filter(|key| change.get(**key).is_some_and(|value| value == "true")));
        // gzip is refused with any format there is so far.
        if config.get("s3.compression.type") == Some("gzip") {
            expected.extend(["s3.compression.type", "format.class"]);
        }
        if change.get("format.class").and_then(Value::as_str).is_some_and(|class| words::FORMATS[..3].contains(&class))
        {
            expected.insert("format.class");
            if !name.contains("AvroFormat") {
                expected.remove("s3.compression.type");
            }
        }
        if ours != expected {
            wrong.push(format!("{name}: {ours:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn keys_are_those_recorded() {
    let mut recorded = BTreeMap::new();
    for line in golden("keys.jsonl").lines() {
        let key: Value = serde_json::from_str(line).unwrap();
        recorded.insert(key["name"].as_str().unwrap().to_owned(), key);
    }
    let mut wrong = Vec::new();
    for key in config_def().keys() {
        let Some(theirs) = recorded.remove(&key.name) else {
            wrong.push(format!("{} is not recorded", key.name));
            continue;
        };
        let (required, default) = match &key.default {
            millstream_api::config::Default::Required => (true, None),
            millstream_api::config::Default::Null => (false, None),
            millstream_api::config::Default::Text(_) if key.kind == millstream_api::config::ConfigType::Password => {
                (false, Some(Secret::HIDDEN.to_owned()))
            }
            millstream_api::config::Default::Text(text) => (false, Some(text.clone())),
        };
        let ours = serde_json::json!({
            "name": key.name, "type": key.kind.as_str(), "required": required, "default_value": default,
            "importance": key.importance.as_str(), "group": key.group.clone().unwrap_or_default(),
            "order_in_group": key.order_in_group, "width": key.width.as_str(), "dependents": key.dependents,
            "recommended_values": key.recommended,
        });
        if ours != theirs {
            wrong.push(format!("{ours}\n   {theirs}"));
        }
    }
    wrong.extend(recorded.into_keys().map(|name| format!("{name} is missing")));
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn config(changes: &[(&str, &str)]) -> Config {
    let mut config: Config = [
        ("storage.class", words::S3_STORAGE),
        ("format.class", words::PARQUET_FORMAT),
        ("s3.bucket.name", "bucket"),
        ("flush.size", "1000"),
    ]
    .into_iter()
    .collect();
    for (key, value) in changes {
        config.set(*key, *value);
    }
    config
}

#[test]
fn an_interval_without_a_time_based_partitioner_is_a_warning() {
    let config = config(&[("rotate.interval.ms", "300000")]);
    assert!(validate(&config).is_valid());
    assert!(warnings(&validate(&config)).iter().any(|warning| warning.contains("rotate.interval.ms")));
}

#[test]
fn another_spelling_of_a_mode_is_a_warning_with_the_right_word() {
    let warnings = warnings(&validate(&config(&[("schema.compatibility", "backward")])));
    assert!(warnings[0].contains("did you mean BACKWARD"), "{warnings:?}");
}

#[test]
fn names_that_s3_refuses_are_errors_on_their_key() {
    for (key, value) in
        [("topics.dir", "a/b/"), ("topics.dir", "a//b"), ("directory.delim", "//"), ("topics.dir", "..")]
    {
        let values = validate(&config(&[(key, value)]));
        assert_eq!(values.get(key).unwrap().errors.len(), 1, "{key}={value}");
        assert_eq!(values.error_count(), 1);
    }
    assert!(validate(&config(&[("topics.dir", "/a b+c=d.parquet")])).is_valid());
    assert!(validate(&config(&[("topics.dir", ""), ("directory.delim", "")])).is_valid());
}

#[test]
fn secrets_are_in_no_text() {
    let config = config(&[
        ("aws.access.key.id", "AKIA"),
        ("aws.secret.access.key", "very-secret"),
        ("s3.proxy.url", "http://proxy:3128"),
        ("s3.proxy.user", "someone"),
        ("s3.proxy.password", "also-secret"),
        ("s3.ssea.name", "AES256"),
        ("s3.sse.customer.key", "c2VjcmV0LWN1c3RvbWVyLWtleQ=="),
    ]);
    let values = validate(&config);
    assert!(!values.is_valid(), "the customer key is too short");
    let text = format!("{:?}{:?}", values.clone().into_valid().err(), StoreConfig::from_values(&values));
    for secret in ["very-secret", "also-secret", "c2Vjcm"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn flush_size_zero_means_one() {
    let parsed = S3Config::parse(&config(&[("flush.size", "0")])).unwrap();
    assert_eq!(parsed.flush_size, 1);
}

#[test]
fn forms_hide_what_does_not_apply() {
    const ALWAYS: [&str; 3] = ["s3.sse.kms.key.id", "keys.format.class", "headers.format.class"];
    let time = ["partition.duration.ms", "path.format"];
    let zone = ["locale", "timezone"];
    for (changes, more) in [
        (vec![], [&["avro.codec", "partition.field.name"][..], &time, &zone].concat()),
        (
            vec![("format.class", words::JSON_FORMAT)],
            [&["avro.codec", "parquet.codec", "partition.field.name"][..], &time, &zone].concat(),
        ),
        (vec![("partitioner.class", words::FIELD_PARTITIONER)], [&["avro.codec"][..], &time, &zone].concat()),
        (vec![("partitioner.class", words::TIME_PARTITIONER)], vec!["avro.codec", "partition.field.name"]),
        (
            vec![("partitioner.class", words::DAILY_PARTITIONER)],
            [&["avro.codec", "partition.field.name"][..], &time].concat(),
        ),
    ] {
        let values = validate(&config(&changes));
        let hidden: BTreeSet<&str> =
            values.iter().filter(|value| !value.visible).map(|value| value.key.name.as_str()).collect();
        assert_eq!(hidden, ALWAYS.into_iter().chain(more).collect(), "{changes:?}");
    }
}
