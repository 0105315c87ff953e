//! The process's limit of open files: every client takes one of them.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files beside those of clients, as Redis reckons: listeners, the runtime's own, standard streams.
const OTHERS: u64 = 32;

/// The system does not give a process so many open files as it would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFew {
    /// Open files that it gives.
    pub open_files: u64,
    /// Clients that those are enough for.
    pub clients: u32,
}

/// Raises the limit of open files as far as so many clients need it.
///
/// # Errors
/// It does not go that far; it was raised as far as it goes.
pub fn allow_clients(clients: u32) -> Result<(), TooFew> {
    let wanted = u64::from(clients) + OTHERS;
    let files = Resource::RLIMIT_NOFILE;
    // Where it cannot be asked for, there is none.
    let (soft, hard) = getrlimit(files).unwrap_or((u64::MAX, u64::MAX));
    // Beyond the hard limit it takes a privilege.
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
