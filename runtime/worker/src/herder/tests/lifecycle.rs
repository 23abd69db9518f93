//! Creating, changing, pausing, stopping and deleting.

use millstream_core::cluster::{State, Status, StatusKey};

use super::*;
use crate::store::{ConfigStore, StatusStore};

#[tokio::test(start_paused = true)]
async fn a_connector_and_its_tasks_start() {
    let world = World::start().await;
    world.running("c").await;
    let state = world.configs.state();
    assert_eq!(state.task_configs("c")[1].get("task.class"), Some("test.ScriptedTask"));
    assert_eq!(state.task_configs("c")[1].get("value"), Some("b"));
    assert_eq!(world.statuses.take("c"), ["RUNNING"]);
    assert_eq!(world.statuses.take("c-1"), ["RUNNING"]);
    let status = world.status("c").await.unwrap();
    assert_eq!((status.connector.worker_id.as_str(), status.connector.version.as_deref()), ("me:8083", Some("7")));
}

#[tokio::test(start_paused = true)]
async fn pause_and_resume_keep_the_tasks() {
    let world = World::start().await;
    world.running("c").await;
    world.target("c", TargetState::Paused).await;
    world.until("c", "PAUSED: PAUSED PAUSED").await;
    assert_eq!(world.script.count("c.stop"), 1);
    world.target("c", TargetState::Started).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!((world.script.count("c-0.start"), world.script.count("c-0.stop")), (1, 0));
    assert_eq!(*world.configs.task_writes.lock(), 1, "the same tasks are not written again");
}

