//! Addresses the REST API listens on.

use millstream_api::{Error, Result};

/// One entry of `listeners`: `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Host name or address; `None` is all interfaces.
    pub host: Option<String>,
    /// Port; 0 takes a free one.
    pub port: u16,
}

impl Listener {
    /// Parses an entry. The key in errors is `listeners`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |reason: &str| {
            Err(Error::config(format!("listeners: {text} {reason}")).hint("write http://host:port, or http://:8083"))
        };
        let Some((scheme, address)) = text.trim().split_once("://") else {
            return wrong("is no listener");
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return wrong("asks for TLS, which the REST API does not offer yet"),
            _ => return wrong("has an unknown protocol"),
        }
        let Some((host, port)) = address.trim_end_matches('/').rsplit_once(':') else {
            return wrong("has no port");
        };
        let Ok(port) = port.parse() else {
            return wrong("has a port that is no number from 0 to 65535");
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self { host: (!host.is_empty()).then(|| host.to_owned()), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_of_all_kinds() {
        let listener = |host: Option<&str>, port| Listener { host: host.map(str::to_owned), port };
        assert_eq!(Listener::parse("http://:8083").unwrap(), listener(None, 8083));
        assert_eq!(Listener::parse("HTTP://localhost:0/").unwrap(), listener(Some("localhost"), 0));
        assert_eq!(Listener::parse("http://[::1]:80").unwrap(), listener(Some("::1"), 80));
        for text in ["localhost:8083", "https://:8443", "ftp://x:1", "http://x", "http://x:70000", ""] {
            assert!(Listener::parse(text).unwrap_err().to_string().contains("listeners"), "{text}");
        }
    }
}
