//! What has failed is restarted without being asked, if the connector's configuration says so.

use millstream_core::cluster::RestartPolicy;
use tokio::time::Instant;

use super::*;

const TWICE: [(&str, &str); 3] =
    [(RestartPolicy::MAX, "2"), (RestartPolicy::DELAY, "10000"), (RestartPolicy::RESET, "600000")];

async fn failing_task() -> World {
    let world = World::start().await;
    world.put("c", &TWICE, None).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    world.statuses.take("c-0");
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world
}

impl World {
    async fn task_trace(&self) -> String {
        self.status("c").await.unwrap().tasks[0].instance.trace.clone().unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_restarted_as_often_as_allowed_and_its_status_says_so() {
    let start = Instant::now();
    let world = failing_task().await;
    let trace = world.task_trace().await;
    assert!(trace.contains("c-0.poll failed") && trace.ends_with("restart 1 of 2 in 10 s\n"), "{trace}");
    world.called("c-0.start", 2).await;
    let waited = start.elapsed().as_secs();
    assert!((10..12).contains(&waited), "{waited}");
    world.until("c", "RUNNING: FAILED RUNNING").await;
    assert!(world.task_trace().await.ends_with("restart 2 of 2 in 20 s\n"));
    world.called("c-0.start", 3).await;
    world.rest().await;
    world.rest().await;
    let trace = world.task_trace().await;
    assert!(trace.contains("c-0.poll failed") && trace.contains("2 of 2 restarts did not help"), "{trace}");
    assert_eq!((world.script.count("c-0.start"), world.script.count("c-1.start")), (3, 1));
    // It may fail before it shows as RUNNING.
    let told: Vec<_> = world.statuses.take("c-0").into_iter().filter(|state| state != "RUNNING").collect();
    assert_eq!(told, ["FAILED", "RESTARTING", "FAILED", "RESTARTING", "FAILED"]);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_time_makes_the_count_start_anew() {
    let world = failing_task().await;
    world.script.act("c-0.poll", Act::Succeed);
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.task_trace().await, "");
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    assert!(world.task_trace().await.contains("restart 2 of 2 in 20 s"));
    world.script.act("c-0.poll", Act::Succeed);
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    assert!(world.task_trace().await.contains("restart 1 of 2 in 10 s"));
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_takes_the_place_of_the_one_to_come() {
    let world = failing_task().await;
    let task = millstream_api::TaskId::new("c", 0);
    world.script.act("c-0.poll", Act::Succeed);
    world.herder.ask(|reply| Request::RestartTask(task, reply)).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    world.rest().await;
    assert_eq!(world.script.count("c-0.start"), 2, "once");
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    assert!(world.task_trace().await.contains("restart 1 of 2"), "the count starts anew");
}

#[tokio::test(start_paused = true)]
async fn a_restart_by_hand_is_not_disturbed() {
    let world = World::start().await;
    world.script.act("c.start", Act::Fail);
    world.put("c", &TWICE, None).await.unwrap();
    world.until("c", "FAILED").await;
    world.script.act("c.start", Act::Hang);
    let herder = world.herder.clone();
    tokio::spawn(async move { herder.ask(|reply| Request::RestartConnector("c".into(), reply)).await });
    world.called("c.start", 2).await;
    world.rest().await;
    assert_eq!(world.script.count("c.start"), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_restarted_that_was_stopped_or_deleted_meanwhile() {
    let world = failing_task().await;
    world.target("c", TargetState::Stopped).await;
    world.until("c", "STOPPED").await;
    world.rest().await;
    assert_eq!((world.shape("c").await.as_str(), world.script.count("c-0.start")), ("STOPPED", 1));
    world.script.act("d.start", Act::Fail);
    world.put("d", &TWICE, None).await.unwrap();
    world.until("d", "FAILED").await;
    world.delete("d").await;
    world.rest().await;
    assert_eq!((world.shape("d").await.as_str(), world.script.count("d.start")), ("", 1));
}

#[tokio::test(start_paused = true)]
async fn a_connector_is_restarted_too_and_keeps_its_trace_meanwhile() {
    let world = World::start().await;
    world.script.act("c.start", Act::Fail);
    world.put("c", &TWICE, None).await.unwrap();
    world.until("c", "FAILED").await;
    world.script.act("c.start", Act::Hang);
    world.until("c", "RESTARTING").await;
    let trace = world.status("c").await.unwrap().connector.trace.unwrap();
    assert!(trace.contains("c.start failed") && trace.ends_with("restart 1 of 2 in 10 s\n"), "{trace}");
    world.script.act("c.start", Act::Succeed);
    world.put("c", &TWICE, None).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_instance_that_hangs_while_it_ends_is_restarted_all_the_same() {
    let world = World::start().await;
    world.put("c", &TWICE, None).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    world.script.act("c-0.stop", Act::Hang);
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    world.script.act("c-0.poll", Act::Succeed);
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.script.count("c-0.start"), 2);
}

#[tokio::test(start_paused = true)]
async fn task_configs_that_fail_are_asked_for_again_and_nothing_is_restarted() {
    let world = World::start().await;
    world.script.act("c.task_configs", Act::Fail);
    world.put("c", &TWICE, None).await.unwrap();
    world.until("c", "FAILED").await;
    world.rest().await;
    assert_eq!(world.script.count("c.start"), 1);
    assert!(!world.status("c").await.unwrap().connector.trace.unwrap().contains("restart 1 of"));
}
