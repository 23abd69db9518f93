//! Brokers that ask who is there: the ways to log in that workers have, by the settings that Java's clients take.

use std::path::Path;

use futures::future::try_join_all;
use millstream_testbed::{Folder, Kafka, Result, Worker, WorkerProperties, unique};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain};
use rcgen::{CertifiedKey, KeyPair};
use serde_json::json;

use crate::scenario::{FILE_SINK, FILE_SOURCE, STRING, append, millstream, wait_lines};

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required";
const OAUTH: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";
const FILE_PROVIDER: &str = "org.apache.kafka.common.config.provider.FileConfigProvider";

/// Certificates of a broker and of a client, each its own authority.
struct Certificates {
    broker: CertifiedKey<KeyPair>,
    client: CertifiedKey<KeyPair>,
}

impl Certificates {
    fn write(folder: &Folder) -> Result<Self> {
        let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned(), "127.0.0.1".to_owned()]);
        let all = Self { broker: made("localhost")?, client: made("client")? };
        folder.write("broker.pem", all.broker.signing_key.serialize_pem() + &all.broker.cert.pem())?;
        folder.write("client.pem", all.client.signing_key.serialize_pem() + &all.client.cert.pem())?;
        folder.write("broker-ca.pem", all.broker.cert.pem())?;
        folder.write("client-ca.pem", all.client.cert.pem())?;
        let mut trust = KeyStore::new();
        trust.add_entry("broker", KeyStoreEntry::Certificate(Certificate::from_der(all.broker.cert.der())?));
        // What keytool writes is PKCS12 under whatever name.
        folder.write("trust.jks", trust.writer("trust-hush").write()?)?;
        let mut keys = KeyStore::new();
        let chain = PrivateKeyChain::new(
            LocalKeyId(b"1".to_vec()),
            PrivateKey::from_der(&all.client.signing_key.serialize_der())?,
            [Certificate::from_der(all.client.cert.der())?],
        );
        keys.add_entry("client", KeyStoreEntry::PrivateKeyChain(chain));
        folder.write("client.p12", keys.writer("key-hush").write()?)?;
        Ok(all)
    }
}

async fn broker(folder: &Folder) -> Result<Kafka> {
    let pem = |name: &str| folder.path().join(name).display().to_string();
    let kafka = Kafka::builder()
        .listener("SECURE", "SASL_SSL")
        .listener("TLS", "SSL")
        .listener("TOKEN", "SASL_PLAINTEXT")
        .setting("ssl.keystore.type", "PEM")
        .setting("ssl.keystore.location", pem("broker.pem"))
        .setting("ssl.truststore.type", "PEM")
        .setting("ssl.truststore.location", pem("client-ca.pem"))
        .setting("listener.name.tls.ssl.client.auth", "required")
        .setting("listener.name.secure.sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512")
        .setting("listener.name.secure.plain.sasl.jaas.config", format!("{PLAIN} user_alice=\"plain-hush\";"))
        .setting("listener.name.secure.scram-sha-512.sasl.jaas.config", format!("{SCRAM};"))
        .setting("listener.name.token.sasl.enabled.mechanisms", "OAUTHBEARER")
        .setting(
            "listener.name.token.oauthbearer.sasl.jaas.config",
            format!("{OAUTH} unsecuredLoginStringClaim_sub=\"broker\";"),
        )
        .start()
        .await?;
    let add = ["--alter", "--add-config", "SCRAM-SHA-512=[password=scram-hush]"];
    kafka
        .tool("kafka.admin.ConfigCommand", &[&add[..], &["--entity-type", "users", "--entity-name", "bob"]].concat())
        .await?;
    Ok(kafka)
}

/// A worker whose own clients and those of its connectors connect by these settings.
fn properties(bootstrap: &str, settings: &[(&str, String)]) -> WorkerProperties {
    let properties = WorkerProperties::distributed(bootstrap, &unique("secure"));
    settings.iter().fold(properties, |properties, (key, value)| {
        ["", "producer.", "consumer.", "admin."]
            .iter()
            .fold(properties, |p, prefix| p.set(format!("{prefix}{key}"), value))
    })
}

/// Lines of one file go through a topic into another.
async fn carries_lines(way: &str, properties: WorkerProperties, folder: &Path) -> Result<()> {
    let worker = Worker::start(properties).await?;
    let (input, output, topic) = (folder.join(format!("{way}.in")), folder.join(format!("{way}.out")), unique(way));
    append(&input, &["one", "two"])?;
    let (source, sink) = (unique("source"), unique("sink"));
    let text = [("key.converter", STRING), ("value.converter", STRING)];
    let mut config = json!({"connector.class": FILE_SOURCE, "file": input, "topic": topic});
    text.iter().for_each(|(key, value)| config[key] = json!(value));
    worker.rest().create(&source, &config).await?;
    let mut config = json!({"connector.class": FILE_SINK, "file": output, "topics": topic});
    text.iter().for_each(|(key, value)| config[key] = json!(value));
    worker.rest().create(&sink, &config).await?;
    wait_lines(&output, &["one", "two"], &worker).await?;
    let log = worker.log_text()?;
    assert!(!log.contains("hush"), "{way}: a secret is in the log");
    assert!(!log.contains("without a counterpart"), "{way}: {}", worker.log_tail());
    assert_eq!(worker.terminate().await?, 0, "{way}: {}", worker.log_tail());
    Ok(())
}

