//! Subscriptions that are made before a measurement, each confirmation checked.

use std::net::{SocketAddr, TcpStream};

use anyhow::Result;

use crate::wire;

/// One request subscribes to so many: few enough that neither side has to be read while it is
/// written to.
const AT_ONCE: usize = 256;

/// A connection that has subscribed to channels.
pub fn connect(addr: SocketAddr, channels: &[impl AsRef<[u8]>]) -> Result<TcpStream> {
    let mut stream = wire::connect(addr)?;
    confirmed(&mut stream, "subscribe", channels)?;
    Ok(stream)
}

/// Subscribes to names that differ, on a connection that has no subscription yet: `kind` is
/// `subscribe` or `psubscribe`.
pub fn confirmed(stream: &mut TcpStream, kind: &str, names: &[impl AsRef<[u8]>]) -> Result<()> {
    let mut count = 0;
    for names in names.chunks(AT_ONCE) {
        let mut words = vec![kind.as_bytes()];
        let mut confirmations = Vec::new();
        for name in names {
            words.push(name.as_ref());
            count += 1;
            confirmations.extend(b"*3\r\n");
            wire::bulk(&mut confirmations, kind.as_bytes());
            wire::bulk(&mut confirmations, name.as_ref());
            confirmations.extend(format!(":{count}\r\n").into_bytes());
        }
        wire::exchange(stream, &wire::request(&words), &confirmations)?;
    }
    Ok(())
}
