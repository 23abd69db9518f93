//! Offsets of consumer groups on a real broker, listed and changed from outside.

use std::time::Duration;

use millstream_api::{Config, PartitionOffsets, TopicPartition};
use millstream_core::settings::WorkerConfig;
use millstream_testbed::{NewRecord, Topics, shared, unique};
use millstream_worker::kafka::client_config::{ClientRole, worker_client};
use millstream_worker::kafka::error::code_of;
use millstream_worker::kafka::group_offsets::GroupOffsets;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode as Code;

fn group(bootstrap: &str, name: &str) -> GroupOffsets {
    let settings = [
        ("bootstrap.servers", bootstrap),
        ("offset.storage.file.filename", "unused"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ];
    let worker = WorkerConfig::parse(&settings.into_iter().collect::<Config>()).unwrap();
    GroupOffsets::new(name, &worker_client(ClientRole::Admin, &worker, "test", &[]).unwrap())
}

fn offsets(topic: &str, all: &[(i32, i64)]) -> PartitionOffsets {
    all.iter().map(|(partition, offset)| (TopicPartition::new(topic, *partition), *offset)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_group_without_members() {
    let kafka = shared().kafka().await.unwrap();
    let (name, topic) = (unique("group"), unique("topic"));
    let (group, topics) = (group(&kafka.bootstrap(), &name), Topics::new(kafka.bootstrap()));
    topics.create(&topic, 3, &[]).await.unwrap();

    assert!(group.list().await.unwrap().is_empty(), "there is no such group");
    assert!(!group.delete_group().await.unwrap());
    group.alter(&PartitionOffsets::new()).await.unwrap();

    // Beyond the end is no error.
    let set = offsets(&topic, &[(0, 5), (2, 99_999)]);
    group.alter(&set).await.unwrap();
    assert_eq!(group.list().await.unwrap(), set);
    assert_eq!(topics.committed(&name, &topic).await.unwrap()[&0], 5, "as any consumer sees it");
    group.alter(&offsets(&topic, &[(0, 6), (1, 0)])).await.unwrap();
    assert_eq!(group.list().await.unwrap(), offsets(&topic, &[(0, 6), (1, 0), (2, 99_999)]));

    group.delete(&[TopicPartition::new(topic.as_str(), 1)]).await.unwrap();
    group.delete(&[TopicPartition::new(topic.as_str(), 1)]).await.unwrap();
    assert_eq!(group.list().await.unwrap(), offsets(&topic, &[(0, 6), (2, 99_999)]));

    let error = group.alter(&offsets(&topic, &[(0, -1)])).await.unwrap_err();
    assert!(error.to_string().contains("negative"), "{error}");
    for (unknown, partition) in [(topic.as_str(), 7), (topic.as_str(), -1), ("no-such-topic", 0)] {
        let at = TopicPartition::new(unknown, partition);
        let altered = group.alter(&[(at.clone(), 1)].into()).await;
        let deleted = group.delete(std::slice::from_ref(&at)).await;
        for error in [altered.unwrap_err(), deleted.unwrap_err()] {
            let expected = matches!(code_of(&error), Some(Code::UnknownTopicOrPartition | Code::InvalidArgument));
            assert!(expected && error.to_string().contains(&at.to_string()), "{error}");
        }
    }
    assert!(!topics.names().await.unwrap().contains(&"no-such-topic".to_owned()));

    assert!(group.delete_group().await.unwrap());
    assert!(group.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_members_keeps_its_offsets() {
    let kafka = shared().kafka().await.unwrap();
    let (name, topic) = (unique("group"), unique("topic"));
    let (group, topics) = (group(&kafka.bootstrap(), &name), Topics::new(kafka.bootstrap()));
    topics.create(&topic, 1, &[]).await.unwrap();
    topics.produce(&topic, [NewRecord::value("x")]).await.unwrap();
    group.alter(&offsets(&topic, &[(0, 0)])).await.unwrap();

    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", &name)
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    let consumer = tokio::task::spawn_blocking(move || {
        // A record means that it is a member.
        while consumer.poll(Duration::from_millis(500)).is_none_or(|polled| polled.is_err()) {}
        consumer
    });
    let consumer = tokio::time::timeout(Duration::from_secs(60), consumer).await.unwrap().unwrap();

    let at = TopicPartition::new(topic.as_str(), 0);
    let altered = group.alter(&offsets(&topic, &[(0, 1)])).await.unwrap_err();
    assert_eq!(code_of(&altered), Some(Code::UnknownMemberId), "{altered}");
    let deleted = group.delete(&[at]).await.unwrap_err();
    assert_eq!(code_of(&deleted), Some(Code::GroupSubscribedToTopic), "{deleted}");
    let gone = group.delete_group().await.unwrap_err();
    assert_eq!(code_of(&gone), Some(Code::NonEmptyGroup), "{gone}");
    assert_eq!(group.list().await.unwrap(), offsets(&topic, &[(0, 0)]));

    tokio::task::spawn_blocking(move || drop(consumer)).await.unwrap();
    group.alter(&offsets(&topic, &[(0, 1)])).await.unwrap();
    assert!(group.delete_group().await.unwrap());
}
