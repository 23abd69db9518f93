//! Where the REST API listens and how other workers reach it.

use std::fmt;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl Protocol {
    /// The protocol of a scheme, in any case.
    pub fn parse(scheme: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|protocol| protocol.scheme().eq_ignore_ascii_case(scheme))
    }

    /// `http` or `https`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// One entry of `listeners`: `http://host:port` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Plain or over TLS.
    pub protocol: Protocol,
    /// Host name or address; `None` means all interfaces.
    pub host: Option<String>,
    /// Port; 0 takes a free one.
    pub port: u16,
}

impl Listener {
    /// Plain HTTP on all interfaces, Kafka Connect's port.
    pub fn any() -> Self {
        Self { protocol: Protocol::Http, host: None, port: 8083 }
    }

    /// Reads an entry; the error is what follows the key and the entry in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, address) = text
            .trim()
            .split_once("://")
            .ok_or("Listener doesn't have the right format (protocol://hostname:port), as http://:8083")?;
        let protocol = Protocol::parse(scheme).ok_or("Listener protocol must be either \"http\" or \"https\"")?;
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').ok_or("Listener has no port")?;
        let port = port.parse().map_err(|_| "Listener has a port that is no number from 0 to 65535")?;
        let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        Ok(Self { protocol, host: (!host.is_empty()).then(|| host.to_owned()), port })
    }

    /// The host others may use, unless it means "all interfaces".
    fn reachable_host(&self) -> Option<&str> {
        self.host.as_deref().filter(|host| !matches!(*host, "0.0.0.0" | "::"))
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.protocol.scheme())?;
        write_address(f, self.host.as_deref().unwrap_or_default(), self.port)
    }
}

/// How other workers and clients reach this worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// Plain or over TLS.
    pub protocol: Protocol,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Advertised {
    pub(super) fn new(listener: &Listener, host: Option<&str>, port: Option<u16>, default_host: &str) -> Self {
        // An address that means all interfaces reaches nobody; Java hands it out all the same.
        let host = host.or_else(|| listener.reachable_host()).unwrap_or(default_host);
        Self { protocol: listener.protocol, host: host.to_owned(), port: port.unwrap_or(listener.port) }
    }

    /// The worker id of statuses: `host:port`.
    pub fn worker_id(&self) -> String {
        self.to_string()
    }

    /// The URL, with a slash at the end, as the group protocol carries it.
    pub fn url(&self) -> String {
        format!("{}://{self}/", self.protocol.scheme())
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_address(f, &self.host, self.port)
    }
}

fn write_address(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_of_all_kinds() {
        let listener =
            |protocol, host: Option<&str>, port| Ok(Listener { protocol, host: host.map(str::to_owned), port });
        assert_eq!(Listener::parse("http://:8083"), listener(Protocol::Http, None, 8083));
        assert_eq!(Listener::parse(" HTTP://localhost:0/"), listener(Protocol::Http, Some("localhost"), 0));
        assert_eq!(Listener::parse("https://[::1]:80"), listener(Protocol::Https, Some("::1"), 80));
        for text in ["localhost:8083", "ftp://x:1", "http://x", "http://x:70000", ""] {
            assert!(Listener::parse(text).is_err(), "{text}");
        }
        assert_eq!(Listener::parse("HTTPS://[::1]:80").unwrap().to_string(), "https://[::1]:80");
    }

    #[test]
    fn advertised_addresses() {
        let shown =
            |listener: &str, host, port| Advertised::new(&Listener::parse(listener).unwrap(), host, port, "box");
        assert_eq!(shown("http://:8083", None, None).worker_id(), "box:8083");
        assert_eq!(shown("http://0.0.0.0:8083", None, None).worker_id(), "box:8083");
        assert_eq!(shown("http://h:8083", None, Some(1)).worker_id(), "h:1");
        assert_eq!(shown("http://h:8083", Some("public"), None).worker_id(), "public:8083");
        assert_eq!(shown("http://[::1]:8083", None, None).worker_id(), "[::1]:8083");
        assert_eq!(shown("https://h:8443", None, None).url(), "https://h:8443/");
    }
}
