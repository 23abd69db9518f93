//! TLS of https listeners: what is spoken, and connections that have shaken hands.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use millstream_api::{Error, Result};
use millstream_core::settings::{ClientAuth, TlsSettings, TlsVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{CipherSuite, RootCertStore, ServerConfig, version};
use tokio_rustls::server::TlsStream;

use super::certificates::{authorities, identity};

/// Who has not shaken hands by then is let go.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// Handshakes at a time; more connections wait in the system's queue.
const HANDSHAKES: usize = 256;

/// Reads keys and certificates and makes the server's side of TLS of them. Errors (kind config) name the setting.
pub(super) fn acceptor(settings: &TlsSettings) -> Result<TlsAcceptor> {
    let prefix = settings.prefix;
    let unusable = |what: &str| Error::config(format!("{prefix}ssl.{what}"));
    if !settings.without_effect.is_empty() {
        tracing::warn!(keys = settings.without_effect.join(", "), "settings of Java's TLS that have no effect here");
    }
    let provider = Arc::new(provider(settings)?);
    let versions: Vec<_> = settings
        .versions
        .iter()
        .map(|version| match version {
            TlsVersion::V12 => &version::TLS12,
            TlsVersion::V13 => &version::TLS13,
        })
        .collect();
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .map_err(|e| unusable("cipher.suites has none for ssl.enabled.protocols").caused_by(e))?;
    let builder = match (settings.client_auth, &settings.truststore) {
        (ClientAuth::None, _) | (_, None) => builder.with_no_client_auth(),
        (wanted, Some(truststore)) => {
            let mut roots = RootCertStore::empty();
            for certificate in authorities(truststore, prefix)? {
                let wrong = |e| unusable("truststore holds a certificate that cannot be used").caused_by(e);
                roots.add(certificate).map_err(wrong)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if wanted == ClientAuth::Required { verifier } else { verifier.allow_unauthenticated() };
            let wrong = |e| unusable("truststore cannot be used").caused_by(e);
            builder.with_client_cert_verifier(verifier.build().map_err(wrong)?)
        }
    };
    let identity = identity(&settings.keystore, prefix)?;
    let wrong = |e| unusable("keystore: key and certificate cannot be used together").caused_by(e);
    let mut config = builder.with_single_cert(identity.chain, identity.key).map_err(wrong)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The cipher suites that the settings allow.
fn provider(settings: &TlsSettings) -> Result<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    let Some(wanted) = &settings.cipher_suites else { return Ok(provider) };
    let key = format!("{}ssl.cipher.suites", settings.prefix);
    let unknown: Vec<_> = wanted
        .iter()
        .filter(|name| provider.cipher_suites.iter().all(|suite| java_name(suite.suite()) != **name))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        tracing::warn!(key, suites = unknown.join(", "), "cipher suites that are not offered here have no effect");
    }
    provider.cipher_suites.retain(|suite| wanted.contains(&java_name(suite.suite())));
    if provider.cipher_suites.is_empty() {
        return Err(Error::config(format!("{key}: none of these cipher suites is offered here"))
            .hint("leave the key out, or name TLS_AES_256_GCM_SHA384 or TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"));
    }
    Ok(provider)
}

/// Java's name of a suite, which is the standard's.
fn java_name(suite: CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    name.strip_prefix("TLS13_").map_or_else(|| name.to_owned(), |rest| format!("TLS_{rest}"))
}

/// A connection after the handshake.
type Shaken = (TlsStream<TcpStream>, SocketAddr);

/// Accepts connections and gives them away once they have shaken hands; a slow one holds nobody up.
pub(super) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    shaking: FuturesUnordered<BoxFuture<'static, Option<Shaken>>>,
}

impl TlsListener {
    pub(super) fn new(tcp: TcpListener, acceptor: TlsAcceptor) -> Self {
        Self { tcp, acceptor, shaking: FuturesUnordered::new() }
    }

    fn shake_hands(&self, stream: TcpStream, address: SocketAddr) {
        let accepting = self.acceptor.accept(stream);
        self.shaking.push(Box::pin(async move {
            match tokio::time::timeout(HANDSHAKE, accepting).await {
                Ok(Ok(stream)) => return Some((stream, address)),
                Ok(Err(error)) => tracing::debug!(%address, %error, "a caller did not get through the TLS handshake"),
                Err(_) => tracing::debug!(%address, "a caller took too long over the TLS handshake"),
            }
            None
        }));
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(shaken) = self.shaking.next(), if !self.shaking.is_empty() => {
                    if let Some(ready) = shaken {
                        return ready;
                    }
                }
                (stream, address) = Listener::accept(&mut self.tcp), if self.shaking.len() < HANDSHAKES => {
                    super::no_delay(&stream);
                    self.shake_hands(stream, address);
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
