//! Connections: driver properties as pgjdbc names them, hosts in order, attempts with a pause between.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Error, Result};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection, Row};

use crate::config::ConnectionConfig;
use crate::sqlstate::database_error;

/// pgjdbc's own default of `connectTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection and what its server said of itself.
#[derive(Debug)]
pub struct Session {
    /// The connection.
    pub connection: PgConnection,
    /// `server_version_num`, such as 150004.
    pub server_version: i32,
    /// True when the server does not check its texts for UTF-8.
    pub unchecked_text: bool,
    /// How long the server may be silent within an answer.
    pub socket_timeout: Option<Duration>,
}

/// Connects: every host in turn, `connection.attempts` times unless the server's answer is final. An error tells the last reason, never a secret.
pub async fn connect(config: &ConnectionConfig) -> Result<Session> {
    let properties = Properties::of(config)?;
    let mut attempt = 1;
    loop {
        let error = match once(config, &properties).await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        // A wrong password or database stays wrong, and some servers lock a user out after a few tries.
        if attempt >= config.attempts || !error.is_retriable() {
            return Err(error);
        }
        tracing::warn!(database = %config.url, attempt, attempts = config.attempts, %error, "cannot connect yet");
        attempt += 1;
        tokio::time::sleep(config.backoff).await;
    }
}

async fn once(config: &ConnectionConfig, properties: &Properties) -> Result<Session> {
    let mut last = None;
    for (host, port) in &config.url.hosts {
        let options = properties.options.clone().host(host).port(*port);
        let place = format!("{host}:{port}");
        let opened = tokio::time::timeout(properties.connect_timeout, open(options, properties)).await;
        match opened {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(error)) => last = Some(error.at(place)),
            Err(_) => {
                let seconds = properties.connect_timeout.as_secs();
                last = Some(Error::retriable(format!("the database did not answer within {seconds} s")).at(place));
            }
        }
    }
    Err(last.unwrap_or_else(|| Error::config("connection.url names no host")))
}

