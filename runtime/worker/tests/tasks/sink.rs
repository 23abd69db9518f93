//! Sink tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_api::{ConnectorKind, Error, PartitionOffsets, TopicPartition};
use millstream_core::cluster::{State, TargetState};
use millstream_testbed::{NewRecord, Topics, shared, unique};

use crate::harness::{Book, Done, Tasks, until};

/// A topic, and tasks that read it.
pub struct Scene {
    pub topics: Topics,
    pub topic: String,
    pub tasks: Tasks,
}

impl Scene {
    pub async fn new(name: &str, partitions: i32) -> Self {
        Self::on(&shared().kafka().await.unwrap().bootstrap(), name, partitions, "50").await
    }

    /// On another broker, and with another interval between flushes, in milliseconds.
    pub async fn on(bootstrap: &str, name: &str, partitions: i32, flush: &str) -> Self {
        let (topics, topic) = (Topics::new(bootstrap), unique(name));
        topics.create(&topic, partitions, &[]).await.unwrap();
        let tasks = Tasks::with_flush_interval(bootstrap, &topic, flush).await;
        Self { topics, topic, tasks }
    }

    /// `count` more records to each of the partitions.
    pub async fn produce(&self, partitions: i32, count: usize) {
        let records =
            (0..count).flat_map(|n| (0..partitions).map(move |p| NewRecord::value(format!("{p}-{n}")).partition(p)));
        self.topics.produce(&self.topic, records).await.unwrap();
    }

    /// Records in several runs: while the task is busy with the first, the others wait for it.
    async fn produce_runs(&self, partitions: i32, runs: usize) {
        for _ in 0..runs {
            self.produce(partitions, 10).await;
        }
    }

    pub fn partition(&self, number: i32) -> TopicPartition {
        TopicPartition::new(self.topic.as_str(), number)
    }

    pub fn done(&self) -> Vec<Done> {
        self.tasks.book.done.lock().clone()
    }

    pub async fn committed(&self) -> BTreeMap<i32, i64> {
        self.topics.committed(&format!("connect-{}", self.tasks.name), &self.topic).await.unwrap()
    }

    pub async fn until_put(&self, end: i64) {
        until(&format!("records before {end} are put"), async || {
            let ends = self.tasks.book.ends(&self.topic);
            !ends.is_empty() && ends.values().all(|&e| e >= end)
        })
        .await;
    }

    pub async fn until_put_of_all(&self, partitions: usize, end: i64) {
        until(&format!("records before {end} are put"), async || {
            let ends = self.tasks.book.ends(&self.topic);
            ends.len() == partitions && ends.values().all(|&e| e >= end)
        })
        .await;
    }
}

/// Records come only between open and close, without a gap within an assignment, and no assignment begins after records that
/// nobody was given.
pub fn check_order(book: &Book) {
    let mut open: BTreeMap<TopicPartition, (u32, Option<i64>)> = BTreeMap::new();
    let mut ends: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    let all = book.done.lock().clone();
    for done in &all {
        match done {
            Done::Open(task, partition) => {
                assert!(open.insert(partition.clone(), (*task, None)).is_none(), "{partition} has two owners");
            }
            Done::Close(task, partition) => {
                assert_eq!(open.remove(partition).map(|(owner, _)| owner), Some(*task), "{done:?}");
            }
            Done::Refused(task, partition, ..) => assert_eq!(open[partition].0, *task, "{done:?}"),
            Done::Put(task, partition, first, end) => {
                let (owner, next) = open.get_mut(partition).unwrap_or_else(|| panic!("not assigned: {done:?}"));
                assert_eq!(owner, task, "{done:?}");
                let seen = ends.entry(partition.clone()).or_insert(0);
                match next {
                    Some(next) => assert_eq!(first, next, "{done:?} of {:?}", of(book, partition)),
                    None => assert!(*first <= *seen, "skipped up to {first} after {seen}: {done:?}"),
                }
                (*next, *seen) = (Some(*end), (*seen).max(*end));
            }
        }
    }
}

