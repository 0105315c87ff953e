//! A worker whose thread is kept busy gives its other connections to another thread.
//!
//! Layer `state`. A script may run for long, or never end, and it cannot leave its thread. The sockets
//! of all other connections of the worker must still be read. So the worker's runtime, which is one for
//! several threads although it has a single one, goes on on a new thread. The old one finishes what it
//! does, and then ends.
//!
//! A runtime for the current thread only cannot be handed over. That is what a program may have that
//! embeds a server and gives it no workers.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// How long to wait for the new thread.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gives the other connections of this thread to another one. `false`: there was none in time, and it
/// may be tried again.
pub(crate) fn hand_over() -> bool {
    let Ok(runtime) = Handle::try_current() else {
        return true;
    };
    if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
        return true;
    }
    // The runtime gets its thread back if none has taken it by the end of the block. What runs on it
    // in between tells that one has.
    let (sender, taken) = mpsc::channel();
    runtime.spawn(async move {
        let _ = sender.send(());
    });
    tokio::task::block_in_place(|| taken.recv_timeout(PATIENCE).is_ok())
}
