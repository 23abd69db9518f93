//! SASL: Java's mechanisms, login modules and OAuth settings as librdkafka's.

use millstream_api::{Config, Error, Result};
use rdkafka::ClientConfig;

use super::jaas::Login;
use super::security::Named;

const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];
const HANDLER: &str = "sasl.login.callback.handler.class";

/// Translates the `sasl.*` settings; those without counterpart go into `unknown`.
pub(super) fn translate(
    settings: &Config,
    named: &Named<'_>,
    config: &mut ClientConfig,
    unknown: &mut Vec<String>,
) -> Result<()> {
    let login = login(settings, named)?;
    let mechanism = settings.get("sasl.mechanism").map(str::trim).filter(|mechanism| !mechanism.is_empty());
    if let Some(mechanism) = mechanism {
        if !MECHANISMS.contains(&mechanism) {
            return Err(Error::config(format!("{} {mechanism} is not supported", named.full("sasl.mechanism")))
                .hint("use SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or OAUTHBEARER, or TLS client certificates"));
        }
        config.set("sasl.mechanisms", mechanism);
    }
    let in_use = settings.get("security.protocol").is_some_and(|protocol| {
        ["SASL_SSL", "SASL_PLAINTEXT"].iter().any(|sasl| protocol.trim().eq_ignore_ascii_case(sasl))
    });
    if in_use && mechanism.is_none() {
        return Err(Error::config(format!(
            "{} asks for SASL, but {} is not set, and Kerberos (its default) is not supported",
            named.full("security.protocol"),
            named.full("sasl.mechanism")
        ))
        .hint("set sasl.mechanism to SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or OAUTHBEARER"));
    }
    for key in ["sasl.client.callback.handler.class", "sasl.login.class"] {
        if given(settings, key).is_some() {
            return Err(Error::config(format!("{} names a Java class, which cannot be run here", named.full(key)))
                .hint("use one of Kafka's own ways to log in"));
        }
    }
    let is_oauth = mechanism == Some("OAUTHBEARER") || login.as_ref().is_some_and(|l| l.is("OAuthBearerLoginModule"));
    if is_oauth {
        oauth(settings, login.as_ref(), named, config, unknown)?;
    } else {
        password(login.as_ref(), mechanism.is_some() && in_use, named, config)?;
        if given(settings, HANDLER).is_some() {
            return Err(Error::config(format!("{} names a Java class, which cannot be run here", named.full(HANDLER))));
        }
        unknown.extend(settings.keys().filter(|key| key.starts_with("sasl.oauthbearer.")).map(|key| named.full(key)));
    }
    let done =
        ["sasl.mechanism", "sasl.jaas.config", "sasl.client.callback.handler.class", "sasl.login.class", HANDLER];
    let rest = settings.keys().filter(|key| key.starts_with("sasl.") && !key.starts_with("sasl.oauthbearer."));
    unknown.extend(rest.filter(|key| !done.contains(key)).map(|key| named.full(key)));
    Ok(())
}

fn given<'c>(settings: &'c Config, key: &str) -> Option<&'c str> {
    settings.get(key).map(str::trim).filter(|value| !value.is_empty())
}

fn login(settings: &Config, named: &Named<'_>) -> Result<Option<Login>> {
    let Some(line) = given(settings, "sasl.jaas.config") else { return Ok(None) };
    let unusable = |reason: &str| {
        Error::config(format!("{} cannot be used: {reason}", named.full("sasl.jaas.config")))
            .hint("<login module class> required username=\"..\" password=\"..\";")
    };
    let login = Login::parse(line).map_err(unusable)?;
    if ["PlainLoginModule", "ScramLoginModule", "OAuthBearerLoginModule"].iter().any(|known| login.is(known)) {
        Ok(Some(login))
    } else {
        Err(unusable("its login module is none of PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule"))
    }
}

fn password(login: Option<&Login>, needed: bool, named: &Named<'_>, config: &mut ClientConfig) -> Result<()> {
    let key = named.full("sasl.jaas.config");
    let Some(login) = login else {
        if needed {
            return Err(Error::config(format!("{key} is missing, and with it user name and password"))
                .hint("<login module class> required username=\"..\" password=\"..\";"));
        }
        return Ok(());
    };
    for (option, native) in [("username", "sasl.username"), ("password", "sasl.password")] {
        let value =
            login.option(option).ok_or_else(|| Error::config(format!("{key} cannot be used: it has no {option}")))?;
        config.set(native, value);
    }
    Ok(())
}

