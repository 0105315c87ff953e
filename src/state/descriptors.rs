//! The limit of open files of the process. Every client needs one.
//!
//! Layer `state`. It uses nothing else.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files beside those of clients, as many as Redis reserves: listeners, the runtime's own,
/// standard streams.
const OTHERS: u64 = 32;

/// The system does not allow the process as many open files as it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFew {
    /// Open files that it allows.
    pub open_files: u64,
    /// The number of clients that these are enough for.
    pub clients: u32,
}

/// Raises the limit of open files, if this many clients need more.
///
/// # Errors
/// The system does not allow enough. The limit was raised as far as possible.
pub fn allow_clients(clients: u32) -> Result<(), TooFew> {
    let wanted = u64::from(clients) + OTHERS;
    let files = Resource::RLIMIT_NOFILE;
    // If the limit cannot be read, it is taken for unlimited.
    let (soft, hard) = getrlimit(files).unwrap_or((u64::MAX, u64::MAX));
    // Raising the hard limit needs a privilege.
    if soft >= wanted || setrlimit(files, wanted, hard.max(wanted)).is_ok() {
        return Ok(());
    }
    let raised = soft.max(hard.min(wanted));
    let open_files = match setrlimit(files, raised, hard) {
        Ok(()) => raised,
        Err(_) => soft,
    };
    let clients = open_files.saturating_sub(OTHERS);
    Err(TooFew {
        open_files,
        clients: u32::try_from(clients).unwrap_or(u32::MAX),
    })
}
