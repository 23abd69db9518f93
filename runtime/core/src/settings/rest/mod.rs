//! The settings of the REST API: listeners, TLS, who may call and what is added to answers.

mod cross_origin;
mod jaas;
mod response_headers;
#[cfg(test)]
mod tests;
mod tls;

use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use millstream_api::{Config, ConfigValues};

pub use cross_origin::CrossOrigin;
pub use jaas::credentials_file;
pub use response_headers::{HeaderValue, ResponseHeader};
pub use tls::{CertificateStore, ClientAuth, Keystore, StoreKind, TlsSettings, TlsVersion, Truststore};

use super::listener::{Advertised, Listener, Protocol};

/// Java's extension for basic authentication, which is built in here.
const BASIC_AUTH: [&str; 2] = [
    "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
    "BasicAuthSecurityRestExtension",
];
/// The system property that tells a JVM its login configuration; here a setting of the worker.
const LOGIN_CONFIG: &str = "java.security.auth.login.config";

/// How the REST API is served.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// Where it listens; never empty.
    pub listeners: Vec<Listener>,
    /// Where `/admin` is served: `None` on the listeners above; empty: nowhere; else there alone.
    pub admin_listeners: Option<Vec<Listener>>,
    /// TLS of the https ones among `listeners`; there if there are any.
    pub tls: Option<TlsSettings>,
    /// TLS of the https ones among `admin_listeners`; there if there are any.
    pub admin_tls: Option<TlsSettings>,
    /// `rest.advertised.host.name`.
    pub advertised_host: Option<String>,
    /// `rest.advertised.port`.
    pub advertised_port: Option<u16>,
    /// `rest.advertised.listener`: the protocol others are to use.
    pub advertised_protocol: Option<Protocol>,
    /// Who may call from other origins' pages; `None`: nobody.
    pub cross_origin: Option<CrossOrigin>,
    /// `response.http.headers.config`, in order.
    pub response_headers: Vec<ResponseHeader>,
    /// Callers must give a name and password.
    pub basic_auth: Option<BasicAuth>,
    /// `inter.worker.verification.algorithms`: those that requests between workers may be signed with.
    pub verification_algorithms: Vec<String>,
}

/// Basic authentication as Java's extension has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    /// The JAAS file that names the file of credentials, if the worker's settings name it.
    pub login_config: Option<String>,
}

impl RestConfig {
    /// Reads the settings; what is wrong goes to the keys of `values`.
    pub(super) fn of(values: &mut ConfigValues, raw: &Config) -> Self {
        let listeners = listeners(values, "listeners");
        if listeners.is_empty() && values.list("listeners").is_empty() {
            values.error(
                "listeners",
                "Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.",
            );
        }
        let admin_listeners = raw.contains("admin.listeners").then(|| self::listeners(values, "admin.listeners"));
        let is_tls = |listeners: &[Listener]| listeners.iter().any(|listener| listener.protocol == Protocol::Https);
        let tls = is_tls(&listeners).then(|| TlsSettings::of(values, raw, "listeners.https."));
        let admin_tls = admin_listeners
            .as_deref()
            .is_some_and(is_tls)
            .then(|| TlsSettings::of(values, raw, "admin.listeners.https."));
        let given = |values: &ConfigValues, key: &str| values.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
        Self {
            cross_origin: CrossOrigin::of(values),
            response_headers: response_headers::of(values),
            basic_auth: basic_auth(values),
            advertised_protocol: advertised_protocol(values, &listeners),
            listeners,
            admin_listeners,
            tls: tls.flatten(),
            admin_tls: admin_tls.flatten(),
            advertised_host: given(values, "rest.advertised.host.name"),
            advertised_port: values.int("rest.advertised.port").and_then(|port| u16::try_from(port).ok()),
            verification_algorithms: verification_algorithms(raw),
        }
    }

    /// How others reach this worker: as `rest.advertised.*` says, else by the first listener of the protocol (http if there is one);
    /// `default_host` (the machine's own name) where that one listens on all interfaces.
    pub fn advertised(&self, default_host: &str) -> Advertised {
        let of = |protocol| self.listeners.iter().find(move |listener| listener.protocol == protocol);
        let listener = match self.advertised_protocol {
            Some(protocol) => of(protocol),
            None => of(Protocol::Http).or_else(|| of(Protocol::Https)),
        };
        let any = Listener::any();
        Advertised::new(listener.unwrap_or(&any), self.advertised_host.as_deref(), self.advertised_port, default_host)
    }
}

