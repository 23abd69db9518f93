//! Calls that never come back: nobody else waits for them, and they are given up after their time.

use super::*;
use crate::store::StatusStore;

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_connector_that_hangs() {
    let world = World::start().await;
    world.script.act("stuck.start", Act::Hang);
    world.script.act("late.task_configs", Act::Hang);
    world.put("stuck", &[], None).await.unwrap();
    world.put("late", &[], None).await.unwrap();
    world.called("stuck.start", 1).await;
    world.until("late", "RUNNING").await;
    world.running("c").await;
    for name in ["stuck", "late"] {
        world.delete(name).await;
    }
    world.called("stuck.stop", 1).await;
    world.called("late.stop", 1).await;
    world.rest().await;
    assert!(world.statuses.table().keys("stuck").is_empty());
    assert!(world.statuses.table().keys("late").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_does_not_stop_is_abandoned_after_five_seconds() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c.stop", Act::Hang);
    let before = tokio::time::Instant::now();
    world.put("c", &[], None).await.unwrap();
    world.called("c.start", 2).await;
    let waited = before.elapsed();
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(6), "{waited:?}");
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_stop_is_abandoned_after_the_graceful_time() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c-0.stop", Act::Hang);
    world.herder.ask(|reply| Request::RestartTask(millstream_api::TaskId::new("c", 0), reply)).await.unwrap();
    world.called("c-0.start", 2).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.script.count("c-1.start"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_before_the_stop_that_hangs() {
    let world = World::start().await;
    world.script.act("c.start", Act::Fail);
    world.script.act("c.stop", Act::Hang);
    world.put("c", &[], None).await.unwrap();
    world.until("c", "FAILED").await;
    // Stopped and resumed although the failed instance never ended.
    world.target("c", TargetState::Stopped).await;
    world.script.act("c.start", Act::Succeed);
    world.until("c", "STOPPED").await;
    world.target("c", TargetState::Started).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    world.script.act("c-0.stop", Act::Hang);
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world.script.act("c-0.poll", Act::Succeed);
    world.restart("c", true, true).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_connector_created_again_at_once_is_a_new_one() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c.stop", Act::Hang);
    world.script.act("c-0.stop", Act::Hang);
    world.delete("c").await;
    assert!(world.put("c", &[], None).await.unwrap());
    world.called("c-0.start", 2).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    world.rest().await;
    assert_eq!(world.shape("c").await, "RUNNING: RUNNING RUNNING");
    let starts = ["c.start", "c-0.start", "c-1.start"].map(|call| world.script.count(call));
    assert_eq!(starts, [2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_stopped_while_it_starts() {
    let world = World::start().await;
    world.script.act("c-0.start", Act::Hang);
    world.put("c", &[], None).await.unwrap();
    world.called("c-0.start", 1).await;
    world.delete("c").await;
    world.called("c-0.stop", 1).await;
    world.rest().await;
    assert!(world.statuses.table().keys("c").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_worker_ends_whatever_hangs() {
    let world = World::start().await;
    world.running("c").await;
    for call in ["c.stop", "c-0.stop"] {
        world.script.act(call, Act::Hang);
    }
    let statuses = world.statuses.clone();
    let before = tokio::time::Instant::now();
    world.end().await;
    assert!(before.elapsed() < Duration::from_secs(8), "{:?}", before.elapsed());
    for who in ["c", "c-0", "c-1"] {
        assert_eq!(statuses.take(who), ["RUNNING", "UNASSIGNED"], "{who}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_can_say_for_what() {
    let world = World::start().await;
    world.running("c").await;
    world.running("d").await;
    world.configs.gate.forget_permits(usize::MAX);
    world.script.act("d.start", Act::Hang);
    let wait = |request: Box<dyn FnOnce(crate::herder::Reply<()>) -> Request + Send>| {
        let (herder, stage) = (world.herder.clone(), crate::herder::Stage::of("asking"));
        let held = stage.clone();
        tokio::spawn(async move { held.hold(herder.ask(request)).await });
        stage
    };
    let stopping = wait(Box::new(|reply| Request::SetTarget("c".into(), TargetState::Stopped, reply)));
    moment().await;
    let deleting = wait(Box::new(|reply| Request::Delete("c".into(), reply)));
    let restarting = wait(Box::new(|reply| Request::RestartConnector("d".into(), reply)));
    world.called("d.start", 2).await;
    for (stage, says) in [
        (stopping, "writing the target state of connector c to the config topic"),
        (deleting, "waiting for earlier writes to the config topic"),
        (restarting, "starting the connector"),
    ] {
        assert_eq!(stage.now().unwrap().0, says);
    }
}
