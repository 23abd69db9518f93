//! What Kafka's own clients say of their settings: shown where a connector overrides one, and which values they take.

use std::collections::HashMap;
use std::sync::LazyLock;

use millstream_api::config::{ConfigType, Default, Importance};
use millstream_api::{Config, ConfigDef, ConfigKey};

use super::client_config::ClientRole;

/// A setting of producers, consumers and admin clients.
type OfRoles = [Option<Setting>; 3];

#[derive(Clone)]
struct Setting {
    key: ConfigKey,
    taken: &'static str,
}

static TABLE: LazyLock<HashMap<String, OfRoles>> = LazyLock::new(|| {
    let mut table: HashMap<String, OfRoles> = HashMap::new();
    let lines = include_str!("client_keys.tsv").lines().filter(|line| !line.starts_with('#'));
    for (roles, key) in lines.filter_map(row) {
        let of_roles = table.entry(key.key.name.clone()).or_default();
        for (role, place) in ['p', 'c', 'a'].into_iter().zip(of_roles) {
            if roles.contains(role) {
                *place = Some(key.clone());
            }
        }
    }
    table
});

fn row(line: &'static str) -> Option<(&'static str, Setting)> {
    let mut fields = line.split('\t');
    let (roles, name, kind) = (fields.next()?, fields.next()?, config_type(fields.next()?)?);
    let (default, importance) = (fields.next()?, importance(fields.next()?)?);
    let mut key = ConfigKey::nullable(name, kind, importance, format!("Setting {name} of a Kafka client."));
    key.default = match default {
        "!" => Default::Required,
        "-" => Default::Null,
        text => Default::Text(text.to_owned()),
    };
    Some((roles, Setting { key, taken: fields.next()? }))
}

fn config_type(name: &str) -> Option<ConfigType> {
    use ConfigType::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
    [Boolean, String, Int, Short, Long, Double, List, Class, Password].into_iter().find(|kind| kind.as_str() == name)
}

fn importance(name: &str) -> Option<Importance> {
    [Importance::High, Importance::Medium, Importance::Low].into_iter().find(|importance| importance.as_str() == name)
}

/// The definition of a client's setting; `None` when that client has none of this name.
pub fn client_key(role: ClientRole, name: &str) -> Option<&'static ConfigKey> {
    setting(role, name).map(|setting| &setting.key)
}

/// Whether Kafka's own client takes this value; the reason it does not is a sentence without the value. Every value of an unknown
/// setting is taken.
pub fn check_value(role: ClientRole, name: &str, value: &str) -> Result<(), String> {
    let Some(Setting { key, taken }) = setting(role, name) else { return Ok(()) };
    let config: Config = [(name, value)].into_iter().collect();
    let fits = ConfigDef::new().key(key.clone()).validate(&config).is_valid();
    if !fits {
        return Err(format!("it is not of type {}", key.kind.as_str()));
    }
    let inner = taken.strip_prefix("(case insensitive) ");
    let (inner, any_case) = (inner.unwrap_or(taken), inner.is_some());
    let Some(list) = inner.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return Ok(()) };
    let parts: Vec<_> = list.0.split(',').map(str::trim).collect();
    let fits = match parts.as_slice() {
        [min, "...", rest @ ..] => {
            let number = value.trim().parse::<f64>().unwrap_or(f64::NAN);
            let bound = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
            let exempt = list.1.strip_prefix(" or ").is_some_and(|other| bound(other) == number);
            exempt || (number >= bound(min) && rest.first().is_none_or(|max| number <= bound(max)))
        }
        words => {
            words.iter().any(|word| *word == value.trim() || (any_case && word.eq_ignore_ascii_case(value.trim())))
        }
    };
    if fits { Ok(()) } else { Err(format!("Kafka takes {inner}{}", if any_case { " in any case" } else { "" })) }
}

fn setting(role: ClientRole, name: &str) -> Option<&'static Setting> {
    let [producer, consumer, admin] = TABLE.get(name)?;
    match role {
        ClientRole::Producer => producer.as_ref(),
        ClientRole::Consumer => consumer.as_ref(),
        ClientRole::Admin => admin.as_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        for (role, name, value) in [
            (ClientRole::Producer, "linger.ms", "5"),
            (ClientRole::Producer, "compression.gzip.level", "-1"),
            (ClientRole::Producer, "security.protocol", "sasl_ssl"),
            (ClientRole::Consumer, "sasl.login.refresh.window.factor", "0.5"),
            (ClientRole::Admin, "no.such.setting", "x"),
        ] {
            assert_eq!(check_value(role, name, value), Ok(()), "{name}");
        }
        for (role, name, value) in [
            (ClientRole::Producer, "linger.ms", "-1"),
            (ClientRole::Producer, "linger.ms", "x"),
            (ClientRole::Producer, "acks", "5"),
            (ClientRole::Producer, "acks", "ALL"),
            (ClientRole::Producer, "compression.gzip.level", "10"),
            (ClientRole::Consumer, "isolation.level", "READ_COMMITTED"),
            (ClientRole::Consumer, "sasl.login.refresh.window.factor", "0.4"),
        ] {
            assert!(check_value(role, name, value).is_err(), "{name}");
        }
        let rows = include_str!("client_keys.tsv").lines().skip(1);
        let expected: usize = rows.map(|row| row.split('\t').next().unwrap().len()).sum();
        assert_eq!(TABLE.values().flatten().flatten().count(), expected);
        assert_eq!(client_key(ClientRole::Producer, "sasl.jaas.config").unwrap().kind, ConfigType::Password);
        assert_eq!(client_key(ClientRole::Consumer, "max.poll.records").unwrap().default, Default::Text("500".into()));
        assert!(client_key(ClientRole::Admin, "max.poll.records").is_none());
    }
}
