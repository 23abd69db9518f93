//! What sink tasks commit, and when: asked for, refused, and without a broker.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use millstream_api::ConnectorKind;
use millstream_core::cluster::{State, TargetState};
use millstream_testbed::{Kafka, NewRecord};

use crate::harness::{Done, until};
use crate::sink::{Scene, check_order};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_to_an_idle_partition_while_the_task_is_away_is_read_though_it_begins_at_the_end() {
    let scene = Scene::new("idle", 2).await;
    scene.produce(2, 3).await;
    let latest = [("consumer.override.auto.offset.reset", "latest")];
    let opened = async |times: usize| {
        until("both partitions are open", async || {
            scene.done().iter().filter(|done| matches!(done, Done::Open(..))).count() == 2 * times
        })
        .await;
    };
    let running = scene.tasks.sink(0, &scene.topic, &latest);
    opened(1).await;
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await, BTreeMap::new(), "nothing has moved");
    let running = scene.tasks.sink(0, &scene.topic, &latest);
    opened(2).await;
    scene.topics.produce(&scene.topic, [NewRecord::value("4").partition(1)]).await.unwrap();
    until("the place of both is held", async || scene.committed().await == BTreeMap::from([(0, 3), (1, 4)])).await;
    scene.tasks.stop(running).await;
    scene.produce(2, 1).await;
    let running = scene.tasks.sink(0, &scene.topic, &latest);
    scene.until_put_of_all(2, 4).await;
    let puts: Vec<_> = scene.done().into_iter().filter(|done| matches!(done, Done::Put(..))).collect();
    assert!(puts.contains(&Done::Put(0, scene.partition(0), 3, 4)), "{puts:?}");
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await, BTreeMap::from([(0, 4), (1, 5)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_may_ask_for_a_commit_and_a_pause_is_one() {
    let kafka = millstream_testbed::shared().kafka().await.unwrap();
    let scene = Scene::on(&kafka.bootstrap(), "asked", 1, "3600000").await;
    let mut puts = 0;
    scene.tasks.book.on_put(0, move |host, batches| {
        puts += batches.len();
        if puts == 1 && !batches.is_empty() {
            host.request_commit();
        }
        Ok(())
    });
    let running = scene.tasks.start(ConnectorKind::Sink, 0, TargetState::Started, &[("topics", scene.topic.as_str())]);
    scene.produce(1, 1).await;
    until("what was asked for", async || scene.committed().await == BTreeMap::from([(0, 1)])).await;
    scene.produce(1, 1).await;
    scene.until_put(2).await;
    assert_eq!(scene.committed().await[&0], 1, "nobody asked");
    running.set_target(TargetState::Paused);
    scene.tasks.until_state(0, State::Paused).await;
    until("what was done before the pause", async || scene.committed().await[&0] == 2).await;
    scene.tasks.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_given_up_though_nobody_can_say_what_is_durable() {
    let scene = Scene::new("no-answer", 2).await;
    scene.produce(2, 5).await;
    scene.tasks.book.no_commit.store(true, Ordering::Relaxed);
    let first = scene.tasks.sink(0, &scene.topic, &[]);
    scene.until_put_of_all(2, 5).await;
    let second = scene.tasks.sink(1, &scene.topic, &[]);
    until("the second reads its part again", async || {
        scene.done().iter().any(|done| matches!(done, Done::Put(1, _, 0, _)))
    })
    .await;
    assert_eq!(scene.committed().await, BTreeMap::new());
    scene.tasks.book.no_commit.store(false, Ordering::Relaxed);
    until("both commit", async || scene.committed().await == BTreeMap::from([(0, 5), (1, 5)])).await;
    scene.tasks.stop(first).await;
    scene.tasks.stop(second).await;
    check_order(&scene.tasks.book);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_lost_to_a_silent_broker_are_closed_without_a_commit_and_read_again() {
    let kafka = Kafka::builder().setting("group.min.session.timeout.ms", 500).start().await.unwrap();
    let scene = Scene::on(&kafka.bootstrap(), "lost", 2, "50").await;
    let short = [
        ("consumer.override.session.timeout.ms", "1500"),
        ("consumer.override.heartbeat.interval.ms", "300"),
        ("consumer.override.auto.offset.reset", "latest"),
    ];
    *scene.tasks.book.durable.lock() = Some(3);
    let running = scene.tasks.sink(0, &scene.topic, &short);
    until("it is open", async || scene.done().len() == 2).await;
    scene.topics.produce(&scene.topic, (0..10).map(|n| NewRecord::value(n.to_string()).partition(0))).await.unwrap();
    until("all is put", async || scene.tasks.book.ends(&scene.topic).get(&0) == Some(&10)).await;
    until("a part is committed", async || scene.committed().await == BTreeMap::from([(0, 3), (1, 0)])).await;
    let before = scene.done().len();
    kafka.pause().unwrap();
    until("the membership is lost", async || scene.done()[before..].iter().any(|d| matches!(d, Done::Close(..)))).await;
    *scene.tasks.book.durable.lock() = None;
    kafka.resume().unwrap();
    until("all of it again", async || scene.done()[before..].iter().any(|done| matches!(done, Done::Put(_, _, _, 10))))
        .await;
    let first = scene.done()[before..].iter().find(|done| matches!(done, Done::Put(..))).cloned();
    assert!(matches!(first, Some(Done::Put(_, _, 3, _))), "{first:?}");
    until("it commits again", async || scene.committed().await == BTreeMap::from([(0, 10), (1, 0)])).await;
    scene.tasks.stop(running).await;
    check_order(&scene.tasks.book);
}
