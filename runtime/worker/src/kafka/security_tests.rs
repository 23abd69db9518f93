use super::*;

type Translated = Result<(ClientConfig, Vec<String>)>;

fn of(pairs: &[(&str, &str)]) -> Translated {
    let settings: Config = pairs.iter().copied().collect();
    let (mut config, mut unknown) = (ClientConfig::new(), Vec::new());
    translate(&settings, &Named(&|_| "producer."), &mut config, &mut unknown).map(|()| (config, unknown))
}

fn refused(pairs: &[(&str, &str)]) -> String {
    of(pairs).map(drop).unwrap_err().to_string()
}

const TLS: (&str, &str) = ("security.protocol", "ssl");

const PLAIN: &str =
    "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"hush\";";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(folder.path().join(name), bytes).unwrap());
    folder
}

#[test]
fn pem_stores_and_names_of_other_things() {
    let folder = folder(&[("ca.pem", b"-----BEGIN CERTIFICATE-----"), ("key.store", b"-----BEGIN PRIVATE KEY-----")]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (config, unknown) = of(&[
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", &path("ca.pem")),
        ("ssl.truststore.type", "pem"),
        ("ssl.keystore.location", &path("key.store")),
        ("ssl.endpoint.identification.algorithm", ""),
        (
            "ssl.cipher.suites",
            "TLS_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_256_CBC_SHA",
        ),
        ("ssl.provider", "X"),
        ("ssl.enabled.protocols", "TLSv1.3"),
    ])
    .unwrap();
    assert_eq!(config.get("security.protocol"), Some("ssl"));
    assert_eq!(config.get("ssl.ca.location"), Some(path("ca.pem").as_str()));
    assert_eq!(config.get("ssl.key.location"), Some(path("key.store").as_str()), "the file says that it is PEM");
    assert_eq!(config.get("ssl.endpoint.identification.algorithm"), Some("none"));
    assert_eq!(config.get("ssl.cipher.suites"), Some("ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA"));
    assert_eq!(unknown, ["producer.ssl.provider", "producer.ssl.enabled.protocols"]);
}

#[test]
fn stores_that_cannot_be_read_name_their_key_and_the_remedy() {
    let folder = folder(&[("t.jks", &[0xfe, 0xed, 0xfe, 0xed, 0]), ("t.p12", &[0x30, 0x82, 0, 0, 0])]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let error = refused(&[TLS, ("ssl.truststore.location", &path("t.jks"))]);
    assert!(error.contains("producer.ssl.truststore.location is a JKS store") && error.contains("PKCS12"), "{error}");
    let error = refused(&[TLS, ("ssl.keystore.location", &path("t.jks")), ("ssl.keystore.type", "JKS")]);
    assert!(error.contains("producer.ssl.keystore.location is a JKS store"), "{error}");
    let error = refused(&[TLS, ("ssl.truststore.location", &path("none"))]);
    assert!(error.contains("of producer.ssl.truststore.location cannot be read"), "{error}");
    let error = refused(&[TLS, ("ssl.truststore.location", &path("t.p12")), ("ssl.truststore.password", "hush")]);
    assert!(
        error.contains("check the file and producer.ssl.truststore.password") && !error.contains("hush"),
        "{error}"
    );
    // Java's tools write PKCS12 whatever the file is called.
    let (config, _) = of(&[TLS, ("ssl.keystore.location", &path("t.p12")), ("ssl.keystore.password", "x")]).unwrap();
    assert_eq!(config.get("ssl.keystore.location"), Some(path("t.p12").as_str()));
    // Without TLS nobody looks.
    let (config, unknown) = of(&[("ssl.truststore.location", &path("none")), ("ssl.keystore.location", "")]).unwrap();
    assert!(config.get("ssl.ca.location").is_none() && unknown.is_empty());
}

#[test]
fn pem_texts_on_one_line_get_their_lines_back() {
    let pem = "-----BEGIN CERTIFICATE----- QUJD REVG -----END CERTIFICATE----- -----BEGIN CERTIFICATE----- R0hJ -----END CERTIFICATE-----";
    let (config, _) = of(&[("ssl.truststore.certificates", pem)]).unwrap();
    let expected = "-----BEGIN CERTIFICATE-----\nQUJD\nREVG\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nR0hJ\n-----END CERTIFICATE-----\n";
    assert_eq!(config.get("ssl.ca.pem"), Some(expected));
    let (config, _) = of(&[("ssl.keystore.key", expected)]).unwrap();
    assert_eq!(config.get("ssl.key.pem"), Some(expected));
}

#[test]
fn passwords() {
    let sasl = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "SCRAM-SHA-512")];
    let (config, unknown) =
        of(&[sasl[0], sasl[1], ("sasl.jaas.config", PLAIN), ("sasl.kerberos.service.name", "k")]).unwrap();
    assert_eq!(config.get("sasl.mechanisms"), Some("SCRAM-SHA-512"));
    assert_eq!((config.get("sasl.username"), config.get("sasl.password")), (Some("u"), Some("hush")));
    assert_eq!(unknown, ["producer.sasl.kerberos.service.name"]);
    for (pairs, phrase) in [
        (vec![sasl[0]], "producer.sasl.mechanism is not set"),
        (sasl.to_vec(), "producer.sasl.jaas.config is missing"),
        (vec![("sasl.mechanism", "GSSAPI")], "producer.sasl.mechanism GSSAPI is not supported"),
        (vec![("sasl.mechanism", "AWS_MSK_IAM")], "producer.sasl.mechanism AWS_MSK_IAM is not supported"),
        (vec![("sasl.jaas.config", "x.Krb5LoginModule required a=hush;")], "producer.sasl.jaas.config cannot be used"),
        (vec![("sasl.jaas.config", "x.PlainLoginModule required username=hush;")], "it has no password"),
        (vec![("sasl.login.class", "x.Y")], "producer.sasl.login.class names a Java class"),
        (
            vec![("sasl.jaas.config", PLAIN), ("sasl.login.callback.handler.class", "x.Y")],
            "callback.handler.class names a Java class",
        ),
    ] {
        let error = refused(&pairs);
        assert!(error.contains(phrase) && !error.contains("hush"), "{error}");
    }
}

