//! The threads that serve connections: each with a runtime of its own, and each connection with one
//! thread for life.
//!
//! One runtime over all threads has one of them wait for the sockets of all. Input for a connection
//! then wakes a second thread, which wakes the first, and a publisher that looks for more input
//! between two writes finds none. With a runtime each, a thread that has work sees its own sockets
//! whenever it looks, and no connection costs another thread anything. Connections are dealt out in
//! turn, since nobody can know which of them will be busy.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use tokio::runtime::{self, Runtime};

use super::busy_poll::BusyPoll;
use crate::state::placement::Placement;

/// How long a thread may take to stop. The server has stopped by then, and nothing is left to wait
/// for.
const STOP: Duration = Duration::from_secs(1);

/// Running worker threads. Dropping them ends the tasks that still run there and joins the threads.
#[derive(Debug)]
pub struct Workers {
    runtimes: Vec<Runtime>,
    /// How long each may look for input before it sleeps, in microseconds. The server sets it.
    busy_poll: Arc<AtomicU32>,
}

impl Workers {
    /// Starts `count` threads. 0: one less than there are cores, and at least one. The core that is
    /// left serves the clients and the system's network stack.
    ///
    /// # Errors
    /// The system gives no more threads or file descriptors.
    pub fn start(count: usize) -> io::Result<Workers> {
        let count = match count {
            0 => (thread::available_parallelism()?.get() - 1).max(1),
            count => count,
        };
        let busy_poll = Arc::new(AtomicU32::new(0));
        let runtimes = (0..count)
            .map(|index| start(index, BusyPoll::new(Arc::clone(&busy_poll))))
            .collect::<io::Result<_>>()?;
        Ok(Workers {
            runtimes,
            busy_poll,
        })
    }

    /// Distributes connections over these threads.
    pub(crate) fn placement(&self) -> Placement {
        let handles = self.runtimes.iter().map(|runtime| runtime.handle().clone());
        Placement::new(handles.collect(), Arc::clone(&self.busy_poll))
    }
}

/// A runtime with one thread. It is of the multi-thread kind, since only that kind continues on
/// another thread when a script occupies this one for long (`state::hand_over`).
fn start(index: usize, busy_poll: BusyPoll) -> io::Result<Runtime> {
    let busy_poll = Arc::new(busy_poll);
    let (sleeps, wakes) = (Arc::clone(&busy_poll), Arc::clone(&busy_poll));
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(format!("worker-{index}"))
        .enable_all()
        .on_thread_park(move || sleeps.sleeps())
        .on_thread_unpark(move || wakes.wakes())
        .build()?;
    // It ends with the runtime.
    runtime.spawn(async move { busy_poll.run().await });
    Ok(runtime)
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A thread may block on a runtime's shutdown even where the caller may not, since it may run
        // on a runtime itself.
        let stop = |runtime: Runtime| move || runtime.shutdown_timeout(STOP);
        let threads = self
            .runtimes
            .drain(..)
            .map(|runtime| thread::spawn(stop(runtime)));
        for thread in threads.collect::<Vec<_>>() {
            // A panic of the thread has been logged already.
            let _ = thread.join();
        }
    }
}
