//! `topic.creation.*` of source connectors.

use millstream_testbed::{Kafka, NewRecord, Topics, shared, unique};

use crate::scripted::{LIMIT, SOURCE, STRING, TestWorker};

const ENABLED: (&str, &str) = ("topic.creation.enable", "true");

fn source<'a>(to: &'a str, partitions: &'a str, replication: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("to", to),
        ("key.converter", STRING),
        ("value.converter", STRING),
        ("topic.creation.default.partitions", partitions),
        ("topic.creation.default.replication.factor", replication),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_topics_are_made_as_their_group_says_and_others_stay() {
    // Nobody else may make topics here.
    let kafka = Kafka::builder().setting("auto.create.topics.enable", false).start().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let (plain, compact, there) = (unique("plain"), unique("compact"), unique("there"));
    topics.create(&there, 2, &[]).await.unwrap();
    topics.produce(&there, [NewRecord::value("earlier").partition(1)]).await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[ENABLED]).await;

    let to = format!("{plain},{compact},{there}");
    let mut config = source(&to, "3", "-1");
    config.extend([
        ("topic.creation.groups", "compacted"),
        ("topic.creation.compacted.include", "compact-.*"),
        ("topic.creation.compacted.partitions", "-1"),
        ("topic.creation.compacted.cleanup.policy", "compact"),
        ("topic.creation.compacted.min.compaction.lag.ms", "60000"),
    ]);
    worker.create("creates", SOURCE, &config).await;

    for (topic, records, partitions) in [(&plain, 1, 3), (&compact, 1, 1), (&there, 2, 2)] {
        topics.read_at_least(topic, records, LIMIT).await.unwrap();
        assert_eq!(topics.partitions(topic).await.unwrap().unwrap().len(), partitions, "{topic}");
    }
    let settings = topics.describe_config(&compact).await.unwrap();
    assert_eq!((&*settings["cleanup.policy"], &*settings["min.compaction.lag.ms"]), ("compact", "60000"));
    let settings = topics.describe_config(&there).await.unwrap();
    assert_eq!(settings["cleanup.policy"], "delete");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_cannot_be_made_fails_the_task_by_name() {
    let kafka = shared().kafka().await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[ENABLED]).await;
    let (many, odd) = (unique("replicas"), unique("odd"));
    worker.create("replicas", SOURCE, &source(&many, "1", "3")).await;
    let mut config = source(&odd, "1", "1");
    config.push(("topic.creation.default.no.such.key", "1"));
    worker.create("odd", SOURCE, &config).await;

    for (name, topic) in [("replicas", &many), ("odd", &odd)] {
        let trace = worker.task_failure(name).await;
        assert!(trace.contains("Unable to create topic(s)") && trace.contains(topic.as_str()), "{trace}");
        assert!(!Topics::new(kafka.bootstrap()).names().await.unwrap().contains(topic));
    }
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_not_create_topics_leaves_it_to_the_broker() {
    let kafka = shared().kafka().await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[("topic.creation.enable", "false")]).await;
    let topic = unique("automatic");
    worker.create("automatic", SOURCE, &source(&topic, "3", "1")).await;
    let topics = Topics::new(kafka.bootstrap());
    topics.read_at_least(&topic, 1, LIMIT).await.unwrap();
    assert_eq!(topics.partitions(&topic).await.unwrap().unwrap().len(), 1, "the broker's own default");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_away_are_waited_for() {
    let kafka = Kafka::start().await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[ENABLED]).await;
    let topic = unique("later");
    let mut config = source(&topic, "2", "1");
    config.push(("waits", "true"));
    worker.create("later", SOURCE, &config).await;
    worker.rest.wait_running("later", 1, LIMIT).await.unwrap();

    kafka.kill();
    worker.gate.notify_one();
    kafka.run().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    topics.read_at_least(&topic, 1, LIMIT).await.unwrap();
    assert_eq!(topics.partitions(&topic).await.unwrap().unwrap().len(), 2);
    worker.end().await;
}

/// The worker may do anything, the connector's admin client may look at topics and no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_may_not_be_made_fails_the_task() {
    const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let kafka = Kafka::builder()
        .listener("ASKING", "SASL_PLAINTEXT")
        .setting("listener.name.asking.sasl.enabled.mechanisms", "PLAIN")
        .setting("listener.name.asking.plain.sasl.jaas.config", format!("{PLAIN} user_looker=\"hush\";"))
        .setting("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        .setting("super.users", "User:ANONYMOUS")
        .setting("auto.create.topics.enable", false)
        .start()
        .await
        .unwrap();
    let allow = ["--add", "--allow-principal", "User:looker", "--operation", "Describe", "--topic", "*"];
    kafka.tool("org.apache.kafka.tools.AclCommand", &allow).await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let (missing, there) = (unique("missing"), unique("there"));
    topics.create(&there, 1, &[]).await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[ENABLED]).await;
    let (bootstrap, login) =
        (kafka.bootstrap_of("ASKING").unwrap(), format!("{PLAIN} username=\"looker\" password=\"hush\";"));
    let limited = [
        ("admin.override.bootstrap.servers", bootstrap.as_str()),
        ("admin.override.security.protocol", "SASL_PLAINTEXT"),
        ("admin.override.sasl.mechanism", "PLAIN"),
        ("admin.override.sasl.jaas.config", login.as_str()),
    ];
    worker.create("there", SOURCE, &[&source(&there, "1", "1"), &limited[..]].concat()).await;
    topics.read_at_least(&there, 1, LIMIT).await.unwrap();
    worker.create("missing", SOURCE, &[&source(&missing, "1", "1"), &limited[..]].concat()).await;
    let trace = worker.task_failure("missing").await;
    for part in ["Task failed to create new topic", &missing, "authorized to create topics", "grant Create"] {
        assert!(trace.contains(part), "{trace}");
    }
    assert!(!topics.names().await.unwrap().contains(&missing));
    worker.end().await;
}
