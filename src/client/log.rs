//! How the log names a client: the same four fields in every line.
//!
//! Layer `client`.

use super::Client;

/// So many bytes of a name are shown.
const SHOWN: usize = 128;

/// Logs a line about a client, with its `id`, `addr`, `name` and `user`: the level, the client, and then
/// what the macros of `tracing` take.
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
    /// The beginning of its name.
    pub(crate) fn shown_name(&self) -> String {
        shown(&self.names().name)
    }

    /// The beginning of its user's name.
    pub(crate) fn shown_user(&self) -> String {
        shown(&self.user())
    }
}

/// The beginning of what a client sent, for a line of the log.
pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned()
}