fn oauth(
    settings: &Config,
    login: Option<&Login>,
    named: &Named<'_>,
    config: &mut ClientConfig,
    unknown: &mut Vec<String>,
) -> Result<()> {
    const SECURED: &str = "OAuthBearerLoginCallbackHandler";
    const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
    const RETRIEVER: &str = "sasl.oauthbearer.jwt.retriever.class";
    let simple = |class: &str| class.rsplit('.').next().unwrap_or_default().to_owned();
    let handler = given(settings, HANDLER).map(simple);
    let retriever = given(settings, RETRIEVER).map(simple);
    match handler.as_deref() {
        None | Some(SECURED | "OAuthBearerUnsecuredLoginCallbackHandler") => {}
        Some(_) => {
            return Err(Error::config(format!("{} names a Java class, which cannot be run here", named.full(HANDLER)))
                .hint(format!("use Kafka's {SECURED} with {ENDPOINT}")));
        }
    }
    let endpoint = given(settings, ENDPOINT);
    if endpoint.is_none() && handler.as_deref() == Some(SECURED) {
        return Err(
            Error::config(format!("{} is missing", named.full(ENDPOINT))).hint("name where tokens are to be had")
        );
    }
    let Some(endpoint) = endpoint else {
        config.set("enable.sasl.oauthbearer.unsecure.jwt", "true");
        config.set("sasl.oauthbearer.config", unsecured(login));
        return Ok(());
    };
    if !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
        return Err(Error::config(format!("{} is no http or https address", named.full(ENDPOINT)))
            .hint("tokens from files are not supported"));
    }
    config.set("sasl.oauthbearer.method", "oidc").set(ENDPOINT, endpoint);
    match retriever.as_deref() {
        None | Some("DefaultJwtRetriever" | "ClientCredentialsJwtRetriever") => {}
        Some("JwtBearerJwtRetriever") => {
            config.set("sasl.oauthbearer.grant.type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        }
        Some(_) => {
            return Err(Error::config(format!("{} names a class that is not here", named.full(RETRIEVER)))
                .hint("use ClientCredentialsJwtRetriever or JwtBearerJwtRetriever"));
        }
    }
    // What the login module says counts where the setting of the same meaning is missing.
    let of_login = |name: &str| login.and_then(|login| login.option(name));
    for (key, native, option) in [
        ("sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id", "clientId"),
        ("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret", "clientSecret"),
        ("sasl.oauthbearer.scope", "sasl.oauthbearer.scope", "scope"),
    ] {
        if let Some(value) = given(settings, key).or_else(|| of_login(option)) {
            config.set(native, value);
        }
    }
    let extensions: Vec<_> = login
        .into_iter()
        .flat_map(|l| l.with_prefix("extension_"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !extensions.is_empty() {
        config.set("sasl.oauthbearer.extensions", extensions.join(","));
    }
    for key in settings.keys().filter(|key| key.starts_with("sasl.oauthbearer.")) {
        let Some(value) = given(settings, key) else { continue };
        match key {
            ENDPOINT
            | RETRIEVER
            | "sasl.oauthbearer.scope"
            | "sasl.oauthbearer.client.credentials.client.id"
            | "sasl.oauthbearer.client.credentials.client.secret" => {}
            "sasl.oauthbearer.assertion.template.file" => {
                config.set("sasl.oauthbearer.assertion.jwt.template.file", value);
            }
            "sasl.oauthbearer.assertion.algorithm" => {
                config.set(key, value.to_ascii_uppercase());
            }
            key if key.starts_with("sasl.oauthbearer.assertion.") => {
                config.set(key, value);
            }
            key => unknown.push(named.full(key)),
        }
    }
    Ok(())
}

/// Java's unsecured token for development: the options of the login module as librdkafka spells them.
fn unsecured(login: Option<&Login>) -> String {
    let option = |name: &str| login.and_then(|login| login.option(name)).filter(|value| !value.is_empty());
    let mut words = Vec::new();
    let principal_claim = option("unsecuredLoginPrincipalClaimName").unwrap_or("sub");
    words.push(format!("principalClaimName={principal_claim}"));
    if let Some(principal) = option(&format!("unsecuredLoginStringClaim_{principal_claim}")) {
        words.push(format!("principal={principal}"));
    }
    let scope_claim = option("unsecuredLoginScopeClaimName").unwrap_or("scope");
    words.push(format!("scopeClaimName={scope_claim}"));
    let scope = option(&format!("unsecuredLoginListClaim_{scope_claim}"))
        .or_else(|| option(&format!("unsecuredLoginStringClaim_{scope_claim}")));
    if let Some(scope) = scope {
        // The first character of a list is what separates it.
        let parts = scope.trim_start_matches(|c: char| !c.is_alphanumeric());
        words.push(format!("scope={}", parts.replace(['|', ' ', ';'], ",")));
    }
    if let Some(seconds) = option("unsecuredLoginLifetimeSeconds") {
        words.push(format!("lifeSeconds={seconds}"));
    }
    words.extend(
        login
            .into_iter()
            .flat_map(|l| l.with_prefix("unsecuredLoginExtension_"))
            .map(|(n, v)| format!("extension_{n}={v}")),
    );
    words.join(" ")
}
