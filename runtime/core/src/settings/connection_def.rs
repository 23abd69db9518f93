//! The keys by which the worker's own clients connect: names, defaults and ranges of Kafka Connect 4.3.1. What they mean to a client is told
//! where clients are made.

use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, Parsed};

use ConfigType::{Boolean, Class, Double, Int, List, Long, Password, Short, String as Text};

/// Numbers: name, type, default and smallest value. `None` where Java sets no bound.
const NUMBERS: &[(&str, ConfigType, i64, Option<i64>)] = &[
    ("connections.max.idle.ms", Long, 540_000, None),
    ("metadata.max.age.ms", Long, 300_000, Some(0)),
    ("metadata.recovery.rebootstrap.trigger.ms", Long, 300_000, Some(0)),
    ("receive.buffer.bytes", Int, 32_768, Some(-1)),
    ("reconnect.backoff.max.ms", Long, 1_000, Some(0)),
    ("reconnect.backoff.ms", Long, 50, Some(0)),
    ("request.timeout.ms", Int, 40_000, Some(0)),
    ("retry.backoff.max.ms", Long, 1_000, Some(0)),
    ("retry.backoff.ms", Long, 100, Some(0)),
    ("send.buffer.bytes", Int, 131_072, Some(-1)),
    ("socket.connection.setup.timeout.max.ms", Long, 30_000, Some(0)),
    ("socket.connection.setup.timeout.ms", Long, 10_000, Some(0)),
    ("sasl.kerberos.min.time.before.relogin", Long, 60_000, None),
    ("sasl.login.retry.backoff.max.ms", Long, 10_000, None),
    ("sasl.login.retry.backoff.ms", Long, 100, None),
    ("sasl.oauthbearer.clock.skew.seconds", Int, 30, None),
    ("sasl.oauthbearer.jwks.endpoint.refresh.ms", Long, 3_600_000, None),
    ("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Long, 10_000, None),
    ("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Long, 100, None),
];

/// Numbers within two bounds: name, type, default, smallest and largest value.
const BETWEEN: &[(&str, ConfigType, i64, i64, i64)] = &[
    ("sasl.login.refresh.buffer.seconds", Short, 300, 0, 3_600),
    ("sasl.login.refresh.min.period.seconds", Short, 60, 0, 900),
    ("sasl.oauthbearer.assertion.claim.exp.seconds", Int, 300, 0, 86_400),
    ("sasl.oauthbearer.assertion.claim.nbf.seconds", Int, 60, 0, 3_600),
];

/// Fractions: name, default, bounds.
const FRACTIONS: &[(&str, &str, f64, f64)] = &[
    ("sasl.kerberos.ticket.renew.jitter", "0.05", f64::MIN, f64::MAX),
    ("sasl.kerberos.ticket.renew.window.factor", "0.8", f64::MIN, f64::MAX),
    ("sasl.login.refresh.window.factor", "0.8", 0.5, 1.0),
    ("sasl.login.refresh.window.jitter", "0.05", 0.0, 0.25),
];

/// Words in any case: name, default, words.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("metadata.recovery.strategy", "rebootstrap", &["REBOOTSTRAP", "NONE"]),
    ("sasl.oauthbearer.assertion.algorithm", "RS256", &["ES256", "RS256"]),
    ("security.protocol", "PLAINTEXT", &["SASL_SSL", "PLAINTEXT", "SSL", "SASL_PLAINTEXT"]),
];

/// Secrets.
const PASSWORDS: &[&str] = &[
    "sasl.jaas.config",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.client.credentials.client.secret",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.password",
    "ssl.truststore.certificates",
    "ssl.truststore.password",
];

/// True and false.
const FLAGS: &[&str] = &["sasl.oauthbearer.assertion.claim.jti.include", "sasl.oauthbearer.header.urlencode"];

/// Texts with a default other than null.
const TEXTS: &[(&str, ConfigType, &str)] = &[
    ("sasl.kerberos.kinit.cmd", Text, "/usr/bin/kinit"),
    ("sasl.mechanism", Text, "GSSAPI"),
    ("sasl.oauthbearer.expected.audience", List, ""),
    ("sasl.oauthbearer.jwt.retriever.class", Class, "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
    ("sasl.oauthbearer.jwt.validator.class", Class, "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"),
    ("sasl.oauthbearer.scope.claim.name", Text, "scope"),
    ("sasl.oauthbearer.sub.claim.name", Text, "sub"),
    ("ssl.cipher.suites", List, ""),
    ("ssl.enabled.protocols", List, "TLSv1.2,TLSv1.3"),
    ("ssl.endpoint.identification.algorithm", Text, "https"),
    ("ssl.keymanager.algorithm", Text, "SunX509"),
    ("ssl.keystore.type", Text, "JKS"),
    ("ssl.protocol", Text, "TLSv1.3"),
    ("ssl.trustmanager.algorithm", Text, "PKIX"),
    ("ssl.truststore.type", Text, "JKS"),
];

/// The keys of both modes. All other `ssl.*` and `sasl.*` keys are texts that are null by default.
pub(super) fn def() -> ConfigDef {
    let doc = |name: &str| format!("Setting {name} of the worker's own Kafka clients.");
    let key = |name: &str, kind, default: &dyn ToString| {
        ConfigKey::with_default(name, kind, default.to_string(), Importance::Low, doc(name))
    };
    let dns = ["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"];
    let mut def = ConfigDef::new().key(key("client.dns.lookup", Text, &dns[0]).one_of(dns));
    for (name, kind, default, min) in NUMBERS {
        let key = key(name, *kind, default).never_null();
        def = def.key(match min {
            Some(min) => key.at_least(*min),
            None => key,
        });
    }
    for (name, kind, default, min, max) in BETWEEN {
        def = def.key(key(name, *kind, default).between(*min, *max).never_null());
    }
    for (name, default, min, max) in FRACTIONS {
        def = def.key(key(name, Double, default).check(move |value| match value {
            Parsed::Double(number) if number < min => Err(format!("Value must be at least {min}")),
            Parsed::Double(number) if number > max => Err(format!("Value must be no more than {max}")),
            _ => Ok(()),
        }));
    }
    for (name, default, words) in WORDS {
        def = def.key(any_case(key(name, Text, default), words));
    }
    for name in PASSWORDS {
        def = def.key(ConfigKey::nullable(*name, Password, Importance::Medium, doc(name)));
    }
    for name in FLAGS {
        def = def.key(key(name, Boolean, &false));
    }
    for (name, kind, default) in TEXTS {
        def = def.key(key(name, *kind, default));
    }
    def
}

/// Takes these words only, whatever their case.
pub(super) fn any_case(key: ConfigKey, words: &'static [&'static str]) -> ConfigKey {
    key.check(move |value| match value {
        Parsed::Text(text) if words.iter().any(|word| word.eq_ignore_ascii_case(text)) => Ok(()),
        _ => Err(format!("String must be one of (case insensitive): {}", words.join(", "))),
    })
}