#[tokio::test]
async fn every_way_to_log_in_carries_records() -> Result<()> {
    let folder = Folder::new("secure")?;
    let certificates = Certificates::write(&folder)?;
    let kafka = broker(&folder).await?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let one_line = |pem: String| pem.trim().replace(['\r', '\n'], " ").replace("  ", " ");
    folder.write("secrets.properties", format!("jaas={PLAIN} username=\"alice\" password=\"plain-hush\";\n"))?;

    let tls = |settings: &[(&'static str, String)]| {
        let mut all = vec![("security.protocol", "SSL".to_owned())];
        all.extend(settings.iter().cloned());
        all
    };
    let sasl = |mechanism: &str, jaas: String| {
        vec![
            ("security.protocol", "SASL_SSL".to_owned()),
            ("sasl.mechanism", mechanism.to_owned()),
            ("sasl.jaas.config", jaas),
        ]
    };
    let mut plain = sasl("PLAIN", format!("${{file:{}:jaas}}", path("secrets.properties")));
    plain.extend([("ssl.truststore.type", "PEM".to_owned()), ("ssl.truststore.location", path("broker-ca.pem"))]);
    let mut scram = sasl("SCRAM-SHA-512", format!("{SCRAM} username=\"bob\" password=\"scram-hush\";"));
    scram
        .extend([("ssl.truststore.location", path("trust.jks")), ("ssl.truststore.password", "trust-hush".to_owned())]);
    let texts = tls(&[
        ("ssl.truststore.type", "PEM".to_owned()),
        ("ssl.truststore.certificates", one_line(certificates.broker.cert.pem())),
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.keystore.certificate.chain", one_line(certificates.client.cert.pem())),
        ("ssl.keystore.key", one_line(certificates.client.signing_key.serialize_pem())),
    ]);
    let files = tls(&[
        ("ssl.truststore.location", path("broker-ca.pem")),
        ("ssl.keystore.location", path("client.p12")),
        ("ssl.keystore.type", "PKCS12".to_owned()),
        ("ssl.keystore.password", "key-hush".to_owned()),
    ]);
    let token = vec![
        ("security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("sasl.mechanism", "OAUTHBEARER".to_owned()),
        ("sasl.jaas.config", format!("{OAUTH} unsecuredLoginStringClaim_sub=\"carol\";")),
    ];

    let ways = [
        ("plain", "SECURE", plain),
        ("scram", "SECURE", scram),
        ("texts", "TLS", texts),
        ("files", "TLS", files),
        ("token", "TOKEN", token),
    ];
    let runs = ways.iter().map(|(way, listener, settings)| {
        let (kafka, folder) = (&kafka, folder.path());
        async move {
            let properties = properties(&kafka.bootstrap_of(listener)?, settings)
                .set("config.providers", "file")
                .set("config.providers.file.class", FILE_PROVIDER);
            carries_lines(way, properties, folder).await
        }
    });
    try_join_all(runs).await?;
    Ok(())
}

/// Java ends with the same code.
#[tokio::test]
async fn a_worker_that_the_brokers_refuse_ends_and_says_why() -> Result<()> {
    let folder = Folder::new("refused")?;
    Certificates::write(&folder)?;
    let kafka = broker(&folder).await?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let wrong_password = [
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", "PLAIN".to_owned()),
        ("sasl.jaas.config", format!("{PLAIN} username=\"alice\" password=\"not-hush\";")),
        ("ssl.truststore.location", path("broker-ca.pem")),
    ];
    let unknown_broker = [("security.protocol", "SSL".to_owned()), ("ssl.truststore.location", path("client-ca.pem"))];
    for (listener, settings, phrase) in [
        ("SECURE", &wrong_password[..], "Invalid username or password"),
        ("TLS", &unknown_broker[..], "certificate verify failed"),
    ] {
        let properties = properties(&kafka.bootstrap_of(listener)?, settings).set("listeners", "http://127.0.0.1:0");
        let file = folder.write("worker.properties", properties.render())?.display().to_string();
        let printed = millstream(&["run", &file]).await?;
        assert_eq!(printed.code, Some(2), "{}", printed.text);
        let said = printed.text.lines().any(|line| line.contains("refuse the worker") && line.contains(phrase));
        assert!(said && !printed.text.contains("not-hush"), "{}", printed.text);
    }
    Ok(())
}
