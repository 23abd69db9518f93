//! Who may depend on what. Connectors see the API alone, and each of the large libraries has one owner.

use std::collections::BTreeMap;
use std::process::Command;

use millstream_testbed::{Context, Error, Result};
use serde_json::{Value, json};

/// What a crate may use of the workspace, and of the libraries that have owners.
struct Law {
    workspace: &'static [&'static str],
    owned: &'static [&'static str],
}

const OWNED: [&str; 6] = ["rdkafka", "axum", "sqlx", "object_store", "parquet", "tokio"];

const API: &[&str] = &["millstream-api"];

// A library of `OWNED` that is in no row below can be used by nobody.
const LAWS: [(&str, Law); 9] = [
    ("millstream-api", Law { workspace: &[], owned: &[] }),
    ("millstream-plugins", Law { workspace: API, owned: &[] }),
    ("millstream-core", Law { workspace: API, owned: &[] }),
    (
        "millstream-worker",
        Law {
            workspace: &["millstream-api", "millstream-core", "millstream-plugins"],
            owned: &["rdkafka", "axum", "tokio"],
        },
    ),
    ("millstream-jdbc", Law { workspace: API, owned: &["sqlx", "tokio"] }),
    ("millstream-s3", Law { workspace: API, owned: &["object_store", "parquet", "tokio"] }),
    ("millstream-file", Law { workspace: API, owned: &["tokio"] }),
    ("millstream-datagen", Law { workspace: API, owned: &["tokio"] }),
    (
        "millstream",
        Law {
            workspace: &[
                "millstream-api",
                "millstream-core",
                "millstream-plugins",
                "millstream-worker",
                "millstream-jdbc",
                "millstream-s3",
                "millstream-file",
                "millstream-datagen",
            ],
            owned: &["tokio"],
        },
    ),
];

/// Clients of the whole: the law does not bind them.
const CLIENTS: [&str; 3] = ["millstream-testbed", "millstream-tests", "millstream-bench"];

/// Tests of any crate may use these on top: services, a runtime, and the converters that recordings are written with.
const IN_TESTS: [&str; 3] = ["millstream-testbed", "tokio", "millstream-plugins"];

#[test]
fn every_crate_keeps_the_import_law() -> Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1", "--no-deps"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        return Err(Error::new(String::from_utf8_lossy(&output.stderr)));
    }
    let breaches = breaches(&serde_json::from_slice(&output.stdout)?);
    assert!(breaches.is_empty(), "the import law is broken:\n  {}", breaches.join("\n  "));
    Ok(())
}

#[test]
fn a_broken_law_is_seen() {
    let package = |name: &str, uses: &[(&str, Value)]| {
        let uses: Vec<Value> = uses.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect();
        json!({"name": name, "dependencies": uses})
    };
    let (normal, dev) = (Value::Null, json!("dev"));
    let lawful = json!({"packages": [
        package("millstream-s3", &[("millstream-api", normal.clone()), ("parquet", normal.clone()), ("tokio", dev.clone())]),
        package("millstream-core", &[("millstream-api", normal.clone()), ("tokio", dev.clone())]),
        package("millstream-bench", &[("millstream-worker", normal.clone()), ("rdkafka", normal.clone())]),
    ]});
    assert_eq!(breaches(&lawful), Vec::<String>::new());

    let unlawful = json!({"packages": [
        package("millstream-s3", &[("millstream-core", dev.clone()), ("rdkafka", dev)]),
        package("millstream-core", &[("tokio", normal)]),
        package("millstream-newcomer", &[]),
    ]});
    assert_eq!(
        breaches(&unlawful),
        [
            "millstream-s3 uses millstream-core",
            "millstream-s3 uses rdkafka",
            "millstream-core uses tokio",
            "millstream-newcomer is in no row of the table",
        ]
    );
}

fn breaches(metadata: &Value) -> Vec<String> {
    let laws: BTreeMap<&str, &Law> = LAWS.iter().map(|(name, law)| (*name, law)).collect();
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        if CLIENTS.contains(&name) {
            continue;
        }
        let Some(law) = laws.get(name) else {
            found.push(format!("{name} is in no row of the table"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // A renamed dependency still has its own name here.
            let used = dependency["name"].as_str().unwrap_or_default();
            if !is_lawful(law, used, dependency["kind"] == "dev") {
                found.push(format!("{name} uses {used}"));
            }
        }
    }
    found
}

fn is_lawful(law: &Law, used: &str, in_tests: bool) -> bool {
    if in_tests && IN_TESTS.contains(&used) {
        return true;
    }
    match used == "millstream" || used.starts_with("millstream-") {
        true => law.workspace.contains(&used),
        false => !OWNED.contains(&used) || law.owned.contains(&used),
    }
}
