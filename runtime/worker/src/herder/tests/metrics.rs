//! What the metrics show of connectors and tasks, from their start to their end.

use super::*;

impl World {
    fn shows(&self, series: &str) -> bool {
        self.metrics.render().unwrap().lines().any(|line| line.starts_with(series))
    }
}

const FAILED: &str = r#"kafka_connect_connector_task_status{connector="c",task="0",status="failed"} 1"#;

#[tokio::test(start_paused = true)]
async fn a_failed_task_is_shown_until_it_is_restarted() {
    let world = World::start().await;
    world.running("c").await;
    assert!(world.shows("kafka_connect_worker_task_count 2"));
    assert!(world.shows(r#"kafka_connect_connector_status{connector="c",status="running"} 1"#));
    world.script.act("c-0.poll", Act::Fail);
    world.until("c", "RUNNING: FAILED RUNNING").await;
    // Its end, which its sending thread takes part in, is nothing that could be waited for.
    for _ in 0..200 {
        moment().await;
        assert!(world.shows(FAILED));
    }
    assert!(world.shows(FAILED) && world.shows("kafka_connect_worker_task_count 2"));
    assert!(world.shows(r#"kafka_connect_worker_connector_failed_task_count{connector="c"} 1"#));
    world.script.act("c-0.poll", Act::Succeed);
    let task = millstream_api::TaskId::new("c", 0);
    world.herder.ask(|reply| Request::RestartTask(task, reply)).await.unwrap();
    world.until("c", "RUNNING: RUNNING RUNNING").await;
    assert!(!world.shows(FAILED));
    assert!(world.shows(r#"kafka_connect_connector_task_status{connector="c",task="0",status="running"} 1"#));
    assert!(world.shows("kafka_connect_worker_task_startup_success_total 3"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_connector_is_shown() {
    let world = World::start().await;
    world.running("c").await;
    world.script.host("c").raise_error(millstream_api::Error::fatal("gone"));
    world.until("c", "FAILED: RUNNING RUNNING").await;
    // Everything has come to rest when the paused clock goes on, the end of the instance too.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(world.shows(r#"kafka_connect_connector_status{connector="c",status="failed"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_or_deleted_is_shown_no_more() {
    let world = World::start().await;
    world.running("c").await;
    world.herder.ask(|reply| Request::SetTarget("c".into(), TargetState::Stopped, reply)).await.unwrap();
    world.until("c", "STOPPED").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(world.shows("kafka_connect_worker_task_count 0"));
    assert!(world.shows(r#"kafka_connect_connector_status{connector="c",status="stopped"} 1"#));
    world.delete("c").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let left: Vec<_> =
        world.metrics.render().unwrap().lines().filter(|line| line.contains("\"c\"")).map(str::to_owned).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connector_of_no_known_class_is_shown_as_failed() {
    let world = World::start().await;
    let unknown = world.put("c", &[("connector.class", "test.Nobody")], None).await;
    assert!(unknown.is_ok());
    world.until("c", "FAILED").await;
    assert!(world.shows(r#"kafka_connect_connector_status{connector="c",status="failed"} 1"#));
    assert!(world.shows("kafka_connect_worker_connector_startup_failure_total 1"));
}
