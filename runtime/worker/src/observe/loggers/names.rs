//! Which of our modules a logger name stands for.

/// Loggers that are listed from the start: Java's names, and the module each stands for.
const LISTED: &[(&str, &str)] = &[
    ("io.confluent.connect.jdbc.JdbcSourceConnector", "millstream_jdbc"),
    ("io.confluent.connect.s3.S3SinkConnector", "millstream_s3"),
    ("org.apache.kafka.clients.NetworkClient", "librdkafka"),
    ("org.apache.kafka.clients.admin.KafkaAdminClient", "millstream_worker::kafka::admin"),
    ("org.apache.kafka.clients.consumer.KafkaConsumer", "millstream_worker::kafka::consumer"),
    ("org.apache.kafka.clients.producer.KafkaProducer", "millstream_worker::kafka::producer"),
    ("org.apache.kafka.connect.file.FileStreamSourceConnector", "millstream_file"),
    ("org.apache.kafka.connect.json.JsonConverter", "millstream_plugins::converter"),
    ("org.apache.kafka.connect.runtime.AbstractHerder", "millstream_worker::validate"),
    ("org.apache.kafka.connect.runtime.Connect", "millstream_worker::worker"),
    ("org.apache.kafka.connect.runtime.SourceTaskOffsetCommitter", "millstream_worker::task::offset_flush"),
    ("org.apache.kafka.connect.runtime.TransformationChain", "millstream_plugins::transform"),
    ("org.apache.kafka.connect.runtime.Worker", "millstream_worker::task::supervise"),
    ("org.apache.kafka.connect.runtime.WorkerConnector", "millstream_worker::task::connector"),
    ("org.apache.kafka.connect.runtime.WorkerSinkTask", "millstream_worker::task::sink"),
    ("org.apache.kafka.connect.runtime.WorkerSourceTask", "millstream_worker::task::source"),
    ("org.apache.kafka.connect.runtime.distributed.DistributedHerder", "millstream_worker::herder"),
    ("org.apache.kafka.connect.runtime.distributed.WorkerCoordinator", "millstream_worker::membership"),
    ("org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter", "millstream_worker::task::dead_letter"),
    ("org.apache.kafka.connect.runtime.rest.RestServer", "millstream_worker::rest"),
    ("org.apache.kafka.connect.storage.FileOffsetBackingStore", "millstream_worker::store::file"),
    ("org.apache.kafka.connect.storage.KafkaConfigBackingStore", "millstream_worker::store::configs"),
    ("org.apache.kafka.connect.storage.KafkaOffsetBackingStore", "millstream_worker::store::offsets"),
    ("org.apache.kafka.connect.storage.KafkaStatusBackingStore", "millstream_worker::store::statuses"),
    ("org.apache.kafka.connect.util.KafkaBasedLog", "millstream_worker::kafka::topic_log"),
];

/// What other names of a package stand for.
const PACKAGES: &[(&str, &str)] = &[
    ("io.aiven.connect.jdbc", "millstream_jdbc"),
    ("io.aiven.kafka.connect.s3", "millstream_s3"),
    ("io.confluent.connect.jdbc", "millstream_jdbc"),
    ("io.confluent.connect.s3", "millstream_s3"),
    ("io.confluent.connect.storage", "millstream_s3"),
    ("org.apache.kafka.clients", "librdkafka"),
    ("org.apache.kafka.clients.admin", "millstream_worker::kafka::admin"),
    ("org.apache.kafka.clients.consumer", "millstream_worker::kafka::consumer"),
    ("org.apache.kafka.clients.producer", "millstream_worker::kafka::producer"),
    ("org.apache.kafka.connect.converters", "millstream_plugins::converter"),
    ("org.apache.kafka.connect.file", "millstream_file"),
    ("org.apache.kafka.connect.json", "millstream_plugins::converter"),
    ("org.apache.kafka.connect.runtime.AbstractWorkerSourceTask", "millstream_worker::task::source"),
    ("org.apache.kafka.connect.runtime.distributed", "millstream_worker::herder"),
    ("org.apache.kafka.connect.runtime.errors", "millstream_worker::task::dead_letter"),
    ("org.apache.kafka.connect.runtime.isolation", "millstream_worker::plugins"),
    ("org.apache.kafka.connect.runtime.rest", "millstream_worker::rest"),
    ("org.apache.kafka.connect.runtime.standalone", "millstream_worker::herder"),
    ("org.apache.kafka.connect.storage", "millstream_worker::store"),
    ("org.apache.kafka.connect.transforms", "millstream_plugins::transform"),
];

/// Names listed from the start, without `root`.
pub(super) fn listed() -> impl Iterator<Item = &'static str> {
    LISTED.iter().map(|(name, _)| *name)
}

/// The module that a logger name stands for: the table's, else that of its package, else the one of that very name.
///
/// A package itself stands for no module: it is set by its members.
pub(super) fn target(name: &str) -> &str {
    if let Some((_, target)) = LISTED.iter().find(|(listed, _)| *listed == name) {
        return target;
    }
    let is_member =
        |package: &str| name.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let packages = PACKAGES.iter().filter(|(package, _)| is_member(package));
    packages.max_by_key(|(package, _)| package.len()).map_or(name, |(_, target)| target)
}

/// Is `target` the module (or, where no module has the name, the package) `top` or within it?
pub(super) fn is_within(target: &str, top: &str) -> bool {
    target.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_modules() {
        for (name, expected) in [
            ("org.apache.kafka.connect.runtime.WorkerSourceTask", "millstream_worker::task::source"),
            ("org.apache.kafka.connect.runtime.rest.resources.LoggingResource", "millstream_worker::rest"),
            ("org.apache.kafka.clients.Metadata", "librdkafka"),
            ("io.confluent.connect.jdbc.source.TableMonitorThread", "millstream_jdbc"),
            ("org.apache.kafka.connect.runtime", "org.apache.kafka.connect.runtime"),
            ("org.apache.kafka.clientsx", "org.apache.kafka.clientsx"),
            ("millstream_s3::upload", "millstream_s3::upload"),
            ("root", "root"),
        ] {
            assert_eq!(target(name), expected, "{name}");
        }
    }

    #[test]
    fn the_tables_are_sorted_and_name_modules_of_ours() {
        for table in [LISTED, PACKAGES] {
            assert!(table.is_sorted_by_key(|(name, _)| *name));
            let ours = ["millstream_", "librdkafka"];
            assert!(table.iter().all(|(_, target)| ours.iter().any(|start| target.starts_with(start))));
        }
        let targets: std::collections::BTreeSet<_> = LISTED.iter().map(|(_, target)| target).collect();
        assert_eq!(targets.len(), LISTED.len(), "two listed loggers would show each other's level");
    }
}
