//! JDBC URLs of Postgres: `jdbc:postgresql://host:port,host:port/database?parameters`.
//!
//! Hosts, ports, the database and the parameters are optional, in the forms that pgjdbc takes: `jdbc:postgresql:database`,
//! `jdbc:postgresql:/`, `jdbc:postgresql://host/`.

use std::fmt;

use indexmap::IndexMap;
use millstream_api::{Error, Result, Secret};
use percent_encoding::percent_decode_str;

const SCHEME: &str = "jdbc:postgresql:";
const DEFAULT_PORT: u16 = 5432;

/// A parsed URL. Prints as `host:port/database`, without parameters: they may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct JdbcUrl {
    /// Hosts and ports, to be tried in this order; never empty.
    pub hosts: Vec<(String, u16)>,
    /// The database; `None` means the one named as the user.
    pub database: Option<String>,
    /// Parameters by name, decoded. Values may be secrets.
    pub parameters: IndexMap<String, Secret>,
}

impl JdbcUrl {
    /// Parses a URL. Errors are of kind `Config` and never repeat the URL.
    pub fn parse(text: &str) -> Result<Self> {
        let Some(rest) = text.trim().strip_prefix(SCHEME) else {
            return Err(Error::config("connection.url is not a JDBC URL of a database that is supported")
                .hint("it should look like jdbc:postgresql://host:5432/database"));
        };
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let parameters = query.map(parameters).transpose()?.unwrap_or_default();
        let (hosts, database) = match path.strip_prefix("//") {
            Some(authority) => {
                let (hosts, database) = authority.split_once('/').unwrap_or((authority, ""));
                (hosts, database)
            }
            None => ("", path.strip_prefix('/').unwrap_or(path)),
        };
        if hosts.contains('@') {
            return Err(Error::config("connection.url holds user or password before the host")
                .hint("use connection.user and connection.password, or the parameters user and password"));
        }
        let hosts = hosts.split(',').map(host).collect::<Result<Vec<_>>>()?;
        let database = decode(database, "the database")?;
        Ok(Self { hosts, database: (!database.is_empty()).then_some(database), parameters })
    }
}

/// A URL as it may be shown, whether it can be read or not: values of parameters whose names speak of a password, and what stands
/// before an `@`, are hidden.
pub(crate) fn shown(text: &str) -> String {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let mut shown = match path.rsplit_once('@') {
        Some((_, hosts)) => format!("{SCHEME}//{}@{hosts}", Secret::HIDDEN),
        None => path.to_owned(),
    };
    for (index, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("password") => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(Secret::HIDDEN);
            }
            _ => shown.push_str(parameter),
        }
    }
    shown
}

impl fmt::Display for JdbcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if host.contains(':') {
                write!(f, "{comma}[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{host}:{port}")?;
            }
        }
        write!(f, "/{}", self.database.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for JdbcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} with {:?}", self.parameters.keys().collect::<Vec<_>>())
    }
}

fn host(text: &str) -> Result<(String, u16)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(|| Error::config("connection.url: a [ without its ]"))?;
        let port = match rest {
            "" => None,
            _ => Some(rest.strip_prefix(':').ok_or_else(|| Error::config("connection.url: no : after a ]"))?),
        };
        (address, port)
    } else {
        match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(Error::config("connection.url: an IPv6 address must stand in brackets"));
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None | Some("") => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| Error::config("connection.url: a port is not a number from 1 to 65535"))?,
    };
    let host = decode(host, "a host")?;
    Ok((if host.is_empty() { "localhost".to_owned() } else { host }, port))
}

fn parameters(query: &str) -> Result<IndexMap<String, Secret>> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name, "a parameter")?;
            // As in a form: a plus is a blank.
            let value = decode(&value.replace('+', " "), &name)?;
            Ok((name, Secret::new(value)))
        })
        .collect()
}

fn decode(text: &str, what: &str) -> Result<String> {
    let wrong = || Error::config(format!("connection.url: {what} is not valid percent-encoded UTF-8"));
    // The decoder leaves a stray percent sign alone; the driver refuses it.
    let bytes = text.as_bytes();
    let stray = (0..bytes.len())
        .any(|i| bytes[i] == b'%' && !bytes.get(i + 1..i + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)));
    if stray {
        return Err(wrong());
    }
    percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> JdbcUrl {
        JdbcUrl::parse(text).unwrap()
    }

    #[test]
    fn hosts_ports_and_databases() {
        for (text, shown) in [
            ("jdbc:postgresql://db:5433/mydb", "db:5433/mydb"),
            ("jdbc:postgresql://db/mydb", "db:5432/mydb"),
            ("jdbc:postgresql://db:/mydb", "db:5432/mydb"),
            ("jdbc:postgresql://db", "db:5432/"),
            ("jdbc:postgresql://db/", "db:5432/"),
            ("jdbc:postgresql:mydb", "localhost:5432/mydb"),
            ("jdbc:postgresql:/", "localhost:5432/"),
            ("jdbc:postgresql:/mydb", "localhost:5432/mydb"),
            ("jdbc:postgresql:///mydb", "localhost:5432/mydb"),
            ("jdbc:postgresql://a:1,b,[::1]:3,[fe80::1]/x%2Fy", "a:1,b:5432,[::1]:3,[fe80::1]:5432/x/y"),
        ] {
            assert_eq!(parse(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_never_shown() {
        let url = parse("jdbc:postgresql://db/x?user=me&password=a%26b+c&ssl&sslmode=require");
        assert_eq!(url.parameters["password"].expose(), "a&b c");
        assert_eq!(url.parameters["ssl"].expose(), "");
        assert!(!format!("{url} {url:?}").contains("a&b"));
    }

    #[test]
    fn passwords_are_not_shown() {
        for (text, wanted) in [
            ("jdbc:postgresql://db:5432/x?ssl=true", "jdbc:postgresql://db:5432/x?ssl=true"),
            (
                "jdbc:postgresql://db/x?user=me&password=a&sslPassword=b&ssl",
                "jdbc:postgresql://db/x?user=me&password=[hidden]&sslPassword=[hidden]&ssl",
            ),
            ("jdbc:postgresql://me:a@b@db/x", "jdbc:postgresql://[hidden]@db/x"),
        ] {
            assert_eq!(shown(text), wanted);
        }
    }

    #[test]
    fn what_is_no_url() {
        for text in [
            "",
            "http://x",
            "postgresql://x/y",
            "jdbc:nope://x/y",
            "jdbc:postgresql://x:port/y",
            "jdbc:postgresql://x:0/y",
            "jdbc:postgresql://x:70000/y",
            "jdbc:postgresql://::1/y",
            "jdbc:postgresql://[::1/y",
            "jdbc:postgresql://[::1]5/y",
            "jdbc:postgresql://u:secret@x/y",
            "jdbc:postgresql://x/y%zz",
            "jdbc:postgresql://x/%ff",
        ] {
            let error = JdbcUrl::parse(text).unwrap_err();
            assert_eq!(error.kind(), millstream_api::ErrorKind::Config, "{text}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
