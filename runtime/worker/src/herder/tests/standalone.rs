//! A standalone worker answers a new configuration when the tasks are there.

use super::*;
use crate::herder::PutTaskConfigs;

impl World {
    async fn standalone() -> Self {
        let settings = [
            ("bootstrap.servers", "localhost:9092"),
            ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("offset.storage.file.filename", "offsets"),
        ];
        let worker = Arc::new(WorkerConfig::parse(&settings.into_iter().collect::<Config>()).unwrap());
        let script = Arc::new(Script::default());
        script.tasks(&["a", "b"]);
        Self::with(worker, script, Arc::default(), Arc::default()).await
    }

    async fn put_for_tasks(&self, name: &str, initial_state: Option<TargetState>) -> Result<usize> {
        let config = [("name", name), ("connector.class", "test.Scripted"), ("tasks.max", "2")].into_iter().collect();
        let put = PutConnector { name: name.into(), config, initial_state, replace: true };
        Ok(self.herder.ask(|reply| Request::Put(put, reply)).await?.1.tasks.len())
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_create_lists_the_tasks() {
    let world = World::standalone().await;
    assert_eq!(world.put_for_tasks("c", None).await.unwrap(), 2);
    world.script.tasks(&["a", "b", "c"]);
    let error = world.put_for_tasks("c", None).await.unwrap_err();
    assert!(error.to_string().contains("tasks.max"), "{error}");
    world.script.tasks(&["a"]);
    assert_eq!(world.put_for_tasks("c", None).await.unwrap(), 1);
    for (name, target) in [("p", TargetState::Paused), ("s", TargetState::Stopped)] {
        assert_eq!(world.put_for_tasks(name, Some(target)).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_does_not_start_says_why() {
    let world = World::standalone().await;
    world.script.act("c.start", Act::Fail);
    let error = world.put_for_tasks("c", None).await.unwrap_err();
    assert!(error.to_string().contains("c.start failed"), "{error}");
    assert_eq!(world.shape("c").await, "FAILED");
    world.script.act("d.start", Act::Hang);
    let waiting = {
        let herder = world.herder.clone();
        let config = [("name", "d"), ("connector.class", "test.Scripted")].into_iter().collect();
        let put = PutConnector { name: "d".into(), config, initial_state: None, replace: false };
        tokio::spawn(async move { herder.ask(|reply| Request::Put(put, reply)).await })
    };
    world.called("d.start", 1).await;
    world.running_like("e").await;
    world.delete("d").await;
    assert!(waiting.await.unwrap().is_err());
}

impl World {
    async fn running_like(&self, name: &str) {
        assert_eq!(self.put_for_tasks(name, None).await.unwrap(), 2);
        self.until(name, "RUNNING: RUNNING RUNNING").await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_workers_have_nothing_to_say() {
    let world = World::standalone().await;
    let tasks = PutTaskConfigs { connector: "c".into(), configs: Vec::new() };
    let error = world.herder.ask(|reply| Request::PutTaskConfigs(tasks, reply)).await.unwrap_err();
    assert_eq!(error.kind(), millstream_api::ErrorKind::Fatal);
    assert!(world.herder.ask(|reply| Request::Fence("c".into(), reply)).await.is_err());
}
