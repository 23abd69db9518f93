//! Restart requests, the old kind and KIP-745's.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_connector_restart_is_answered_when_it_has_started() {
    let world = World::start().await;
    world.running("c").await;
    world.statuses.take("c");
    world.herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await.unwrap();
    assert_eq!(world.script.count("c.start"), 2);
    assert_eq!(world.statuses.take("c"), ["UNASSIGNED", "RUNNING"]);
    assert_eq!(world.script.count("c-0.start"), 1, "tasks are not touched");
    world.script.act("c.start", Act::Fail);
    let error = world.herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await.unwrap_err();
    assert!(error.to_string().contains("c.start failed"), "{error}");
    world.script.act("c.start", Act::Succeed);
    world.herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_not_answered_by_the_predecessor() {
    let world = World::start().await;
    world.running("c").await;
    // The old instance takes its time to stop; meanwhile it raises an error that is nobody's answer.
    world.script.act("c.stop", Act::Hang);
    let asked = tokio::spawn({
        let herder = world.herder.clone();
        async move { herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await }
    });
    world.called("c.stop", 1).await;
    world.script.host("c").raise_error(millstream_api::Error::fatal("old"));
    asked.await.unwrap().unwrap();
    assert_eq!(world.script.count("c.start"), 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_connector_that_is_deleted_is_told() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c.start", Act::Hang);
    let asked = tokio::spawn({
        let herder = world.herder.clone();
        async move { herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await }
    });
    world.called("c.start", 2).await;
    world.delete("c").await;
    assert_eq!(asked.await.unwrap().unwrap_err().kind(), millstream_api::ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_task_restart_revives_a_failed_task() {
    let world = World::start().await;
    world.running("c").await;
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world.script.act("c-0.poll", Act::Succeed);
    let task = |n| millstream_api::TaskId::new("c", n);
    world.herder.ask(|reply| Request::RestartTask(task(0), reply)).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!((world.script.count("c-0.start"), world.script.count("c-1.start")), (2, 1));
    assert!(world.herder.ask(|reply| Request::RestartTask(task(2), reply)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_that_is_still_ending_is_restarted_without_another_word() {
    let world = World::start().await;
    world.running("c").await;
    world.statuses.take("c-0");
    world.script.act("c-0.stop", Act::Hang);
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world.script.act("c-0.poll", Act::Succeed);
    world.herder.ask(|reply| Request::RestartTask(millstream_api::TaskId::new("c", 0), reply)).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.statuses.take("c-0"), ["FAILED", "RUNNING"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_restarts_what_it_names() {
    let world = World::start().await;
    world.running("c").await;
    for who in ["c", "c-0", "c-1"] {
        world.statuses.take(who);
    }
    let answer = world.restart("c", true, false).await.unwrap();
    assert_eq!((answer.connector.state, answer.tasks[1].instance.state), ("RESTARTING", "RESTARTING"));
    world.called("c-1.start", 2).await;
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    for who in ["c", "c-0", "c-1"] {
        assert_eq!(world.statuses.take(who), ["UNASSIGNED", "RESTARTING", "RUNNING"], "{who}");
    }
    world.script.act("c-1.poll", Act::Fail);
    world.until("c", "RUNNING: RUNNING FAILED").await;
    world.script.act("c-1.poll", Act::Succeed);
    world.restart("c", true, true).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    let starts = ["c.start", "c-0.start", "c-1.start"].map(|call| world.script.count(call));
    assert_eq!(starts, [2, 2, 3]);
    assert!(world.restart("none", true, true).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_connector_stays_stopped() {
    let world = World::start().await;
    world.put("c", &[], Some(TargetState::Stopped)).await.unwrap();
    world.until("c", "STOPPED").await;
    world.herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await.unwrap();
    world.restart("c", true, false).await.unwrap();
    world.rest().await;
    assert_eq!(world.shape("c").await, "STOPPED");
    assert_eq!(world.script.count("c.start"), 0);
    let task = millstream_api::TaskId::new("c", 0);
    let error = world.herder.ask(|reply| Request::RestartTask(task, reply)).await.unwrap_err();
    assert!(error.kind() == millstream_api::ErrorKind::Conflict && error.to_string().contains("no known leader URL"));
}
