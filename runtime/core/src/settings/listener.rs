//! Where the REST API listens and how other workers reach it.

use std::fmt;

/// One entry of `listeners`: `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Host name or address; `None` means all interfaces.
    pub host: Option<String>,
    /// Port; 0 takes a free one.
    pub port: u16,
}

impl Listener {
    /// Reads an entry; the error is what follows the key and the entry in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, address) =
            text.trim().split_once("://").ok_or("is no listener: write http://host:port, or http://:8083")?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err("asks for TLS, which the REST API does not offer in this release".to_owned()),
            other => return Err(format!("has the unknown protocol {other}")),
        }
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').ok_or("has no port")?;
        let port = port.parse().map_err(|_| "has a port that is no number from 0 to 65535")?;
        let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        Ok(Self { host: (!host.is_empty()).then(|| host.to_owned()), port })
    }

    /// The host others may use, unless it means "all interfaces".
    fn reachable_host(&self) -> Option<&str> {
        self.host.as_deref().filter(|host| !matches!(*host, "0.0.0.0" | "::"))
    }
}

/// How other workers and clients reach this worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Advertised {
    pub(super) fn new(listener: &Listener, host: Option<&str>, port: Option<u16>, default_host: &str) -> Self {
        // An address that means all interfaces reaches nobody; Java hands it out all the same.
        let host = host.or_else(|| listener.reachable_host()).unwrap_or(default_host);
        Self { host: host.to_owned(), port: port.unwrap_or(listener.port) }
    }

    /// The worker id of statuses: `host:port`.
    pub fn worker_id(&self) -> String {
        self.to_string()
    }

    /// The URL, with a slash at the end, as the group protocol carries it.
    pub fn url(&self) -> String {
        format!("http://{self}/")
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_of_all_kinds() {
        let listener = |host: Option<&str>, port| Ok(Listener { host: host.map(str::to_owned), port });
        assert_eq!(Listener::parse("http://:8083"), listener(None, 8083));
        assert_eq!(Listener::parse(" HTTP://localhost:0/"), listener(Some("localhost"), 0));
        assert_eq!(Listener::parse("http://[::1]:80"), listener(Some("::1"), 80));
        for text in ["localhost:8083", "https://:8443", "ftp://x:1", "http://x", "http://x:70000", ""] {
            assert!(Listener::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn advertised_addresses() {
        let shown = |listener: &str, host, port| {
            Advertised::new(&Listener::parse(listener).unwrap(), host, port, "box").worker_id()
        };
        assert_eq!(shown("http://:8083", None, None), "box:8083");
        assert_eq!(shown("http://0.0.0.0:8083", None, None), "box:8083");
        assert_eq!(shown("http://h:8083", None, Some(1)), "h:1");
        assert_eq!(shown("http://h:8083", Some("public"), None), "public:8083");
        assert_eq!(shown("http://[::1]:8083", None, None), "[::1]:8083");
    }
}
