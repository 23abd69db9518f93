//! Worker settings from environment variables, by the naming rule of Confluent's images.

use millstream_api::Config;

/// Prefixes, the later one counting over the earlier.
const PREFIXES: [&str; 2] = ["CONNECT_", "MILLSTREAM_"];

/// Variables with these prefixes that are not worker settings: logging, and what this project's own scripts and tests use.
const OTHERS: [&str; 6] =
    ["CONNECT_LOG4J_", "MILLSTREAM_LOG_", "MILLSTREAM_BIN", "MILLSTREAM_CACHE", "MILLSTREAM_COMMIT", "MILLSTREAM_TEST"];

/// True when a variable holds a worker setting.
pub(crate) fn has_settings(variables: impl Iterator<Item = (String, String)>) -> bool {
    !apply(&mut Config::new(), variables).is_empty()
}

/// Sets what the variables say over what `config` holds. Returns the names of the keys set.
pub(crate) fn apply(config: &mut Config, variables: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut found: Vec<_> = variables
        .filter(|(name, _)| !OTHERS.iter().any(|other| name.starts_with(other)))
        .filter_map(|(name, value)| {
            let (rank, rest) =
                PREFIXES.iter().enumerate().find_map(|(rank, prefix)| Some((rank, name.strip_prefix(prefix)?)))?;
            (!rest.is_empty()).then(|| (rank, key_of(rest), value))
        })
        .collect();
    found.sort();
    found
        .into_iter()
        .map(|(_, key, value)| {
            config.set(key.clone(), value);
            key
        })
        .collect()
}

/// `_` is a dot, `__` a dash, `___` an underscore.
fn key_of(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('_') {
        let run = rest[at..].bytes().take_while(|byte| *byte == b'_').count().min(3);
        key.push_str(&rest[..at]);
        key.push(match run {
            1 => '.',
            2 => '-',
            _ => '_',
        });
        rest = &rest[at + run..];
    }
    key.push_str(rest);
    key.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables() {
        for (name, key) in [
            ("BOOTSTRAP_SERVERS", "bootstrap.servers"),
            ("KEY_CONVERTER_SCHEMAS_ENABLE", "key.converter.schemas.enable"),
            ("A__B___C_D", "a-b_c.d"),
            ("A____B", "a_.b"),
            ("_X_", ".x."),
        ] {
            assert_eq!(key_of(name), key);
        }
    }

    #[test]
    fn variables_count_over_the_file_and_ours_over_the_others() {
        let mut config: Config = [("group.id", "file"), ("a.b", "file"), ("kept", "file")].into_iter().collect();
        let variables = [
            ("MILLSTREAM_GROUP_ID", "ours"),
            ("CONNECT_GROUP_ID", "theirs"),
            ("CONNECT_A_B", "theirs"),
            ("CONNECT_LOG4J_ROOT_LOGLEVEL", "WARN"),
            ("MILLSTREAM_CACHE", "x"),
            ("PATH", "x"),
        ];
        apply(&mut config, variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let all: Vec<_> = config.iter().collect();
        assert_eq!(all, [("group.id", Some("ours")), ("a.b", Some("theirs")), ("kept", Some("file"))]);
    }
}
