//! The settings of the REST API, together.

use millstream_api::Result;

use super::*;

fn read(entries: &[(&str, &str)]) -> Result<RestConfig> {
    let raw: Config = entries.iter().copied().collect();
    let mut values = def().validate(&raw);
    let read = RestConfig::of(&mut values, &raw);
    values.into_valid().map(|_| read)
}

fn refused(entries: &[(&str, &str)]) -> String {
    read(entries).expect_err("an error").to_string()
}

const HTTPS: (&str, &str) = ("listeners", "https://:8443");

#[test]
fn listeners_and_what_others_are_told() {
    let rest = read(&[("listeners", "https://:8443, http://h:8083")]).expect_err("without a certificate");
    assert!(rest.to_string().contains("ssl.keystore.location is missing"), "{rest}");
    let both = [("listeners", "https://:8443, http://h:8083"), ("ssl.keystore.location", "/k.p12")];
    let with = |more: &[(&'static str, &'static str)]| read(&[&both[..], more].concat());
    assert_eq!(with(&[]).unwrap().advertised("box").url(), "http://h:8083/");
    assert_eq!(with(&[("rest.advertised.listener", "HTTPS")]).unwrap().advertised("box").url(), "https://box:8443/");
    assert_eq!(read(&[]).unwrap().advertised("box").url(), "http://box:8083/");
    assert!(refused(&[("rest.advertised.listener", "https")]).contains("none of the listeners"));
    assert!(refused(&[("rest.advertised.listener", "ftp")]).contains("rest.advertised.listener"));
    assert!(refused(&[("listeners", "")]).contains("at least one URL is expected"));
    assert!(refused(&[("listeners", "http://:1,,")]).contains("Empty URL found"));
    assert!(refused(&[("admin.listeners", "ftp://x:1")]).contains("admin.listeners: Listener protocol must be"));
    assert_eq!(read(&[("admin.listeners", "")]).unwrap().admin_listeners, Some(Vec::new()));
    assert_eq!(read(&[]).unwrap().admin_listeners, None);
}

#[test]
fn keys_with_a_prefix_count_alone() {
    let tls = |entries: &[(&str, &str)]| read(&[&[HTTPS], entries].concat()).unwrap().tls.unwrap();
    let plain =
        tls(&[("ssl.keystore.location", "/a"), ("ssl.keystore.type", "pkcs12"), ("ssl.keystore.password", " x ")]);
    let Keystore::File { store, .. } = plain.keystore else { panic!("no file") };
    assert_eq!((store.path.as_str(), store.kind), ("/a", StoreKind::Pkcs12));
    assert_eq!(store.password.unwrap().expose(), " x ");
    let entries =
        [("ssl.keystore.location", "/a"), ("listeners.https.ssl.keystore.location", "/b"), ("ssl.key.password", "x")];
    let prefixed = tls(&entries);
    let Keystore::File { store, key_password } = prefixed.keystore else { panic!("no file") };
    assert_eq!((store.path.as_str(), key_password), ("/b", None));
    let other = [HTTPS, ("ssl.keystore.location", "/a"), ("listeners.https.ssl.client.auth", "none")];
    assert!(refused(&other).contains("listeners.https.ssl.keystore.location is missing"));
    // Those of the admin listeners are apart.
    let admin = [("admin.listeners", "https://:1"), ("admin.listeners.https.ssl.keystore.location", "/c")];
    assert!(read(&admin).unwrap().admin_tls.is_some());
}

#[test]
fn tls_settings_that_cannot_be() {
    let file = ("ssl.keystore.location", "/a");
    for (key, value, reason) in [
        ("ssl.client.auth", "foo", "String must be one of: required, requested, none"),
        ("ssl.client.auth", "required", "ssl.truststore.location is missing"),
        ("ssl.keystore.type", "BKS", "is BKS, which cannot be read here"),
        ("ssl.keystore.key", "x", "ssl.keystore.certificate.chain is missing"),
        ("ssl.keystore.certificate.chain", "x", "ssl.keystore.key is missing"),
        ("ssl.enabled.protocols", "TLSv1.1", "older versions are not spoken"),
        ("ssl.engine.factory.class", "a.B", "is a Java class"),
    ] {
        let error = refused(&[HTTPS, file, (key, value)]);
        assert!(error.contains(reason), "{key}: {error}");
        assert!(read(&[file, (key, value)]).is_ok() || key == "ssl.client.auth", "{key} without an https listener");
    }
    let tls =
        read(&[HTTPS, file, ("ssl.protocol", "TLSv1.3"), ("ssl.enabled.protocols", "TLSv1.1,TLSv1.3")]).unwrap().tls;
    let tls = tls.unwrap();
    assert_eq!((tls.versions, tls.without_effect), (vec![TlsVersion::V13], vec!["ssl.protocol".to_owned()]));
}

#[test]
fn origins() {
    let origins = |text: &str| read(&[("access.control.allow.origin", text)]).unwrap().cross_origin;
    assert!(origins(" ").is_none());
    let some = origins(r"http://example.com, https://.*\.wild\.org").unwrap();
    assert_eq!(some.methods, ["GET", "POST", "HEAD"]);
    for (origin, allowed) in [
        ("http://example.com", true),
        ("HTTP://Example.com", true),
        ("http://x.org http://example.com", true),
        ("https://a.wild.org", true),
        ("http://example.com.evil.org", false),
        ("https://wild.org", false),
        ("", false),
    ] {
        assert_eq!(some.allows(origin), allowed, "{origin}");
    }
    assert!(origins("*").unwrap().allows("https://any"));
    assert!(refused(&[("access.control.allow.origin", "http://[")]).contains("access.control.allow.origin"));
    let methods = [("access.control.allow.origin", "*"), ("access.control.allow.methods", "GET, DELETE")];
    assert_eq!(read(&methods).unwrap().cross_origin.unwrap().methods, ["GET", "DELETE"]);
}

#[test]
fn extensions() {
    let with = |class: &'static str| [("rest.extension.classes", class), (LOGIN_CONFIG, "/jaas.conf")];
    for class in BASIC_AUTH {
        let auth = read(&with(class)).unwrap().basic_auth.unwrap();
        assert_eq!(auth.login_config.as_deref(), Some("/jaas.conf"));
    }
    assert!(refused(&with("com.example.Other")).contains("com.example.Other"));
    assert!(read(&[]).unwrap().basic_auth.is_none());
}

#[test]
fn headers_of_answers() {
    let read = |text| read(&[("response.http.headers.config", text)]);
    assert_eq!(read("set X-A: 1,add X-A: 2").unwrap().response_headers.len(), 2);
    assert!(read("foo X: 1").unwrap_err().to_string().contains("Invalid header config action: 'foo'"));
}
