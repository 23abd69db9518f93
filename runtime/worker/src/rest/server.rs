//! The server: bind first, serve when there is something to serve, stop with a limit.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use millstream_api::{Error, Result};
use tokio::net::{TcpListener, lookup_host};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use millstream_core::settings::{Listener, Protocol};

use super::{RestContext, router};

/// Bound listeners, not yet served.
pub struct RestServer {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl RestServer {
    /// Binds every listener. A port in use or an unknown host is a fatal error that names the listener.
    pub async fn bind(listeners: &[Listener]) -> Result<Self> {
        let mut bound = Self { listeners: Vec::new(), addresses: Vec::new() };
        for listener in listeners {
            let socket = bind(listener).await?;
            let address =
                socket.local_addr().map_err(|e| Error::fatal("REST listener without an address").caused_by(e))?;
            bound.listeners.push(socket);
            bound.addresses.push(address);
        }
        if bound.listeners.is_empty() {
            return Err(Error::config("listeners: at least one listener is needed").hint("write http://:8083"));
        }
        Ok(bound)
    }

    /// The addresses bound, in the order of the listeners, ports resolved.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` is cancelled, then lets running requests end for at most `grace` (Kafka Connect: 60 s).
    pub async fn serve(self, context: RestContext, shutdown: CancellationToken, grace: Duration) -> Result<()> {
        let app = router::router(context);
        let mut servers = JoinSet::new();
        for (listener, address) in self.listeners.into_iter().zip(self.addresses) {
            tracing::info!(%address, "the REST API listens");
            servers.spawn(serve(listener, app.clone(), shutdown.clone()));
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

async fn serve(listener: TcpListener, app: Router, shutdown: CancellationToken) -> std::io::Result<()> {
    // Answers are small and written at once: waiting for more to send only delays them.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn bind(listener: &Listener) -> Result<TcpListener> {
    let port = listener.port;
    if listener.protocol == Protocol::Https {
        return Err(Error::config(format!("listener {listener} asks for TLS, which is not available in this release")));
    }
    let refused = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another process has this port; set another one in listeners",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; take a higher one in listeners",
            _ => "check the host and port in listeners",
        };
        Error::fatal(format!("the REST API cannot listen on {listener}")).caused_by(error).hint(hint)
    };
    let addresses: Vec<SocketAddr> = match &listener.host {
        Some(host) => lookup_host((host.as_str(), port)).await.map_err(refused)?.collect(),
        // All interfaces: both families where the system has IPv6, else IPv4.
        None => vec![SocketAddr::from(([0u16; 8], port)), SocketAddr::from(([0u8; 4], port))],
    };
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(socket) => return Ok(socket),
            // Without this an IPv4 socket would be taken beside the one that has the port.
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(refused(error)),
            Err(error) => last = error,
        }
    }
    Err(refused(last))
}
