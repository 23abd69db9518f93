//! Which settings a topic is created with (KIP-158).

use millstream_api::{Config, Error, Result};

use crate::settings::TopicPattern;

const PREFIX: &str = "topic.creation.";
const DEFAULT: &str = "default";

/// How a missing topic is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Partitions; -1 leaves it to the broker.
    pub partitions: i32,
    /// Replication factor; -1 leaves it to the broker.
    pub replication_factor: i16,
    /// Settings of the topic.
    pub config: Config,
}

/// The `topic.creation.*` settings of a source connector.
#[derive(Clone, Debug)]
pub struct TopicCreation {
    /// In the order they are asked; the last is `default`, which takes everything.
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    include: Vec<TopicPattern>,
    exclude: Vec<TopicPattern>,
    topic: NewTopic,
}

impl Group {
    fn takes(&self, topic: &str) -> bool {
        let any = |patterns: &[TopicPattern]| patterns.iter().any(|pattern| pattern.is_match(topic));
        any(&self.include) && !any(&self.exclude)
    }
}

impl TopicCreation {
    /// Reads the settings; `None` when there are none, then topics are not created by the worker. Errors are pairs of key and
    /// sentence, all at once.
    ///
    /// A mistake is an error here, before the connector runs; Java notices most only when the connector fails.
    pub fn parse(config: &Config) -> Result<Option<Self>, Vec<(String, String)>> {
        if !config.keys().any(|key| key.starts_with(PREFIX)) {
            return Ok(None);
        }
        let mut errors = Vec::new();
        let names: Vec<&str> =
            config.get("topic.creation.groups").unwrap_or_default().split(',').map(str::trim).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        if let Some(twice) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            errors.push(("topic.creation.groups".to_owned(), format!("group {} is named more than once", twice.1)));
        }
        let fallback = read_topic(config, DEFAULT, None, &mut errors);
        let mut groups = Vec::new();
        for name in names.into_iter().filter(|name| *name != DEFAULT) {
            let include = patterns(config, name, "include", &mut errors);
            let exclude = patterns(config, name, "exclude", &mut errors);
            let topic = read_topic(config, name, Some(&fallback), &mut errors);
            groups.push(Group { include, exclude, topic });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let all = TopicPattern::new("(?s).*").map_err(|_| Vec::new())?;
        groups.push(Group { include: vec![all], exclude: Vec::new(), topic: fallback });
        Ok(Some(Self { groups }))
    }

    /// As [`TopicCreation::parse`], with one error that lists everything wrong.
    pub fn of(config: &Config) -> Result<Option<Self>> {
        Self::parse(config).map_err(|errors| {
            let all: Vec<_> = errors.into_iter().map(|(key, reason)| format!("{key}: {reason}")).collect();
            Error::config(all.join("\n"))
        })
    }

    /// How to create a topic that is missing: by the first group that takes it.
    pub fn new_topic(&self, topic: &str) -> Option<&NewTopic> {
        self.groups.iter().find(|group| group.takes(topic)).map(|group| &group.topic)
    }
}

fn read_topic(config: &Config, group: &str, parent: Option<&NewTopic>, errors: &mut Vec<(String, String)>) -> NewTopic {
    let own = config.with_prefix(&format!("{PREFIX}{group}."));
    let mut number = |name: &str, inherited: Option<i64>, max: i64| {
        let key = format!("{PREFIX}{group}.{name}");
        let value = match own.get(name).map(str::trim) {
            None => inherited.ok_or_else(|| "is required once any topic.creation key is used".to_owned()),
            Some(text) => match text.parse::<i64>() {
                Ok(value) if value == -1 || (1..=max).contains(&value) => Ok(value),
                _ => Err(format!("must be -1 (the broker's default) or from 1 to {max}, not {text}")),
            },
        };
        value.unwrap_or_else(|reason| {
            errors.push((key, reason));
            -1
        })
    };
    let replication_factor =
        number("replication.factor", parent.map(|p| p.replication_factor.into()), i16::MAX.into()) as i16;
    let partitions = number("partitions", parent.map(|p| p.partitions.into()), i32::MAX.into()) as i32;
    let known = ["replication.factor", "partitions", "include", "exclude"];
    let config = own
        .iter()
        .filter(|(key, _)| !known.contains(key))
        .map(|(key, value)| (key.to_owned(), value.map(str::to_owned)))
        .collect();
    NewTopic { partitions, replication_factor, config }
}

fn patterns(config: &Config, group: &str, name: &str, errors: &mut Vec<(String, String)>) -> Vec<TopicPattern> {
    let key = format!("{PREFIX}{group}.{name}");
    let mut patterns = Vec::new();
    for text in config.get(&key).unwrap_or_default().split(',').map(str::trim).filter(|text| !text.is_empty()) {
        match TopicPattern::new(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(e) => errors.push((key.clone(), format!("{text} is {e}"))),
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().copied().collect()
    }

    #[test]
    fn groups_are_asked_in_order() {
        let config = config(&[
            ("topic.creation.default.replication.factor", "-1"),
            ("topic.creation.default.partitions", "2"),
            ("topic.creation.groups", "g1, g2,g3"),
            ("topic.creation.g1.include", "a.*,b"),
            ("topic.creation.g1.exclude", "ax"),
            ("topic.creation.g1.partitions", "7"),
            ("topic.creation.g1.cleanup.policy", "compact"),
            ("topic.creation.g2.include", ".*"),
            ("topic.creation.g2.replication.factor", "3"),
        ]);
        let creation = TopicCreation::of(&config).unwrap().unwrap();
        let shape = |topic| creation.new_topic(topic).map(|t| (t.partitions, t.replication_factor)).unwrap();
        assert_eq!(shape("ab"), (7, -1));
        assert_eq!(creation.new_topic("ab").unwrap().config.get("cleanup.policy"), Some("compact"));
        assert_eq!((shape("ax"), shape("bb")), ((2, 3), (2, 3)));
    }

    #[test]
    fn the_default_takes_the_rest() {
        let config =
            config(&[("topic.creation.default.replication.factor", "1"), ("topic.creation.default.partitions", "1")]);
        let creation = TopicCreation::of(&config).unwrap().unwrap();
        assert_eq!(creation.new_topic("any\nthing").unwrap().partitions, 1);
        assert!(TopicCreation::of(&Config::new()).unwrap().is_none());
    }

    #[test]
    fn every_mistake_names_its_key() {
        let config = config(&[
            ("topic.creation.default.replication.factor", "0"),
            ("topic.creation.groups", "g1,g1"),
            ("topic.creation.g1.include", "["),
        ]);
        let keys: Vec<_> = TopicCreation::parse(&config).unwrap_err().into_iter().map(|(key, _)| key).collect();
        for key in ["groups", "default.replication.factor", "default.partitions", "g1.include"] {
            assert!(keys.contains(&format!("topic.creation.{key}")), "{keys:?}");
        }
    }
}
