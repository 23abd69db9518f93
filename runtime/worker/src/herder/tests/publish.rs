//! Which tasks there are to be: asked of the connector, written by the leader.

use super::*;
use crate::store::ConfigStore;

#[tokio::test(start_paused = true)]
async fn task_configs_are_asked_for_again_until_they_can_be_made() {
    let world = World::start().await;
    world.script.act("c.task_configs", Act::Fail);
    world.put("c", &[], None).await.unwrap();
    world.until("c", "FAILED").await;
    world.called("c.task_configs", 4).await;
    world.script.act("c.task_configs", Act::Succeed);
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.statuses.take("c"), ["RUNNING", "FAILED", "RUNNING"]);
}

#[tokio::test(start_paused = true)]
async fn more_tasks_than_allowed_fail_the_connector_unless_it_may() {
    let world = World::start().await;
    world.script.tasks(&["a", "b", "c"]);
    world.put("c", &[], None).await.unwrap();
    world.until("c", "FAILED").await;
    assert!(world.status("c").await.unwrap().connector.trace.unwrap().contains("tasks.max"));
    world.put("c", &[("tasks.max.enforce", "false")], None).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_failed_is_tried_again_and_holds_up_nobody() {
    let world = World::start().await;
    *world.configs.failures.lock() = 3;
    world.put("c", &[], None).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert_eq!(world.script.count("c.task_configs"), 4);
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_of_a_connector_is_the_one_that_stays() {
    let world = World::start().await;
    world.running("c").await;
    // The write of another set waits; meanwhile the connector goes back to the first one.
    world.configs.gate.forget_permits(usize::MAX);
    world.script.tasks(&["x", "y"]);
    world.script.host("c").request_task_reconfiguration();
    world.called("c.task_configs", 2).await;
    world.script.tasks(&["a", "b"]);
    world.script.host("c").request_task_reconfiguration();
    world.called("c.task_configs", 3).await;
    world.configs.gate.add_permits(100);
    world.rest().await;
    assert_eq!(world.configs.state().task_configs("c")[0].get("value"), Some("a"));
    world.until("c", "RUNNING: RUNNING RUNNING").await;
}

#[tokio::test(start_paused = true)]
async fn no_task_is_written_for_a_connector_that_was_stopped_meanwhile() {
    let world = World::start().await;
    world.running("c").await;
    world.configs.gate.forget_permits(usize::MAX);
    let stopping = tokio::spawn({
        let herder = world.herder.clone();
        async move { herder.ask(|reply| Request::SetTarget("c".into(), TargetState::Stopped, reply)).await }
    });
    moment().await;
    world.script.tasks(&["x", "y"]);
    world.script.host("c").request_task_reconfiguration();
    world.called("c.task_configs", 2).await;
    world.configs.gate.add_permits(100);
    stopping.await.unwrap().unwrap();
    world.rest().await;
    assert_eq!(world.shape("c").await, "STOPPED");
    assert!(world.configs.state().task_configs("c").is_empty());
}