async fn open(options: PgConnectOptions, properties: &Properties) -> Result<Session> {
    let mut connection = options.connect().await.map_err(|e| database_error("cannot connect to the database", e))?;
    let row = sqlx::query(
        "select current_setting('server_version_num')::int4, current_setting('server_encoding') = 'SQL_ASCII', \
         pg_is_in_recovery()",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(|e| database_error("cannot look at the database", e))?;
    let read = |e| database_error("cannot read what the database says of itself", e);
    let standby: bool = row.try_get(2).map_err(read)?;
    if properties.wanted_standby.is_some_and(|wanted| wanted != standby) {
        let is = if standby { "a standby" } else { "a primary" };
        return Err(Error::retriable(format!("the server is {is}, which targetServerType does not allow")));
    }
    Ok(Session {
        connection,
        server_version: row.try_get(0).map_err(read)?,
        unchecked_text: row.try_get(1).map_err(read)?,
        socket_timeout: properties.socket_timeout,
    })
}

/// Driver properties, translated.
struct Properties {
    options: PgConnectOptions,
    connect_timeout: Duration,
    socket_timeout: Option<Duration>,
    wanted_standby: Option<bool>,
}

impl Properties {
    fn of(config: &ConnectionConfig) -> Result<Self> {
        // Every setting that the environment could reach is set below.
        let mut options = PgConnectOptions::new_without_pgpass()
            .password("")
            .application_name("millstream")
            .disable_statement_logging()
            .ssl_mode(ssl_mode(config)?);
        let mut all = Self {
            options: PgConnectOptions::new_without_pgpass(),
            connect_timeout: CONNECT_TIMEOUT,
            socket_timeout: None,
            wanted_standby: None,
        };
        let mut user = None;
        for (name, value) in &config.properties {
            let value = value.expose();
            match name.as_str() {
                "user" => user = Some(value),
                "password" => options = options.password(value),
                "ApplicationName" => options = options.application_name(value),
                "connectTimeout" | "loginTimeout" => {
                    // 0 is no limit; of the two the stricter one counts.
                    if let Some(limit) = seconds(name, value)? {
                        all.connect_timeout =
                            if name == "loginTimeout" { limit.min(all.connect_timeout) } else { limit };
                    } else if name == "connectTimeout" {
                        all.connect_timeout = Duration::from_secs(86_400);
                    }
                }
                "socketTimeout" => all.socket_timeout = seconds(name, value)?,
                "options" => options = options.options(server_options(value)?),
                "currentSchema" => options = options.options([("search_path", value)]),
                "sslrootcert" => options = options.ssl_root_cert(value),
                "sslcert" => options = options.ssl_client_cert(value),
                "sslkey" => options = client_key(options, value)?,
                "targetServerType" => all.wanted_standby = wanted_standby(value)?,
                "ssl" | "sslmode" | "sslfactory" => {}
                _ if IGNORED.contains(&name.as_str()) => {
                    tracing::debug!(property = name, "this driver property has no effect here");
                }
                _ => tracing::warn!(property = name, "unknown driver property, ignored"),
            }
        }
        if let Some(user) = user.filter(|user| !user.is_empty()) {
            options = options.username(user);
        }
        if property(config, "sslrootcert").is_none()
            && let Some(root) = default_root_certificate()
        {
            options = options.ssl_root_cert(root);
        }
        // Without a name the database is the one named as the user.
        let database = config.url.database.as_deref().unwrap_or(options.get_username()).to_owned();
        all.options = options.database(&database);
        Ok(all)
    }
}

/// Properties of pgjdbc that say how that driver works, not what the session is.
const IGNORED: &[&str] = &[
    "adaptiveFetch",
    "allowEncodingChanges",
    "autosave",
    "assumeMinServerVersion",
    "binaryTransfer",
    "cleanupSavepoints",
    "databaseMetadataCacheFields",
    "databaseMetadataCacheFieldsMiB",
    "defaultRowFetchSize",
    "escapeSyntaxCallMode",
    "gssEncMode",
    "hideUnprivilegedObjects",
    "hostRecheckSeconds",
    "jaasLogin",
    "loadBalanceHosts",
    "logUnclosedConnections",
    "loggerFile",
    "loggerLevel",
    "preferQueryMode",
    "prepareThreshold",
    "preparedStatementCacheQueries",
    "preparedStatementCacheSizeMiB",
    "quoteReturningIdentifiers",
    "readOnly",
    "readOnlyMode",
    "receiveBufferSize",
    "reWriteBatchedInserts",
    "sendBufferSize",
    "sslhostnameverifier",
    "sslResponseTimeout",
    "stringtype",
    "tcpKeepAlive",
    "tcpNoDelay",
    "unknownLength",
    "useCursorFetch",
];

fn property<'a>(config: &'a ConnectionConfig, name: &str) -> Option<&'a str> {
    config.properties.get(name).map(|value| value.expose())
}

fn ssl_mode(config: &ConnectionConfig) -> Result<PgSslMode> {
    if let Some(mode) = property(config, "sslmode") {
        return Ok(match mode {
            "disable" => PgSslMode::Disable,
            "allow" => PgSslMode::Allow,
            "prefer" => PgSslMode::Prefer,
            "require" => PgSslMode::Require,
            "verify-ca" => PgSslMode::VerifyCa,
            "verify-full" => PgSslMode::VerifyFull,
            _ => {
                return Err(Error::config("sslmode is not one of the known words")
                    .hint("disable, allow, prefer, require, verify-ca or verify-full"));
            }
        });
    }
    Ok(match property(config, "ssl") {
        // ssl=true alone means full verification, unless the factory that checks nothing is asked for.
        Some("" | "true") => match property(config, "sslfactory") {
            Some("org.postgresql.ssl.NonValidatingFactory") => PgSslMode::Require,
            _ => PgSslMode::VerifyFull,
        },
        _ => PgSslMode::Prefer,
    })
}

