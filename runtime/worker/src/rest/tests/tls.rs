//! https listeners: a client that checks certificates, over real sockets.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};

use super::client::{Reply, parse, send};
use super::herder::FakeHerder;
use super::{JSON, Server, served, settings};
use crate::rest::{RestServer, RestSettings};

/// A certificate and its key.
struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// An authority, a server's and a client's certificate, and files of them.
struct World {
    authority: Signed,
    server: Signed,
    client: Signed,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::from_params(&params, &key);
        let signed = |names: &[&str], purpose| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
            params.extended_key_usages = vec![purpose];
            Signed { certificate: params.signed_by(&key, &issuer).unwrap(), key }
        };
        let server = signed(&["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
        let client = signed(&["a client"], ExtendedKeyUsagePurpose::ClientAuth);
        Self { authority: Signed { certificate, key }, server, client, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), contents).unwrap();
        self.path(name).display().to_string()
    }

    /// A PKCS#12 store as keytool and openssl write it.
    fn keystore(&self, password: &str) -> String {
        let chain = PrivateKeyChain::new(
            LocalKeyId(b"1".to_vec()),
            PrivateKey::from_der(&self.server.key.serialize_der()).unwrap(),
            [Certificate::from_der(self.server.certificate.der()).unwrap()],
        );
        let mut store = KeyStore::new();
        store.add_entry("worker", KeyStoreEntry::PrivateKeyChain(chain));
        self.write("keystore.p12", store.writer(password).write().unwrap())
    }

    fn truststore(&self, password: &str) -> String {
        let mut store = KeyStore::new();
        let certificate = Certificate::from_der(self.authority.certificate.der()).unwrap();
        store.add_entry("authority", KeyStoreEntry::Certificate(certificate));
        self.write("truststore.p12", store.writer(password).write().unwrap())
    }

    /// Makes a request over TLS; an error when the handshake, or the connection after it, fails.
    async fn request(&self, address: SocketAddr, with_certificate: bool, text: &str) -> std::io::Result<Reply> {
        self.request_with(address, with_certificate, text, &[&version::TLS12, &version::TLS13]).await
    }

    async fn request_with(
        &self,
        address: SocketAddr,
        with_certificate: bool,
        text: &str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<Reply> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match with_certificate {
            false => builder.with_no_client_auth(),
            true => {
                let key = PrivatePkcs8KeyDer::from(self.client.key.serialize_der());
                builder.with_client_auth_cert(vec![self.client.certificate.der().clone()], key.into()).unwrap()
            }
        };
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
        stream.write_all(text.as_bytes()).await?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer).await {
            // The server's close need not be announced.
            Err(error) if answer.is_empty() => return Err(error),
            _ => {}
        }
        Ok(parse(&answer))
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

async fn start(entries: &[(&str, &str)]) -> Server {
    served(&settings(entries), RestSettings::default(), Some(FakeHerder::default())).await
}

async fn refused(entries: &[(&str, &str)]) -> String {
    RestServer::bind(&settings(entries)).await.err().expect("an error").to_string()
}

#[tokio::test]
async fn a_pkcs12_store_opens_a_listener_beside_a_plain_one() {
    let world = World::new();
    let store = world.keystore("changeit");
    let server = start(&[
        ("listeners", "https://127.0.0.1:0,http://127.0.0.1:0"),
        ("ssl.keystore.location", &store),
        ("ssl.keystore.password", "changeit"),
    ])
    .await;
    assert_eq!(world.request(server.addresses[0], false, GET).await.unwrap().status, 200);
    assert_eq!(send(server.addresses[1], "GET", "/", &[], None).await.status, 200);
    // A client that speaks plain HTTP, or nothing at all, holds nobody up.
    let mut plain = TcpStream::connect(server.addresses[0]).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _silent = TcpStream::connect(server.addresses[0]).await.unwrap();
    let soon = tokio::time::timeout(Duration::from_secs(5), world.request(server.addresses[0], false, GET));
    assert_eq!(soon.await.expect("an answer while others dawdle").unwrap().status, 200);
}

#[tokio::test]
async fn the_location_of_what_was_created_is_an_https_one() {
    let world = World::new();
    let store = world.keystore("changeit");
    let listener = [
        ("listeners", "https://127.0.0.1:0"),
        ("ssl.keystore.location", &store),
        ("ssl.keystore.password", "changeit"),
    ];
    let server = start(&listener).await;
    let body = r#"{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t"}}"#;
    let head = format!("POST /connectors HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n{}: {}\r\n", JSON.0, JSON.1);
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let reply = world.request(server.address, false, &request).await.unwrap();
    assert_eq!((reply.status, reply.header("Location")), (201, Some("https://h:1/connectors/a")));
}

#[tokio::test]
async fn pem_texts_and_files() {
    let world = World::new();
    let (chain, key) = (world.server.certificate.pem(), world.server.key.serialize_pem());
    let one_line = |text: &str| text.replace('\n', " ");
    let file = world.write("both.pem", format!("{key}{chain}"));
    let (key_line, chain_line) = (one_line(&key), one_line(&chain));
    let https = ("listeners", "https://127.0.0.1:0");
    let texts =
        [https, ("ssl.keystore.type", "PEM"), ("ssl.keystore.key", &key), ("ssl.keystore.certificate.chain", &chain)];
    let lines = [https, ("ssl.keystore.key", &key_line), ("ssl.keystore.certificate.chain", &chain_line)];
    let files = [https, ("listeners.https.ssl.keystore.type", "PEM"), ("listeners.https.ssl.keystore.location", &file)];
    for entries in [&texts[..], &lines[..], &files[..]] {
        let server = start(entries).await;
        assert_eq!(world.request(server.address, false, GET).await.unwrap().status, 200, "{:?}", entries[1].0);
    }
}