#[test]
fn tokens() {
    let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
    let line =
        format!("{module} clientId=\"id\" clientSecret=\"hush\" scope=\"a b\" extension_x=\"1\" extension_y=\"2\";");
    let endpoint = ("sasl.oauthbearer.token.endpoint.url", "https://tokens/x");
    let oauth = ("sasl.mechanism", "OAUTHBEARER");
    let handler = (
        "sasl.login.callback.handler.class",
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    );
    let (config, unknown) = of(&[
        oauth,
        endpoint,
        handler,
        ("sasl.jaas.config", &line),
        ("sasl.oauthbearer.client.credentials.client.id", "other"),
        ("sasl.oauthbearer.jwks.endpoint.url", "x"),
    ])
    .unwrap();
    let get = |key| config.get(key);
    assert_eq!((get("sasl.oauthbearer.method"), get("sasl.oauthbearer.client.id")), (Some("oidc"), Some("other")));
    assert_eq!((get("sasl.oauthbearer.client.secret"), get("sasl.oauthbearer.scope")), (Some("hush"), Some("a b")));
    assert_eq!(get("sasl.oauthbearer.extensions"), Some("x=1,y=2"));
    assert_eq!(unknown, ["producer.sasl.oauthbearer.jwks.endpoint.url"]);

    let bearer = "org.apache.kafka.common.security.oauthbearer.JwtBearerJwtRetriever";
    let (config, _) = of(&[
        oauth,
        endpoint,
        ("sasl.oauthbearer.jwt.retriever.class", bearer),
        ("sasl.oauthbearer.assertion.claim.iss", "me"),
        ("sasl.oauthbearer.assertion.template.file", "/t"),
    ])
    .unwrap();
    assert_eq!(config.get("sasl.oauthbearer.grant.type"), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    assert_eq!(config.get("sasl.oauthbearer.assertion.claim.iss"), Some("me"));
    assert_eq!(config.get("sasl.oauthbearer.assertion.jwt.template.file"), Some("/t"));

    let line = format!(
        "{module} unsecuredLoginStringClaim_sub=\"alice\" unsecuredLoginListClaim_scope=\"|r|w\" unsecuredLoginExtension_e=\"1\";"
    );
    let (config, _) = of(&[oauth, ("sasl.jaas.config", &line)]).unwrap();
    assert_eq!(config.get("enable.sasl.oauthbearer.unsecure.jwt"), Some("true"));
    let expected = "principalClaimName=sub principal=alice scopeClaimName=scope scope=r,w extension_e=1";
    assert_eq!(config.get("sasl.oauthbearer.config"), Some(expected));

    for (pairs, phrase) in [
        (vec![oauth, handler], "producer.sasl.oauthbearer.token.endpoint.url is missing"),
        (vec![oauth, ("sasl.oauthbearer.token.endpoint.url", "file:///t")], "is no http or https address"),
        (vec![oauth, ("sasl.login.callback.handler.class", "x.Y")], "callback.handler.class names a Java class"),
        (vec![oauth, endpoint, ("sasl.oauthbearer.jwt.retriever.class", "x.Y")], "names a class that is not here"),
    ] {
        let error = refused(&pairs);
        assert!(error.contains(phrase), "{error}");
    }
}
