//! Settings of a Connect worker, Java's or ours: the keys are the same.

use std::path::Path;

/// Worker properties in the order given; a later `set` of a key replaces the earlier one.
#[derive(Debug, Clone, Default)]
pub struct WorkerProperties {
    entries: Vec<(String, String)>,
}

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

impl WorkerProperties {
    /// No settings at all.
    pub fn empty() -> WorkerProperties {
        WorkerProperties::default()
    }

    /// A distributed worker of group `group`, its three topics named after the group (`<group>-configs`, `-offsets`,
    /// `-status`) with replication factor 1 and few partitions, JSON converters and an offset flush every second.
    pub fn distributed(bootstrap: &str, group: &str) -> WorkerProperties {
        WorkerProperties::common(bootstrap)
            .set("group.id", group)
            .set("config.storage.topic", format!("{group}-configs"))
            .set("offset.storage.topic", format!("{group}-offsets"))
            .set("status.storage.topic", format!("{group}-status"))
            .set("config.storage.replication.factor", 1)
            .set("offset.storage.replication.factor", 1)
            .set("status.storage.replication.factor", 1)
            .set("offset.storage.partitions", 3)
            .set("status.storage.partitions", 1)
    }

    /// A standalone worker with this offsets file.
    pub fn standalone(bootstrap: &str, offsets: &Path) -> WorkerProperties {
        WorkerProperties::common(bootstrap).set("offset.storage.file.filename", offsets.display())
    }

    fn common(bootstrap: &str) -> WorkerProperties {
        WorkerProperties::empty()
            .set("bootstrap.servers", bootstrap)
            .set("key.converter", JSON)
            .set("value.converter", JSON)
            .set("offset.flush.interval.ms", 1000)
    }

    /// Sets a key.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl ToString) -> WorkerProperties {
        let (key, value) = (key.into(), value.to_string());
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
        self
    }

    /// Sets a key unless it is set.
    #[must_use]
    pub fn set_default(self, key: &str, value: impl ToString) -> WorkerProperties {
        if self.get(key).is_some() { self } else { self.set(key, value) }
    }

    /// Takes a key out.
    #[must_use]
    pub fn unset(mut self, key: &str) -> WorkerProperties {
        self.entries.retain(|(known, _)| known != key);
        self
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The text of a `.properties` file.
    pub fn render(&self) -> String {
        self.entries.iter().map(|(key, value)| format!("{key}={}\n", escaped(value))).collect()
    }
}

fn escaped(value: &str) -> String {
    let mut text = value.replace('\\', "\\\\").replace('\n', "\\n");
    if text.starts_with(' ') {
        text.insert(0, '\\');
    }
    text
}
