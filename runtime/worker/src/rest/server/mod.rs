//! The server: bind first, serve when there is something to serve, stop with a limit.

mod bind;
mod certificates;
mod pem;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use millstream_api::{Error, Result};
use millstream_core::settings::{Listener, Protocol, RestConfig, TlsSettings};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::tls::TlsListener;
use super::RestContext;
use super::layers::auth::Credentials;
use super::layers::headers;
use super::router::{self, Offer};

/// Bound listeners, not yet served.
pub struct RestServer {
    listeners: Vec<Bound>,
    answers: headers::Added,
    credentials: Option<Credentials>,
}

struct Bound {
    socket: TcpListener,
    address: SocketAddr,
    protocol: Protocol,
    acceptor: Option<TlsAcceptor>,
    offer: Offer,
}

impl RestServer {
    /// Binds every listener and reads the files that serving needs: certificates, credentials. A port in use or an unknown host is a
    /// fatal error that names the listener; a file that cannot be used is one of kind `Config`.
    pub async fn bind(config: &RestConfig) -> Result<Self> {
        let mut server = Self {
            listeners: Vec::new(),
            answers: headers::Added::of(config)?,
            credentials: config.basic_auth.as_ref().map(Credentials::read).transpose()?,
        };
        if config.listeners.is_empty() {
            return Err(Error::config("listeners: at least one listener is needed").hint("write http://:8083"));
        }
        let (main, admin) = match &config.admin_listeners {
            None => (Offer::Everything, &[][..]),
            Some(admin) => (Offer::WithoutAdmin, admin.as_slice()),
        };
        server.bind_all(&config.listeners, config.tls.as_ref(), main).await?;
        server.bind_all(admin, config.admin_tls.as_ref(), Offer::AdminAlone).await?;
        Ok(server)
    }

    async fn bind_all(&mut self, listeners: &[Listener], tls: Option<&TlsSettings>, offer: Offer) -> Result<()> {
        let acceptor = tls.map(tls::acceptor).transpose()?;
        for listener in listeners {
            let protocol = listener.protocol;
            let acceptor = match protocol {
                Protocol::Http => None,
                Protocol::Https => Some(acceptor.clone().ok_or_else(|| {
                    Error::config(format!("listener {listener} has no settings of TLS"))
                        .hint("set ssl.keystore.location")
                })?),
            };
            let socket = bind::bind(listener).await?;
            let address =
                socket.local_addr().map_err(|e| Error::fatal("REST listener without an address").caused_by(e))?;
            self.listeners.push(Bound { socket, address, protocol, acceptor, offer });
        }
        Ok(())
    }

    /// The addresses bound, in the order of `listeners`, then of `admin.listeners`, ports resolved.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|bound| bound.address).collect()
    }

    /// The port of the first listener of a protocol, those of `admin.listeners` left out.
    pub fn port(&self, protocol: Protocol) -> Option<u16> {
        let mut open = self.listeners.iter().filter(|bound| bound.offer != Offer::AdminAlone);
        open.find(|bound| bound.protocol == protocol).map(|bound| bound.address.port())
    }

    /// Serves until `shutdown` is cancelled, then lets running requests end for at most `grace` (Kafka Connect: 60 s).
    pub async fn serve(self, context: RestContext, shutdown: CancellationToken, grace: Duration) -> Result<()> {
        let mut servers = JoinSet::new();
        for bound in self.listeners {
            let (protocol, offer, address) = (bound.protocol, bound.offer, bound.address);
            tracing::info!(%address, protocol = protocol.scheme(), "the REST API listens");
            let app = router::router(context.clone(), protocol, offer, &self.answers, self.credentials.as_ref());
            servers.spawn(serve(bound, app, shutdown.clone()));
        }
        let mut failed = None;
        let all = async {
            while let Some(ended) = servers.join_next().await {
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed = Some(Error::fatal("the REST API stopped serving").caused_by(error)),
                    Err(error) => failed = Some(Error::internal("a REST listener died").caused_by(error)),
                }
            }
        };
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            () = all => {}
            () = late => tracing::warn!(grace_ms = grace.as_millis() as u64, "requests still running were cut off"),
        }
        failed.map_or(Ok(()), Err)
    }
}

async fn serve(bound: Bound, app: Router, shutdown: CancellationToken) -> std::io::Result<()> {
    let stopped = shutdown.cancelled_owned();
    match bound.acceptor {
        Some(acceptor) => {
            axum::serve(TlsListener::new(bound.socket, acceptor), app).with_graceful_shutdown(stopped).await
        }
        None => axum::serve(bound.socket.tap_io(|stream| no_delay(stream)), app).with_graceful_shutdown(stopped).await,
    }
}

/// Answers are small and written at once: waiting for more to send only delays them.
fn no_delay(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}