/// What happened to one partition.
fn of(book: &Book, partition: &TopicPartition) -> Vec<Done> {
    let is_of = |done: &&Done| match done {
        Done::Open(_, p) | Done::Close(_, p) | Done::Put(_, p, ..) | Done::Refused(_, p, ..) => p == partition,
    };
    book.done.lock().iter().filter(is_of).cloned().collect()
}

const STRATEGY: &str = "consumer.override.partition.assignment.strategy";

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_between_two_tasks_skips_nothing() {
    rebalance("rebalance", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_round_robin_skips_nothing() {
    rebalance("roundrobin", &[(STRATEGY, "org.apache.kafka.clients.consumer.RoundRobinAssignor")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooperative_rebalance_skips_nothing_and_takes_no_more_than_it_must() {
    let strategy = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";
    let done = rebalance("cooperative", &[(STRATEGY, strategy)]).await;
    let before_second = done.iter().take_while(|done| !matches!(done, Done::Open(1, _)));
    let closed = before_second.filter(|done| matches!(done, Done::Close(..))).count();
    assert_eq!(closed, 2, "half of the partitions: {done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_by_the_broker_skips_nothing() {
    rebalance("brokers", &[("consumer.override.group.protocol", "consumer")]).await;
}

/// Two tasks with these settings share four partitions, then one of them ends; what they did.
async fn rebalance(name: &str, config: &[(&str, &str)]) -> Vec<Done> {
    let scene = Scene::new(name, 4).await;
    *scene.tasks.book.put_takes.lock() = Duration::from_millis(100);
    let first = scene.tasks.sink(0, &scene.topic, config);
    scene.produce(4, 10).await;
    scene.until_put(1).await;
    // Records of all partitions wait in the first task when they are taken from it.
    let second = scene.tasks.sink(1, &scene.topic, config);
    until("both have partitions", async || {
        scene.produce(4, 10).await;
        scene.done().iter().any(|done| matches!(done, Done::Put(1, ..)))
    })
    .await;
    *scene.tasks.book.put_takes.lock() = Duration::ZERO;
    scene.tasks.stop(first).await;
    scene.produce(4, 50).await;
    let end = scene.topics.end_offsets(&scene.topic).await.unwrap()[&0];
    scene.until_put_of_all(4, end).await;
    scene.tasks.stop(second).await;
    check_order(&scene.tasks.book);
    assert_eq!(scene.committed().await, (0..4).map(|p| (p, end)).collect());
    scene.done()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_holds_back_stays_so_when_a_rebalance_gives_it_back() {
    let scene = Scene::new("given-back", 2).await;
    let (held, mut asked) = (scene.partition(0), false);
    scene.tasks.book.on_put(0, move |host, batches| {
        if batches.iter().any(|batch| batch.origin == held) && !std::mem::replace(&mut asked, true) {
            host.pause(std::slice::from_ref(&held));
        }
        Ok(())
    });
    let first = scene.tasks.sink(0, &scene.topic, &[]);
    scene.produce(2, 1).await;
    scene.until_put_of_all(2, 1).await;
    // By the order of client ids the first task keeps the partition.
    let second = scene.tasks.sink(1, &scene.topic, &[]);
    until("the second has the other partition", async || scene.done().contains(&Done::Open(1, scene.partition(1))))
        .await;
    scene.produce(2, 1).await;
    until("the second goes on", async || scene.tasks.book.ends(&scene.topic)[&1] == 2).await;
    let opened = scene.done().iter().filter(|done| **done == Done::Open(0, scene.partition(0))).count();
    assert_eq!((opened, scene.tasks.book.ends(&scene.topic)[&0]), (2, 1), "taken, given back, and still held");
    let held = scene.partition(0);
    scene.tasks.book.on_put(0, move |host, _| {
        host.resume(std::slice::from_ref(&held));
        Ok(())
    });
    scene.until_put_of_all(2, 2).await;
    scene.tasks.stop(first).await;
    scene.tasks.stop(second).await;
    check_order(&scene.tasks.book);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_is_no_larger_than_a_poll() {
    let scene = Scene::new("polls", 1).await;
    scene.produce(1, 10).await;
    let running = scene.tasks.sink(0, &scene.topic, &[("consumer.override.max.poll.records", "3")]);
    scene.until_put(10).await;
    scene.tasks.stop(running).await;
    let sizes = scene.done().into_iter().filter_map(|done| match done {
        Done::Put(_, _, first, end) => Some(end - first),
        _ => None,
    });
    assert!(sizes.max() <= Some(3), "{:?}", scene.done());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_longer_than_the_poll_interval_keeps_the_membership() {
    let scene = Scene::new("slow", 1).await;
    scene.produce(1, 1).await;
    *scene.tasks.book.put_takes.lock() = Duration::from_millis(7500);
    let config = [("consumer.override.max.poll.interval.ms", "6000"), ("consumer.override.session.timeout.ms", "6000")];
    let running = scene.tasks.sink(0, &scene.topic, &config);
    scene.until_put(1).await;
    *scene.tasks.book.put_takes.lock() = Duration::ZERO;
    scene.produce(1, 1).await;
    scene.until_put(2).await;
    let partition = scene.partition(0);
    let expected =
        [Done::Open(0, partition.clone()), Done::Put(0, partition.clone(), 0, 1), Done::Put(0, partition, 1, 2)];
    assert_eq!(scene.done(), expected);
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await[&0], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retriable_put_gets_the_same_again() {
    let scene = Scene::new("again", 1).await;
    scene.produce(1, 5).await;
    let mut left = 3;
    scene.tasks.book.on_put(0, move |host, batches| {
        if batches.is_empty() || left == 0 {
            return Ok(());
        }
        left -= 1;
        host.retry_after(Duration::from_millis(20));
        Err(Error::retriable("the bucket is slow"))
    });
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    scene.until_put(5).await;
    scene.tasks.stop(running).await;
    let done = scene.done();
    let Done::Refused(_, _, first, end) = done[1] else { panic!("{done:?}") };
    let partition = scene.partition(0);
    assert_eq!(done[1..4], [(); 3].map(|()| Done::Refused(0, partition.clone(), first, end)));
    assert_eq!(done[4], Done::Put(0, partition, first, end));
    check_order(&scene.tasks.book);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewind_delivers_again_from_there() {
    let scene = Scene::new("rewind", 1).await;
    scene.produce(1, 100).await;
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    scene.until_put(100).await;
    // Asked for together with a retry, while more records wait: what was refused comes in its place, after what is before it.
    *scene.tasks.book.put_takes.lock() = Duration::from_millis(400);
    let (back, mut puts) = (PartitionOffsets::from([(scene.partition(0), 40)]), 0);
    scene.tasks.book.on_put(0, move |host, batches| {
        puts += usize::from(!batches.is_empty());
        if batches.is_empty() || puts != 2 {
            return Ok(());
        }
        host.rewind(back.clone());
        host.retry_after(Duration::ZERO);
        Err(Error::retriable("lost what was buffered"))
    });
    scene.produce_runs(1, 6).await;
    until("the rewind", async || scene.done().iter().any(|done| matches!(done, Done::Refused(..)))).await;
    *scene.tasks.book.put_takes.lock() = Duration::ZERO;
    let after = || scene.done().into_iter().skip_while(|done| !matches!(done, Done::Refused(..)));
    until("all is put again", async || after().any(|done| matches!(done, Done::Put(_, _, _, 160)))).await;
    let puts: Vec<_> = after()
        .filter_map(|done| match done {
            Done::Put(_, _, first, end) => Some((first, end)),
            _ => None,
        })
        .collect();
    assert_eq!(puts[0].0, 40, "{puts:?}");
    assert!(puts.windows(2).all(|pair| pair[0].1 == pair[1].0), "{puts:?}");
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await[&0], 160);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_may_say_at_its_open_where_to_go_on() {
    let scene = Scene::new("open", 1).await;
    scene.produce(1, 60).await;
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    scene.until_put(60).await;
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await[&0], 60);
    let before = scene.done().len();
    // The destination has less than was committed.
    *scene.tasks.book.on_open.lock() = Some(PartitionOffsets::from([(scene.partition(0), 10)]));
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    until("all from there on", async || {
        scene.done().iter().skip(before).any(|done| matches!(done, Done::Put(_, _, _, 60)))
    })
    .await;
    let first = scene.done().into_iter().skip(before).find(|done| matches!(done, Done::Put(..)));
    assert!(matches!(first, Some(Done::Put(_, _, 10, _))), "{first:?}");
    scene.tasks.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_task_calls_durable_is_committed() {
    let scene = Scene::new("durable", 1).await;
    scene.produce(1, 10).await;
    *scene.tasks.book.durable.lock() = Some(3);
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    scene.until_put(10).await;
    until("a commit", async || scene.committed().await.contains_key(&0)).await;
    assert_eq!(scene.committed().await[&0], 3);
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await[&0], 3, "a stop commits no more than that");
    *scene.tasks.book.durable.lock() = None;
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    until("the rest again", async || scene.done().iter().filter(|d| matches!(d, Done::Put(_, _, _, 10))).count() == 2)
        .await;
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await[&0], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_can_be_taken_from_a_task_that_retries() {
    let scene = Scene::new("stuck", 2).await;
    scene.produce(2, 20).await;
    scene.tasks.book.on_put(0, |_, batches| {
        if batches.is_empty() { Ok(()) } else { Err(Error::retriable("its destination is away")) }
    });
    let first = scene.tasks.sink(0, &scene.topic, &[]);
    until("it tries", async || scene.done().iter().any(|done| matches!(done, Done::Refused(..)))).await;
    let second = scene.tasks.sink(1, &scene.topic, &[]);
    until("the other task puts its part", async || scene.tasks.book.ends(&scene.topic).values().any(|&end| end == 20))
        .await;
    scene.tasks.stop(first).await;
    scene.until_put_of_all(2, 20).await;
    scene.tasks.stop(second).await;
    check_order(&scene.tasks.book);
    assert_eq!(scene.committed().await, BTreeMap::from([(0, 20), (1, 20)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_a_task_pauses_wait_without_loss() {
    let scene = Scene::new("hold", 2).await;
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    scene.produce(2, 10).await;
    scene.until_put_of_all(2, 10).await;
    *scene.tasks.book.put_takes.lock() = Duration::from_millis(400);
    let (held, book, mut puts) = (scene.partition(0), scene.tasks.book.clone(), 0);
    let (asked, mut asked_at) = tokio::sync::mpsc::unbounded_channel();
    scene.tasks.book.on_put(0, move |host, batches| {
        puts += usize::from(!batches.is_empty());
        // The first put takes its time; behind it wait records of both partitions.
        if puts == 2 && !batches.is_empty() {
            host.pause(std::slice::from_ref(&held));
            let _ = asked.send(book.done.lock().len() + batches.len());
        }
        Ok(())
    });
    scene.produce_runs(2, 6).await;
    let after_pause = asked_at.recv().await.unwrap();
    *scene.tasks.book.put_takes.lock() = Duration::ZERO;
    until("the other partition goes on", async || {
        scene.produce(2, 50).await;
        scene.tasks.book.ends(&scene.topic)[&1] >= 200
    })
    .await;
    let held =
        scene.done().into_iter().skip(after_pause).find(|d| matches!(d, Done::Put(_, p, ..) if p.partition == 0));
    assert_eq!(held, None, "after the pause");
    let (held, mut asked) = (scene.partition(0), false);
    scene.tasks.book.on_put(0, move |host, _| {
        if !std::mem::replace(&mut asked, true) {
            host.resume(std::slice::from_ref(&held));
        }
        Ok(())
    });
    let end = scene.topics.end_offsets(&scene.topic).await.unwrap()[&0];
    scene.until_put_of_all(2, end).await;
    scene.tasks.stop(running).await;
    check_order(&scene.tasks.book);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connector_is_given_nothing_but_time() {
    let scene = Scene::new("paused", 1).await;
    scene.produce(1, 5).await;
    let running = scene.tasks.start(ConnectorKind::Sink, 0, TargetState::Paused, &[("topics", scene.topic.as_str())]);
    scene.tasks.until_state(0, State::Paused).await;
    running.set_target(TargetState::Started);
    scene.until_put(5).await;
    running.set_target(TargetState::Paused);
    scene.tasks.until_state(0, State::Paused).await;
    let (idle, mut idle_puts) = tokio::sync::mpsc::unbounded_channel();
    scene.tasks.book.on_put(0, move |_, batches| {
        let _ = idle.send(batches.len());
        Ok(())
    });
    scene.produce(1, 5).await;
    for _ in 0..2 {
        assert_eq!(idle_puts.recv().await, Some(0), "timers of the task run, records wait");
    }
    running.set_target(TargetState::Started);
    scene.until_put(10).await;
    scene.tasks.stop(running).await;
    check_order(&scene.tasks.book);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_is_named_or_skipped() {
    let scene = Scene::new("bad", 1).await;
    let records = ["1", "2", "{no json", "4"].map(NewRecord::value);
    scene.topics.produce(&scene.topic, records).await.unwrap();
    let json = [
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
    ];
    let running = scene.tasks.sink(0, &scene.topic, &json);
    let trace = scene.tasks.until_state(0, State::Failed).await;
    assert!(trace.contains(&format!("topic {}, partition 0, offset 2", scene.topic)), "{trace}");
    assert!(!trace.contains("no json"), "no values: {trace}");
    scene.tasks.stop(running).await;
    assert!(scene.committed().await.get(&0).is_none_or(|&at| at <= 2));
    let running = scene.tasks.sink(0, &scene.topic, &[json.as_slice(), &[("errors.tolerance", "all")]].concat());
    scene.until_put(4).await;
    scene.tasks.stop(running).await;
    assert_eq!(scene.committed().await[&0], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_put_commits_nothing_of_its_batch() {
    let scene = Scene::new("failed", 1).await;
    scene.produce(1, 5).await;
    scene.tasks.book.on_put(
        0,
        |_, batches| {
            if batches.is_empty() { Ok(()) } else { Err(Error::fatal("no such bucket")) }
        },
    );
    let running = scene.tasks.sink(0, &scene.topic, &[]);
    let trace = scene.tasks.until_state(0, State::Failed).await;
    assert!(trace.contains("no such bucket"), "{trace}");
    scene.tasks.stop(running).await;
    assert!(scene.committed().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_is_known_with_and_without_records() {
    let scene = Scene::new("lag", 1).await;
    let client = format!(r#",clientid="connector-consumer-{}-0""#, scene.topic);
    let partition = format!(r#"{client},topic="{}",partition="0""#, scene.topic);
    let lag = || scene.tasks.metric_of("kafka_consumer_fetch_manager_records_lag", &partition);
    let first = scene.tasks.sink(0, &scene.topic, &[]);
    until("an empty partition has no lag", async || lag() == Some(0.0)).await;
    *scene.tasks.book.durable.lock() = Some(4);
    scene.produce(1, 10).await;
    until("all is put", async || scene.tasks.book.ends(&scene.topic).get(&0) == Some(&10)).await;
    until("four are committed", async || scene.committed().await.get(&0) == Some(&4)).await;
    until("six are not", async || scene.tasks.metric("kafka_connect_sink_task_sink_record_active_count") == Some(6.0))
        .await;
    *scene.tasks.book.durable.lock() = None;
    until("all are committed", async || scene.committed().await.get(&0) == Some(&10)).await;
    scene.tasks.stop(first).await;
    // Nothing is read after this start, and yet it is known that nothing is missing; then the task is behind.
    scene.tasks.book.on_put(0, |host, batches| {
        host.retry_after(Duration::from_millis(5));
        if batches.is_empty() { Ok(()) } else { Err(Error::retriable("not now")) }
    });
    let second = scene.tasks.sink(0, &scene.topic, &[]);
    until("it is known where it is", async || lag() == Some(0.0)).await;
    scene.produce(1, 7).await;
    until("seven wait", async || lag() == Some(7.0)).await;
    let largest = scene.tasks.metric_of("kafka_consumer_fetch_manager_records_lag_max", &client);
    assert_eq!(largest, Some(7.0));
    scene.tasks.stop(second).await;
}