/// Where libpq and pgjdbc look when no root certificate is named.
fn default_root_certificate() -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(&std::env::var_os("HOME")?).join(".postgresql/root.crt");
    path.is_file().then_some(path)
}

fn seconds(name: &str, value: &str) -> Result<Option<Duration>> {
    let seconds: u64 =
        value.trim().parse().map_err(|_| Error::config(format!("{name} is not a whole number of seconds")))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn wanted_standby(value: &str) -> Result<Option<bool>> {
    match value {
        "any" | "preferSecondary" | "preferSlave" | "preferPrimary" => Ok(None),
        "primary" | "master" => Ok(Some(false)),
        "secondary" | "slave" => Ok(Some(true)),
        _ => Err(Error::config("targetServerType is not one of the known words").hint("any, primary or secondary")),
    }
}

/// `-c name=value` and `--name=value`, as on the server's command line.
fn server_options(text: &str) -> Result<Vec<(String, String)>> {
    let wrong = || Error::config("options is not a list of -c name=value");
    let mut words = text.split_whitespace();
    let mut all = Vec::new();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty()))
        {
            Some(setting) => setting,
            None if word == "-c" => words.next().ok_or_else(wrong)?,
            None => return Err(wrong()),
        };
        let (name, value) = setting.split_once('=').ok_or_else(wrong)?;
        all.push((name.to_owned(), value.to_owned()));
    }
    Ok(all)
}

/// pgjdbc takes keys as PKCS #8 in DER; the TLS library wants PEM.
fn client_key(options: PgConnectOptions, path: &str) -> Result<PgConnectOptions> {
    let bytes = std::fs::read(path)
        .map_err(|e| Error::config(format!("cannot read the file of sslkey, {path}")).caused_by(e))?;
    if bytes.starts_with(b"-----BEGIN") {
        return Ok(options.ssl_client_key_from_pem(bytes));
    }
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(bytes));
    Ok(options.ssl_client_key_from_pem(pem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::JdbcUrl;

    fn config(url: &str) -> ConnectionConfig {
        let url = JdbcUrl::parse(url).unwrap();
        ConnectionConfig {
            properties: url.parameters.clone(),
            url,
            attempts: 1,
            backoff: Duration::ZERO,
            isolation: None,
        }
    }

    #[test]
    fn ssl_modes() {
        let mode = |query: &str| ssl_mode(&config(&format!("jdbc:postgresql://h/d{query}")));
        assert!(matches!(mode("").unwrap(), PgSslMode::Prefer));
        assert!(matches!(mode("?ssl=true").unwrap(), PgSslMode::VerifyFull));
        assert!(matches!(mode("?ssl").unwrap(), PgSslMode::VerifyFull));
        assert!(matches!(mode("?ssl=true&sslmode=require").unwrap(), PgSslMode::Require));
        assert!(matches!(
            mode("?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory").unwrap(),
            PgSslMode::Require
        ));
        assert!(mode("?sslmode=nope").is_err());
    }

    #[test]
    fn properties_reach_the_session() {
        let properties = Properties::of(&config(
            "jdbc:postgresql://h/d?user=u&ApplicationName=app&connectTimeout=3&socketTimeout=7&options=-c%20statement_timeout=5%20--geqo=off&targetServerType=primary",
        ))
        .unwrap();
        assert_eq!(properties.options.get_username(), "u");
        assert_eq!(properties.options.get_database(), Some("d"));
        assert_eq!(properties.options.get_application_name(), Some("app"));
        assert_eq!(properties.connect_timeout, Duration::from_secs(3));
        assert_eq!(properties.socket_timeout, Some(Duration::from_secs(7)));
        assert_eq!(properties.wanted_standby, Some(false));
        assert!(properties.options.get_options().unwrap().contains("statement_timeout=5"));
        assert!(Properties::of(&config("jdbc:postgresql://h/d?connectTimeout=x")).is_err());
        assert!(Properties::of(&config("jdbc:postgresql://h/d?options=geqo")).is_err());
    }
}