/// The keys, with Java's defaults. Those of TLS are read apart: they have prefixes.
pub(super) fn def() -> ConfigDef {
    use ConfigType::{Int, List, String as Text};
    let low = Importance::Low;
    ConfigDef::new()
        .key(ConfigKey::with_default("listeners", List, "http://:8083", low, "Addresses the REST API listens on."))
        .key(ConfigKey::nullable("admin.listeners", List, low, "Addresses for /admin alone; empty turns it off."))
        .key(ConfigKey::nullable("rest.advertised.host.name", Text, low, "Host other workers reach this one by."))
        .key(
            ConfigKey::nullable("rest.advertised.port", Int, low, "Port other workers reach this one by.")
                .between(1, 65535),
        )
        .key(ConfigKey::nullable("rest.advertised.listener", Text, low, "Protocol other workers reach this one by."))
        .key(ConfigKey::with_default("rest.extension.classes", List, "", low, "Extensions of the REST API."))
        .key(ConfigKey::nullable(LOGIN_CONFIG, Text, low, "File whose entry KafkaConnect names the REST API's users."))
        .key(ConfigKey::with_default(
            "access.control.allow.origin",
            Text,
            "",
            low,
            "Origins that browsers may call from.",
        ))
        .key(ConfigKey::with_default("access.control.allow.methods", Text, "", low, "Methods for calls from browsers."))
        .key(ConfigKey::with_default("response.http.headers.config", Text, "", low, "Headers added to REST answers."))
        .key(ConfigKey::with_default("ssl.client.auth", Text, "none", low, "Do callers show a certificate?").one_of([
            "required",
            "requested",
            "none",
        ]))
}

fn listeners(values: &mut ConfigValues, key: &str) -> Vec<Listener> {
    let (mut listeners, mut errors) = (Vec::new(), Vec::new());
    for text in values.list(key) {
        match Listener::parse(text) {
            Ok(listener) => listeners.push(listener),
            Err(_) if text.is_empty() => errors.push(format!("Empty URL found when parsing {key} list.")),
            Err(reason) => errors.push(format!("Invalid value {text} for configuration {key}: {reason}")),
        }
    }
    for error in errors {
        values.error(key, error);
    }
    listeners
}

fn advertised_protocol(values: &mut ConfigValues, listeners: &[Listener]) -> Option<Protocol> {
    const KEY: &str = "rest.advertised.listener";
    let text = values.text(KEY).filter(|text| !text.is_empty())?.to_owned();
    let invalid = |reason: &str| format!("Invalid value {text} for configuration {KEY}: {reason}");
    let Some(protocol) = Protocol::parse(&text) else {
        values.error(KEY, invalid("it must be http or https"));
        return None;
    };
    // Java hands out an address that nothing listens on.
    if !listeners.is_empty() && listeners.iter().all(|listener| listener.protocol != protocol) {
        values.error(KEY, invalid("none of the listeners has this protocol"));
    }
    Some(protocol)
}

fn basic_auth(values: &mut ConfigValues) -> Option<BasicAuth> {
    const KEY: &str = "rest.extension.classes";
    let (known, others): (Vec<_>, Vec<_>) =
        values.list(KEY).iter().cloned().partition(|class| BASIC_AUTH.contains(&class.as_str()));
    for class in others {
        // Dropping one in silence could open an API that was meant to ask for a password.
        values.error(
            KEY,
            format!("Invalid value {class} for configuration {KEY}: the one extension there is is {}", BASIC_AUTH[0]),
        );
    }
    let login_config = values.text(LOGIN_CONFIG).filter(|path| !path.is_empty()).map(str::to_owned);
    (!known.is_empty()).then_some(BasicAuth { login_config })
}

/// As the key says, else Java's default.
fn verification_algorithms(raw: &Config) -> Vec<String> {
    let text = raw.get("inter.worker.verification.algorithms").unwrap_or("HmacSHA256");
    text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}
