//! The order in which a Java `HashMap` lists its keys, which is how Kafka Connect writes task configurations, and offsets that a user sets.

use millstream_api::{Config, OffsetMap};

/// Java's `String.hashCode`.
fn hash_code(key: &str) -> u32 {
    key.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// The settings as a `HashMap` made of them lists them: by bucket, within a bucket as given.
pub fn in_hash_order(config: &Config) -> Vec<(&str, Option<&str>)> {
    let mut entries: Vec<_> = config.iter().collect();
    sort(&mut entries, |(key, _)| key);
    entries
}

/// A partition or an offset as Kafka Connect writes those it was given over REST.
pub fn offset_in_hash_order(map: &OffsetMap) -> OffsetMap {
    let mut entries: Vec<_> = map.iter().collect();
    sort(&mut entries, |(key, _)| key);
    entries.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn sort<T>(entries: &mut [T], key: impl for<'a> Fn(&'a T) -> &'a str) {
    // 16 buckets at least, at most three quarters as many keys as buckets.
    let mut buckets = 16usize;
    while buckets / 4 * 3 < entries.len() {
        buckets *= 2;
    }
    entries.sort_by_key(|entry| {
        let hash = hash_code(key(entry));
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    });
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
    #[test]
    fn offsets_come_as_java_writes_them() {
        let order = |text: &str| {
            let serde_json::Value::Object(map) = serde_json::from_str(text).unwrap() else { panic!() };
            serde_json::to_string(&offset_in_hash_order(&map)).unwrap()
        };
        // As recorded from Kafka Connect 4.3.1.
        assert_eq!(
            order(r#"{"n":3,"f":2.5,"b":false,"s":"q","nul":null,"big":9007199254740993}"#),
            r#"{"big":9007199254740993,"b":false,"s":"q","nul":null,"f":2.5,"n":3}"#
        );
        assert_eq!(order(r#"{"name":"x","task":0}"#), r#"{"task":0,"name":"x"}"#);
        assert_eq!(order(r#"{"b":1,"a":2}"#), r#"{"a":2,"b":1}"#);
    }
}
