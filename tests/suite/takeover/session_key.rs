//! The key that workers sign their internal requests with, made and replaced as Java's leader does.

use millstream_testbed::poll::until;
use millstream_testbed::{Error, Result, WorkerProperties, shared, unique};
use serde_json::Value;

use crate::journal::Journal;
use crate::scenario::{Kind, LIMIT};

#[tokio::test]
async fn session_keys_are_replaced_when_they_expire() -> Result<()> {
    expiring(Kind::Millstream).await
}

#[tokio::test]
async fn javas_session_keys_are_replaced_when_they_expire() -> Result<()> {
    expiring(Kind::Java).await
}

async fn expiring(kind: Kind) -> Result<()> {
    let kafka = shared().kafka().await?;
    let group = unique("session");
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group)
        .set("inter.worker.key.generation.algorithm", "HmacSHA1")
        .set("inter.worker.key.ttl.ms", 700);
    let worker = kind.start(properties).await?;
    let journal = Journal::new(&kafka.bootstrap(), &group);
    let keys = until("three session keys", LIMIT, || async {
        let keys = session_keys(&journal).await?;
        if keys.len() >= 3 { Ok(Some(keys)) } else { Err(Error::new(format!("{} of them", keys.len()))) }
    });
    let keys = keys.await.map_err(|error| error.with_log(&worker.log()))?;
    assert_eq!(worker.terminate().await?, kind.stopped(), "{}", worker.log_tail());
    for (at, key) in keys.iter().enumerate() {
        let fields: Vec<&String> = key.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
        assert_eq!(fields, ["key", "algorithm", "creation-timestamp"]);
        assert_eq!(key["algorithm"], "HmacSHA1");
        // 64 bytes in Base64.
        assert_eq!(key["key"].as_str().map(str::len), Some(88), "{}", kind.stopped());
        if let Some(before) = at.checked_sub(1) {
            assert_ne!(key["key"], keys[before]["key"]);
            let made = |key: &Value| key["creation-timestamp"].as_i64().unwrap_or_default();
            assert!(made(key) - made(&keys[before]) >= 700, "{:?}", keys.iter().map(made).collect::<Vec<_>>());
        }
    }
    Ok(())
}

async fn session_keys(journal: &Journal) -> Result<Vec<Value>> {
    let records = journal.configs().await?;
    records.iter().filter(|record| record.key_text() == "session-key").map(|record| record.value_json()).collect()
}
