//! TLS and SASL: Java's stores and JAAS lines as librdkafka's settings.

use millstream_api::{Config, Error, Result};
use rdkafka::ClientConfig;

/// True for the settings this file translates.
pub(super) fn is_security_key(key: &str) -> bool {
    key == "security.protocol" || key.starts_with("sasl.") || key.starts_with("ssl.")
}

/// The Java setting that a librdkafka setting comes from.
pub(super) fn java_name(native: &str) -> &str {
    match native {
        "sasl.mechanisms" => "sasl.mechanism",
        "sasl.username" | "sasl.password" => "sasl.jaas.config",
        "ssl.ca.location" => "ssl.truststore.location",
        "ssl.ca.pem" => "ssl.truststore.certificates",
        "ssl.certificate.pem" => "ssl.keystore.certificate.chain",
        "ssl.key.pem" => "ssl.keystore.key",
        "ssl.certificate.location" | "ssl.key.location" => "ssl.keystore.location",
        other => other,
    }
}

/// Translates `settings`; `prefix_of` gives what the user wrote before a key, for messages.
pub(super) fn translate(
    settings: &Config,
    prefix_of: &dyn Fn(&str) -> &'static str,
    config: &mut ClientConfig,
    unknown: &mut Vec<String>,
) -> Result<()> {
    let full = |key: &str| format!("{}{key}", prefix_of(key));
    for (key, value) in settings.iter() {
        let Some(value) = value.filter(|value| !value.is_empty() || key == "ssl.endpoint.identification.algorithm")
        else {
            continue;
        };
        match key {
            "security.protocol" => {
                config.set(key, value.to_ascii_lowercase());
            }
            "sasl.mechanism" => {
                if value.eq_ignore_ascii_case("GSSAPI") {
                    return Err(Error::config(format!("{} GSSAPI is not supported", full(key)))
                        .hint("use SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN, or TLS client certificates"));
                }
                config.set("sasl.mechanisms", value);
            }
            "sasl.jaas.config" => {
                let login = Login::parse(value).map_err(|reason| {
                    Error::config(format!("{} cannot be used: {reason}", full(key)))
                        .hint("<login module class> required username=\"..\" password=\"..\";")
                })?;
                config.set("sasl.username", login.username);
                config.set("sasl.password", login.password);
            }
            "ssl.endpoint.identification.algorithm" => {
                config.set(key, if value.is_empty() { "none".to_owned() } else { value.to_ascii_lowercase() });
            }
            "ssl.key.password" | "ssl.cipher.suites" => {
                config.set(key, value);
            }
            "ssl.truststore.location" => match store_type(settings, "ssl.truststore.type", value).as_str() {
                "PEM" => {
                    config.set("ssl.ca.location", value);
                }
                other => {
                    return Err(Error::config(format!(
                        "{} is a {other} store, which this client cannot read",
                        full(key)
                    ))
                    .hint("convert it to PEM (keytool -exportcert -rfc) and set ssl.truststore.type=PEM"));
                }
            },
            "ssl.truststore.certificates" => {
                config.set("ssl.ca.pem", value);
            }
            "ssl.keystore.location" => match store_type(settings, "ssl.keystore.type", value).as_str() {
                "PEM" => {
                    config.set("ssl.certificate.location", value).set("ssl.key.location", value);
                }
                "PKCS12" => {
                    config.set("ssl.keystore.location", value);
                }
                other => {
                    return Err(Error::config(format!(
                        "{} is a {other} store, which this client cannot read",
                        full(key)
                    ))
                    .hint("convert it to PKCS12 (keytool -importkeystore -deststoretype PKCS12) or to PEM"));
                }
            },
            // Java 9 and later write PKCS12 by default, with the password of the store on the key too.
            "ssl.keystore.password" => {
                config.set(key, value);
            }
            "ssl.keystore.certificate.chain" => {
                config.set("ssl.certificate.pem", value);
            }
            "ssl.keystore.key" => {
                config.set("ssl.key.pem", value);
            }
            // A PEM or certificate store needs neither.
            "ssl.truststore.type" | "ssl.keystore.type" | "ssl.truststore.password" => {}
            // OpenSSL settles on the newest version both sides have.
            "ssl.protocol" | "ssl.enabled.protocols" => unknown.push(full(key)),
            _ => unknown.push(full(key)),
        }
    }
    Ok(())
}

fn store_type(settings: &Config, key: &str, location: &str) -> String {
    let by_name = || match location.rsplit('.').next() {
        Some("pem" | "crt" | "cer") => "PEM",
        Some("p12" | "pfx") => "PKCS12",
        _ => "JKS",
    };
    settings.get(key).map_or_else(|| by_name().to_owned(), str::to_ascii_uppercase)
}

/// User and password of a JAAS line.
struct Login {
    username: String,
    password: String,
}

impl Login {
    /// Reads `Class required name="value" name=value;`. The reason of a failure holds nothing of the line.
    fn parse(line: &str) -> std::result::Result<Self, &'static str> {
        let line = line.trim().strip_suffix(';').ok_or("it does not end with a semicolon")?;
        let (class, rest) = line.split_once(char::is_whitespace).ok_or("options are missing")?;
        if !["PlainLoginModule", "ScramLoginModule"].iter().any(|known| class.ends_with(known)) {
            return Err("its login module is neither PlainLoginModule nor ScramLoginModule");
        }
        let (_flag, mut rest) = rest.trim_start().split_once(char::is_whitespace).ok_or("options are missing")?;
        let (mut username, mut password) = (None, None);
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let (name, after) = rest.split_once('=').ok_or("an option has no value")?;
            let (value, after) = option_value(after.trim_start())?;
            match name.trim() {
                "username" => username = Some(value),
                "password" => password = Some(value),
                _ => {}
            }
            rest = after;
        }
        Ok(Self { username: username.ok_or("it has no username")?, password: password.ok_or("it has no password")? })
    }
}

/// A value, quoted (with `\` before `"` and `\`) or bare, and what follows.
fn option_value(text: &str) -> std::result::Result<(String, &str), &'static str> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Ok((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(chars.next().ok_or("a quoted value does not end")?.1),
            c => value.push(c),
        }
    }
    Err("a quoted value does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaas_lines() {
        let line =
            r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="a\"b;=c" x=y;"#;
        let login = Login::parse(line).unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("u", "a\"b;=c"));
        for bad in ["", ";", "X required;", "PlainLoginModule required username=\"u;", "PlainLoginModule required a=b;"]
        {
            assert!(Login::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn stores() {
        let translate_one = |pairs: &[(&'static str, &'static str)]| {
            let settings: Config = pairs.iter().copied().collect();
            let (mut config, mut unknown) = (ClientConfig::new(), Vec::new());
            translate(&settings, &|_| "producer.", &mut config, &mut unknown).map(|()| (config, unknown))
        };
        let (config, unknown) = translate_one(&[
            ("security.protocol", "SASL_SSL"),
            ("ssl.truststore.location", "/etc/ca.pem"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("ssl.provider", "X"),
        ])
        .unwrap();
        assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));
        assert_eq!(config.get("ssl.ca.location"), Some("/etc/ca.pem"));
        assert_eq!(config.get("ssl.endpoint.identification.algorithm"), Some("none"));
        assert_eq!(unknown, ["producer.ssl.provider"]);
        let error = translate_one(&[("ssl.truststore.location", "/etc/trust.jks")]).unwrap_err();
        assert!(error.message().starts_with("producer.ssl.truststore.location is a JKS store"));
    }
}
