//! Offsets of a source on request.

use millstream_api::{ErrorKind, TaskId};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::herder::{AlterOffsets, PutTaskConfigs};
use crate::model::ConnectorOffset;
use crate::store::ConfigStore;

impl World {
    async fn offsets(&self, name: &str) -> Result<Value> {
        let offsets = self.herder.ask(|reply| Request::Offsets(name.into(), reply)).await?;
        Ok(serde_json::to_value(offsets).unwrap()["offsets"].clone())
    }

    async fn alter(&self, name: &str, offsets: Value) -> Result<String> {
        let map = |value: &Value| value.as_object().cloned();
        let offsets = offsets.as_array().unwrap().iter();
        let offsets = offsets.map(|e| ConnectorOffset { partition: map(&e["partition"]), offset: map(&e["offset"]) });
        let request = AlterOffsets { name: name.into(), offsets: offsets.collect() };
        self.herder.ask(|reply| Request::AlterOffsets(request, reply)).await
    }

    async fn reset(&self, name: &str) -> Result<String> {
        self.herder.ask(|reply| Request::ResetOffsets(name.into(), reply)).await
    }
}

fn one() -> Value {
    json!([{"partition": {"name": "x", "task": 0}, "offset": {"n": 3, "b": true}}])
}

#[tokio::test(start_paused = true)]
async fn only_a_stopped_connector_gets_other_offsets() {
    let world = World::start().await;
    world.running("c").await;
    for target in [None, Some(TargetState::Paused)] {
        if let Some(target) = target {
            world.target("c", target).await;
            world.until("c", "PAUSED: PAUSED PAUSED").await;
        }
        for refused in [world.alter("c", one()).await, world.reset("c").await] {
            let error = refused.unwrap_err();
            assert!(
                error.kind() == ErrorKind::Config && error.to_string().contains("must be in the STOPPED state"),
                "{error}"
            );
        }
    }
    assert_eq!(world.offsets("c").await.unwrap(), json!([]));
    assert_eq!(world.script.count("c.alter_offsets"), 0);
    for result in
        [world.alter("none", one()).await.err(), world.reset("none").await.err(), world.offsets("none").await.err()]
    {
        assert_eq!(result.unwrap().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn altered_merged_and_reset() {
    let world = World::start().await;
    world.put("c", &[], Some(TargetState::Stopped)).await.unwrap();
    let message = world.alter("c", one()).await.unwrap();
    assert!(
        message.starts_with("The Connect framework-managed offsets for this connector have been altered"),
        "{message}"
    );
    // Spelled as Kafka Connect would.
    assert_eq!(
        world.offsets("c").await.unwrap().to_string(),
        r#"[{"partition":{"task":0,"name":"x"},"offset":{"b":true,"n":3}}]"#
    );
    world.put("c", &[("knows.offsets", "yes")], None).await.unwrap();
    let more = json!([
        {"partition": {"task": 1}, "offset": {"n": 1}},
        {"partition": {"task": 1}, "offset": {"n": 2}},
        {"partition": {"task": 2}},
        {}
    ]);
    let message = world.alter("c", more).await.unwrap();
    assert_eq!(message, "The offsets for this connector have been altered successfully");
    assert_eq!(world.offsets("c").await.unwrap()[1], json!({"partition": {"task": 1}, "offset": {"n": 2}}));
    assert_eq!(world.script.altered.lock().len(), 3, "each partition once");
    world.alter("c", json!([{"partition": {"task": 1}}])).await.unwrap();
    assert_eq!(world.offsets("c").await.unwrap().as_array().unwrap().len(), 1);
    world.script.altered.lock().clear();
    let message = world.reset("c").await.unwrap();
    assert_eq!(message, "The offsets for this connector have been reset successfully");
    assert_eq!(world.offsets("c").await.unwrap(), json!([]));
    assert_eq!(world.script.altered.lock().iter().filter(|(_, offset)| offset.is_none()).count(), 1);
    world.reset("c").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_connector_refuses_is_not_written() {
    let world = World::start().await;
    world.put("c", &[], Some(TargetState::Stopped)).await.unwrap();
    world.script.act("c.alter_offsets", Act::Fail);
    let error = world.alter("c", one()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Fatal && error.to_string().contains("c.alter_offsets failed"), "{error}");
    assert!(world.reset("c").await.is_err());
    assert_eq!(world.offsets("c").await.unwrap(), json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_does_not_come_back_holds_up_nobody() {
    let world = World::start().await;
    world.put("c", &[], Some(TargetState::Stopped)).await.unwrap();
    world.script.act("c.alter_offsets", Act::Hang);
    let asked = tokio::spawn({
        let herder = world.herder.clone();
        async move { herder.ask(|reply| Request::ResetOffsets("c".into(), reply)).await }
    });
    world.called("c.alter_offsets", 1).await;
    world.running("d").await;
    assert_eq!(asked.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn the_last_words_of_ending_tasks_are_waited_for() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c-0.stop", Act::Hang);
    world.target("c", TargetState::Stopped).await;
    let before = Instant::now();
    world.alter("c", one()).await.unwrap();
    let waited = before.elapsed();
    assert!(waited >= Duration::from_secs(4) && waited < Duration::from_secs(10), "{waited:?}");
    assert_eq!(world.shape("c").await, "STOPPED");
}

#[tokio::test(start_paused = true)]
async fn tasks_from_another_worker_are_taken_if_they_differ() {
    let world = World::start().await;
    world.running("c").await;
    let put = |name: &str, value: &str| PutTaskConfigs {
        connector: name.into(),
        configs: vec![[("task.class", "test.ScriptedTask"), ("value", value)].into_iter().collect()],
    };
    world.herder.ask(|reply| Request::PutTaskConfigs(put("c", "z"), reply)).await.unwrap();
    world.until("c", "RUNNING: RUNNING").await;
    assert_eq!(world.configs.state().task_config(&TaskId::new("c", 0)).unwrap().get("value"), Some("z"));
    let writes = *world.configs.task_writes.lock();
    world.herder.ask(|reply| Request::PutTaskConfigs(put("c", "z"), reply)).await.unwrap();
    assert_eq!(*world.configs.task_writes.lock(), writes);
    world.target("c", TargetState::Stopped).await;
    let refused = world.herder.ask(|reply| Request::PutTaskConfigs(put("c", "z"), reply)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
    let unknown = world.herder.ask(|reply| Request::PutTaskConfigs(put("none", "z"), reply)).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}
