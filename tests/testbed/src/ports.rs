//! Free loopback ports.

use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::{Error, Result};

// Below the kernel's range for outgoing connections (32768-60999): a port of that range may be taken by anybody's
// client while a service is down between two runs on the same port.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of `address` that nobody listens on; never given twice by one process.
pub fn free_port(address: IpAddr) -> Result<u16> {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side begin at different places.
    let start = (std::process::id().wrapping_mul(97) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = TAKEN.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + step) % COUNT;
        if TcpListener::bind((address, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::new(format!("no free port on {address} from {FIRST} on")))
}