#[tokio::test]
async fn callers_show_certificates_when_they_must() {
    let world = World::new();
    let (store, trusted) = (world.keystore("changeit"), world.truststore("changeit"));
    let with = |wanted| {
        [
            ("listeners", "https://127.0.0.1:0"),
            ("ssl.keystore.location", store.as_str()),
            ("ssl.keystore.password", "changeit"),
            ("ssl.truststore.location", trusted.as_str()),
            ("ssl.truststore.password", "changeit"),
            ("ssl.client.auth", wanted),
        ]
    };
    for (wanted, without, with_one) in [("none", true, true), ("requested", true, true), ("required", false, true)] {
        let server = start(&with(wanted)).await;
        assert_eq!(world.request(server.address, false, GET).await.is_ok(), without, "{wanted}");
        assert_eq!(world.request(server.address, true, GET).await.is_ok(), with_one, "{wanted}");
    }
    // A certificate of somebody else's authority is none.
    let stranger = World::new();
    let mut entries = with("requested").to_vec();
    let foreign = stranger.truststore("changeit");
    entries[3].1 = &foreign;
    let server = start(&entries).await;
    assert!(world.request(server.address, true, GET).await.is_err());
}

#[tokio::test]
async fn versions_and_suites_are_those_of_the_settings() {
    let world = World::new();
    let store = world.keystore("changeit");
    let listener = [
        ("listeners", "https://127.0.0.1:0"),
        ("ssl.keystore.location", &store),
        ("ssl.keystore.password", "changeit"),
    ];
    let server = start(&[&listener[..], &[("ssl.enabled.protocols", "TLSv1.3")]].concat()).await;
    assert!(world.request_with(server.address, false, GET, &[&version::TLS13]).await.is_ok());
    assert!(world.request_with(server.address, false, GET, &[&version::TLS12]).await.is_err());
    let suites = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_NO_SUCH";
    let server = start(&[&listener[..], &[("ssl.cipher.suites", suites)]].concat()).await;
    assert!(world.request_with(server.address, false, GET, &[&version::TLS12]).await.is_ok());
    assert!(world.request_with(server.address, false, GET, &[&version::TLS13]).await.is_err());
    let none = refused(&[&listener[..], &[("ssl.cipher.suites", "TLS_NO_SUCH")]].concat()).await;
    assert!(none.contains("ssl.cipher.suites"), "{none}");
}

#[tokio::test]
async fn admin_alone_on_its_own_https_listener() {
    let world = World::new();
    let store = world.keystore("changeit");
    let server = start(&[
        super::FREE,
        ("admin.listeners", "https://127.0.0.1:0"),
        ("admin.listeners.https.ssl.keystore.location", &store),
        ("admin.listeners.https.ssl.keystore.password", "changeit"),
    ])
    .await;
    let path = |path: &str| GET.replace("GET /", &format!("GET {path}"));
    let admin = server.addresses[1];
    assert_eq!(world.request(admin, false, &path("/admin/loggers/root")).await.unwrap().status, 200);
    assert_eq!(world.request(admin, false, &path("/connectors")).await.unwrap().status, 404);
    assert_eq!(send(server.address, "GET", "/admin/loggers/root", &[], None).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_the_remedy() {
    let world = World::new();
    let store = world.keystore("changeit");
    let jks = world.write("a.jks", [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]);
    let junk = world.write("junk.p12", b"junk");
    let certificate = world.write("c.pem", world.server.certificate.pem());
    let mismatch =
        world.write("m.pem", format!("{}{}", world.client.key.serialize_pem(), world.server.certificate.pem()));
    let missing = world.path("missing").display().to_string();
    for (path, password, reason) in [
        (&jks, "x", "keytool -importkeystore"),
        (&store, "wrong", "check ssl.keystore.password"),
        (&store, "", "set ssl.keystore.password"),
        (&junk, "x", "cannot be opened as a PKCS#12 store"),
        (&certificate, "x", "holds no private key"),
        (&mismatch, "x", "cannot be used together"),
        (&missing, "x", "cannot be read"),
    ] {
        let listener = ("listeners", "https://127.0.0.1:0");
        let error = refused(&[listener, ("ssl.keystore.location", path), ("ssl.keystore.password", password)]).await;
        assert!(error.contains(reason) && error.contains("ssl.keystore"), "{path}: {error}");
    }
}

#[tokio::test]
async fn an_encrypted_key_needs_its_password() {
    let world = World::new();
    let chain = world.server.certificate.pem();
    let key = include_str!("encrypted-key.pem");
    let entries =
        [("listeners", "https://127.0.0.1:0"), ("ssl.keystore.key", key), ("ssl.keystore.certificate.chain", &chain)];
    assert!(refused(&entries).await.contains("set ssl.key.password"));
    assert!(
        refused(&[&entries[..], &[("ssl.key.password", "wrong")]].concat()).await.contains("check ssl.key.password")
    );
    // It opens, and is another certificate's.
    let opened = refused(&[&entries[..], &[("ssl.key.password", "changeit")]].concat()).await;
    assert!(opened.contains("cannot be used together"), "{opened}");
}
