//! One certificate for https listeners of scenarios, and a client that trusts it.

use std::sync::{Arc, OnceLock};

use millstream_testbed::{Error, Folder, Result};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain};
use rcgen::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The password of the PKCS#12 store; Java takes none of fewer than six characters.
const PASSWORD: &str = "changeit";

/// The certificate of this process, for the loopback address.
fn certificate() -> Result<&'static CertifiedKey<rcgen::KeyPair>> {
    static MADE: OnceLock<Result<CertifiedKey<rcgen::KeyPair>, String>> = OnceLock::new();
    let names = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = MADE.get_or_init(|| rcgen::generate_simple_self_signed(names()).map_err(|error| error.to_string()));
    made.as_ref().map_err(|error| Error::new(error.clone()))
}

/// Writes `server.p12` into a folder. (Java's REST API takes no PEM files.)
pub fn write(folder: &Folder) -> Result<()> {
    let CertifiedKey { cert, signing_key } = certificate()?;
    let chain = PrivateKeyChain::new(
        LocalKeyId(b"1".to_vec()),
        PrivateKey::from_der(&signing_key.serialize_der())?,
        [Certificate::from_der(cert.der())?],
    );
    let mut store = KeyStore::new();
    store.add_entry("worker", KeyStoreEntry::PrivateKeyChain(chain));
    folder.write("server.p12", store.writer(PASSWORD).write()?)?;
    Ok(())
}

/// A connection to `host:port` whose other end shows that certificate.
pub async fn connect(address: &str) -> Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()?.cert.der().clone())?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
    let stream = TcpStream::connect(address).await?;
    Ok(TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(host)?, stream).await?)
}
