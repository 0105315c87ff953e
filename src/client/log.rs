//! How the log names a client. Every line has the same four fields.
//!
//! Layer `client`. It uses nothing else.

use super::Client;

/// The most bytes of a name that are shown.
const SHOWN: usize = 128;

/// Logs a line about a client, with its `id`, `addr`, `name` and `user`. The arguments are the
/// level, the client, and then what the macros of `tracing` take.
macro_rules! log_client {
    ($level:ident, $client:expr, $($rest:tt)+) => {{
        let client: &$crate::client::Client = $client;
        tracing::$level!(
            id = client.id,
            addr = %client.addresses.peer(),
            name = %client.shown_name(),
            user = %client.shown_user(),
            $($rest)+
        )
    }};
}
pub(crate) use log_client;

impl Client {
    /// The beginning of the client's name.
    pub(crate) fn shown_name(&self) -> String {
        shown(&self.names().name)
    }

    /// The beginning of its user's name.
    pub(crate) fn shown_user(&self) -> String {
        shown(&self.user())
    }
}

/// The beginning of something that a client sent.
pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned()
}
