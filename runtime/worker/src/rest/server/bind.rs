//! A socket for a listener.

use std::net::SocketAddr;

use millstream_api::{Error, Result};
use millstream_core::settings::Listener;
use tokio::net::{TcpListener, lookup_host};

/// Binds a listener; an error names it and says what may help.
pub(super) async fn bind(listener: &Listener) -> Result<TcpListener> {
    let port = listener.port;
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
