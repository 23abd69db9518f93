//! The order in which a Java `HashMap` lists its keys, which is how Kafka Connect writes task configurations.

use millstream_api::Config;

/// Java's `String.hashCode`.
fn hash_code(key: &str) -> u32 {
    key.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// The settings as a `HashMap` made of them lists them: by bucket, within a bucket as given.
pub(super) fn in_hash_order(config: &Config) -> Vec<(&str, Option<&str>)> {
    let mut entries: Vec<_> = config.iter().collect();
    // 16 buckets at least, at most three quarters as many keys as buckets.
    let mut buckets = 16usize;
    while buckets / 4 * 3 < entries.len() {
        buckets *= 2;
    }
    entries.sort_by_key(|(key, _)| {
        let hash = hash_code(key);
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    });
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_as_java_lists_them() {
        assert_eq!(hash_code("Hello"), 69_609_650);
        let keys = |given: &[&str]| {
            let config: Config = given.iter().map(|key| (*key, "")).collect();
            in_hash_order(&config).into_iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>().join(" ")
        };
        // As recorded from Kafka Connect 4.3.1.
        assert_eq!(
            keys(&["connector.class", "tasks.max", "file", "topic", "value.converter", "name", "task.class"]),
            "connector.class file task.class tasks.max name topic value.converter"
        );
        assert_eq!(
            keys(&[
                "connector.class",
                "tasks.max",
                "file",
                "topic",
                "value.converter",
                "batch.size",
                "name",
                "task.class"
            ]),
            "connector.class file task.class tasks.max batch.size name topic value.converter"
        );
        assert_eq!(
            keys(&["connector.class", "tasks.max", "file", "topics", "value.converter", "name", "task.class"]),
            "connector.class file task.class tasks.max topics name value.converter"
        );
    }
}