#[tokio::test(start_paused = true)]
async fn created_paused_or_stopped_there_are_no_tasks_before_the_resume() {
    let world = World::start().await;
    for (name, target, shape) in [("p", TargetState::Paused, "PAUSED"), ("s", TargetState::Stopped, "STOPPED")] {
        world.put(name, &[], Some(target)).await.unwrap();
        world.until(name, shape).await;
        assert_eq!(world.script.count(&format!("{name}.start")), 0);
        world.target(name, TargetState::Started).await;
        world.until(name, "RUNNING: RUNNING RUNNING").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_task_is_not_started_by_the_next_worker() {
    let world = World::start().await;
    world.running("c").await;
    world.target("c", TargetState::Paused).await;
    world.until("c", "PAUSED: PAUSED PAUSED").await;
    let (script, configs, statuses) = world.end().await;
    let next = Arc::new(GatedConfigs::default());
    copy(&configs, &next, TargetState::Paused).await;
    let world = World::over(script, next, statuses).await;
    world.until("c", "PAUSED: PAUSED PAUSED").await;
    world.rest().await;
    assert_eq!(world.script.count("c-0.start"), 1, "by the first worker");
    world.target("c", TargetState::Started).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.script.count("c-0.start"), 2);
}

/// What the config topic would tell the next worker of connector `c`.
async fn copy(from: &GatedConfigs, to: &GatedConfigs, target: TargetState) {
    let state = from.state();
    to.put_connector("c", state.config("c").unwrap(), Some(target)).await.unwrap();
    to.put_tasks("c", state.task_configs("c")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stopped_connector_has_no_tasks() {
    let world = World::start().await;
    world.running("c").await;
    world.statuses.take("c-0");
    world.target("c", TargetState::Stopped).await;
    world.until("c", "STOPPED").await;
    assert!(world.configs.state().task_configs("c").is_empty());
    assert_eq!(world.statuses.take("c-0"), ["UNASSIGNED", "-"]);
    world.target("c", TargetState::Paused).await;
    world.until("c", "PAUSED").await;
    world.target("c", TargetState::Started).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn an_identical_config_restarts_the_connector_but_no_task() {
    let world = World::start().await;
    world.running("c").await;
    world.statuses.take("c");
    assert!(!world.put("c", &[], None).await.unwrap());
    world.called("c.start", 2).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.statuses.take("c"), ["UNASSIGNED", "RUNNING"]);
    assert_eq!((world.script.count("c-0.start"), *world.configs.task_writes.lock()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_changed_config_restarts_tasks_whose_own_did_not_change() {
    let world = World::start().await;
    world.running("c").await;
    world.put("c", &[("errors.tolerance", "all")], None).await.unwrap();
    world.called("c-0.start", 2).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(*world.configs.task_writes.lock(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reconfiguration_restarts_only_the_task_that_changed() {
    let world = World::start().await;
    world.running("c").await;
    world.script.tasks(&["a", "changed"]);
    world.script.host("c").request_task_reconfiguration();
    world.called("c-1.start", 2).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.script.count("c-0.start"), 1);
    world.script.tasks(&["a"]);
    world.script.host("c").request_task_reconfiguration();
    world.until("c", "RUNNING: RUNNING").await;
    assert_eq!(world.script.count("c-0.start"), 1);
    assert_eq!(world.statuses.take("c-1").last().unwrap(), "-", "its status is gone with it");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_deleted_connector() {
    let world = World::start().await;
    world.running("c").await;
    world.delete("c").await;
    world.called("c-1.stop", 1).await;
    world.rest().await;
    assert_eq!(world.shape("c").await, "");
    assert!(world.statuses.table().keys("c").is_empty());
    assert!(world.herder.ask(|reply| Request::Info("c".into(), reply)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn statuses_of_what_vanished_meanwhile_are_removed_at_start() {
    let world = World::start().await;
    world.running("c").await;
    let (script, configs, statuses) = world.end().await;
    let status = |state| Status { state, trace: None, worker_id: "x".to_owned(), generation: 1, version: None };
    for task in [1, 2] {
        statuses.put(StatusKey::Task(millstream_api::TaskId::new("c", task)), status(State::Running));
    }
    statuses.put(StatusKey::Connector("gone".into()), status(State::Running));
    let next = Arc::new(GatedConfigs::default());
    copy(&configs, &next, TargetState::Started).await;
    let world = World::over(script, next, statuses).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert!(world.statuses.table().keys("gone").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_connector_heeds_stop_alone() {
    let world = World::start().await;
    world.script.act("c.start", Act::Fail);
    world.put("c", &[], None).await.unwrap();
    world.until("c", "FAILED").await;
    let trace = world.status("c").await.unwrap().connector.trace.unwrap();
    assert!(trace.contains("c.start failed"), "{trace}");
    assert_eq!(world.script.count("c.stop"), 1, "also after a failed start");
    for target in [TargetState::Paused, TargetState::Started] {
        world.target("c", target).await;
        world.rest().await;
        assert_eq!(world.shape("c").await, "FAILED");
    }
    assert_eq!(world.statuses.take("c"), ["FAILED"], "told once");
    world.target("c", TargetState::Stopped).await;
    world.until("c", "STOPPED").await;
    world.script.act("c.start", Act::Succeed);
    world.target("c", TargetState::Started).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn tasks_go_on_when_the_connector_fails() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c.start", Act::Fail);
    world.put("c", &[("errors.tolerance", "all")], None).await.unwrap();
    world.until("c", "FAILED: RUNNING RUNNING").await;
    world.rest().await;
    assert_eq!((world.script.count("c-0.start"), world.script.count("c-0.stop")), (1, 0));
    world.target("c", TargetState::Paused).await;
    world.until("c", "FAILED: PAUSED PAUSED").await;
}

#[tokio::test(start_paused = true)]
async fn raised_errors_fail_the_connector_once() {
    let world = World::start().await;
    world.running("c").await;
    world.statuses.take("c");
    for _ in 0..2 {
        world.script.host("c").raise_error(millstream_api::Error::fatal("table gone"));
    }
    world.until("c", "FAILED: RUNNING RUNNING").await;
    world.rest().await;
    assert_eq!(world.statuses.take("c"), ["FAILED"]);
    assert!(world.status("c").await.unwrap().connector.trace.unwrap().contains("table gone"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_is_told_once_and_left_alone() {
    let world = World::start().await;
    world.running("c").await;
    world.statuses.take("c-0");
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world.target("c", TargetState::Paused).await;
    world.until("c", "PAUSED: FAILED PAUSED").await;
    world.target("c", TargetState::Started).await;
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world.rest().await;
    assert_eq!(world.statuses.take("c-0"), ["FAILED"]);
    assert_eq!((world.script.count("c-0.start"), world.script.count("c-0.stop")), (1, 1));
    let trace = world.status("c").await.unwrap().tasks[0].instance.trace.clone().unwrap();
    assert!(trace.contains("c-0.poll failed"), "{trace}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_worker_is_told_but_covers_no_failure() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c-1.poll", Act::Fail);
    world.until("c", "RUNNING: RUNNING FAILED").await;
    let statuses = world.statuses.clone();
    world.end().await;
    assert_eq!(statuses.take("c"), ["RUNNING", "UNASSIGNED"]);
    assert_eq!(statuses.take("c-0"), ["RUNNING", "UNASSIGNED"]);
    assert_eq!(statuses.take("c-1"), ["RUNNING", "FAILED"]);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_is_not_there_fails_its_connector_alone() {
    let configs = Arc::new(GatedConfigs::default());
    let config = |class: &str| [("name", "u"), ("connector.class", class)].into_iter().collect::<Config>();
    configs.put_connector("u", &config("test.Unknown"), None).await.unwrap();
    configs.put_tasks("u", &[config("test.Unknown")]).await.unwrap();
    configs.put_connector("r", &config("test.Scripted"), None).await.unwrap();
    let script = Arc::new(Script::default());
    script.tasks(&["a"]);
    let world = World::over(script, configs, Arc::default()).await;
    world.until("r", "RUNNING: RUNNING").await;
    world.until("u", "FAILED: FAILED").await;
    let status = world.status("u").await.unwrap();
    assert_eq!((status.kind, status.connector.version.as_deref()), ("unknown", None));
    assert!(status.connector.trace.unwrap().contains("test.Unknown"));
    world.delete("u").await;
    world.rest().await;
    assert_eq!(world.shape("u").await, "");
}
