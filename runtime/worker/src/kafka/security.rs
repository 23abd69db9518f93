//! TLS: Java's stores and cipher names as librdkafka's settings. What belongs to SASL is in [`super::sasl`].

use std::io::Read;

use millstream_api::{Config, Error, Result};
use rdkafka::ClientConfig;

use super::{sasl, trust_store};

/// True for the settings this file translates.
pub(super) fn is_security_key(key: &str) -> bool {
    key == "security.protocol" || key.starts_with("sasl.") || key.starts_with("ssl.")
}

/// The Java setting that a librdkafka setting comes from.
pub(super) fn java_name(native: &str) -> &str {
    match native {
        "sasl.mechanisms" => "sasl.mechanism",
        "sasl.username" | "sasl.password" | "sasl.oauthbearer.config" => "sasl.jaas.config",
        "sasl.oauthbearer.client.id" => "sasl.oauthbearer.client.credentials.client.id",
        "sasl.oauthbearer.client.secret" => "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.assertion.jwt.template.file" => "sasl.oauthbearer.assertion.template.file",
        "sasl.oauthbearer.method" => "sasl.oauthbearer.token.endpoint.url",
        "ssl.ca.location" => "ssl.truststore.location",
        "ssl.ca.pem" => "ssl.truststore.certificates",
        "ssl.certificate.pem" => "ssl.keystore.certificate.chain",
        "ssl.key.pem" => "ssl.keystore.key",
        "ssl.certificate.location" | "ssl.key.location" => "ssl.keystore.location",
        other => other,
    }
}

/// What the user wrote before a key, for messages.
pub(super) struct Named<'a>(pub &'a dyn Fn(&str) -> &'static str);

impl Named<'_> {
    /// The key as the user wrote it.
    pub(super) fn full(&self, key: &str) -> String {
        format!("{}{key}", (self.0)(key))
    }
}

/// Translates `settings`; those without counterpart go into `unknown`.
pub(super) fn translate(
    settings: &Config,
    named: &Named<'_>,
    config: &mut ClientConfig,
    unknown: &mut Vec<String>,
) -> Result<()> {
    sasl::translate(settings, named, config, unknown)?;
    let tls =
        settings.get("security.protocol").is_some_and(|protocol| protocol.trim().to_ascii_uppercase().ends_with("SSL"));
    for (key, value) in settings.iter() {
        let Some(value) = value.filter(|value| !value.is_empty() || key == "ssl.endpoint.identification.algorithm")
        else {
            continue;
        };
        match key {
            "security.protocol" => {
                config.set(key, value.to_ascii_lowercase());
            }
            "ssl.endpoint.identification.algorithm" => {
                config.set(key, if value.is_empty() { "none".to_owned() } else { value.to_ascii_lowercase() });
            }
            // As in Java, stores of a client that does without TLS are not looked at: the REST listeners may share the keys.
            "ssl.truststore.location" | "ssl.keystore.location" | "ssl.keystore.password" | "ssl.key.password"
                if !tls => {}
            "ssl.key.password" => {
                config.set(key, value);
            }
            "ssl.cipher.suites" => {
                let names: Vec<_> = value.split(',').filter_map(|name| openssl_cipher(name.trim())).collect();
                if !names.is_empty() {
                    config.set(key, names.join(":"));
                }
            }
            "ssl.truststore.location" => {
                match Store::of(settings, named, key, value)? {
                    Store::Pem => config.set("ssl.ca.location", value),
                    Store::Pkcs12 => config.set("ssl.ca.pem", trust_store::as_pem(settings, named, value)?),
                };
            }
            "ssl.truststore.certificates" => {
                config.set("ssl.ca.pem", one_per_line(value));
            }
            "ssl.keystore.location" => {
                match Store::of(settings, named, key, value)? {
                    Store::Pem => config.set("ssl.certificate.location", value).set("ssl.key.location", value),
                    Store::Pkcs12 => config.set(key, value),
                };
            }
            "ssl.keystore.password" => {
                config.set(key, value);
            }
            "ssl.keystore.certificate.chain" => {
                config.set("ssl.certificate.pem", one_per_line(value));
            }
            "ssl.keystore.key" => {
                config.set("ssl.key.pem", one_per_line(value));
            }
            // Read with the stores. The newest version of TLS that both sides have is what OpenSSL settles on.
            "ssl.truststore.type" | "ssl.keystore.type" | "ssl.truststore.password" => {}
            key if key.starts_with("sasl.") => {}
            key => unknown.push(named.full(key)),
        }
    }
    Ok(())
}

/// Kinds of key and trust stores that can be read.
enum Store {
    Pem,
    Pkcs12,
}

impl Store {
    /// The kind of the store at `path`, which `key` names. As in Java, a store said (or left) to be of kind JKS may be a PKCS12 one.
    fn of(settings: &Config, named: &Named<'_>, key: &str, path: &str) -> Result<Self> {
        let mut start = [0; 4];
        std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).map_err(|e| {
            Error::config(format!("the file {path} of {} cannot be read", named.full(key))).caused_by(e)
        })?;
        let type_key = key.replace("location", "type");
        let kind = settings.get(&type_key).map(|kind| kind.trim().to_ascii_uppercase()).unwrap_or_default();
        match (kind.as_str(), &start) {
            ("PEM", _) => Ok(Self::Pem),
            ("PKCS12", _) | ("" | "JKS", [0x30, ..]) => Ok(Self::Pkcs12),
            ("", b"----") => Ok(Self::Pem),
            (kind, _) => {
                let kind = if kind.is_empty() { "JKS" } else { kind };
                let message = format!("{} is a {kind} store, which this client cannot read", named.full(key));
                Err(Error::config(message).hint(format!(
                    "make a PKCS12 store of it (keytool -importkeystore -srckeystore <it> -destkeystore <new> -deststoretype PKCS12) \
                     and set {type_key}=PKCS12"
                )))
            }
        }
    }
}

/// Java takes PEM text on one line, with blanks where a file has line ends.
fn one_per_line(pem: &str) -> String {
    if pem.trim().contains('\n') {
        return pem.to_owned();
    }
    let mut lines = String::with_capacity(pem.len() + 64);
    for (index, part) in pem.trim().split("-----").enumerate() {
        match index % 2 {
            // A label, between two rows of dashes: its blanks stay.
            1 => lines.push_str(&format!("-----{part}-----\n")),
            _ => part.split_whitespace().for_each(|line| {
                lines.push_str(line);
                lines.push('\n');
            }),
        }
    }
    lines
}

/// OpenSSL's name of a cipher suite; `None` for those of TLS 1.3, which are always offered.
fn openssl_cipher(name: &str) -> Option<String> {
    let Some((exchange, cipher)) = name.strip_prefix("TLS_").and_then(|rest| rest.split_once("_WITH_")) else {
        return (!name.is_empty() && !name.starts_with("TLS_")).then(|| name.to_owned());
    };
    let exchange = match exchange {
        "RSA" => String::new(),
        other => format!("{}-", other.replace('_', "-")),
    };
    let cipher = cipher
        .replace("AES_128", "AES128")
        .replace("AES_256", "AES256")
        .replace("_CBC_", "_")
        .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305");
    Some(format!("{exchange}{}", cipher.replace('_', "-")))
}

#[cfg(test)]
#[path = "security_tests.rs"]
mod tests;
