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
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::Notify;

use crate::state::placement::Placement;

/// How long a thread may take to stop. The server has stopped by then, and nothing is left to wait
/// for.
const STOP: Duration = Duration::from_secs(1);

/// Running worker threads. Dropping them ends the tasks that still run there and joins the threads.
#[derive(Debug)]
pub struct Workers {
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    handle: Handle,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
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
        let workers = (0..count).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Workers { workers })
    }

    /// Distributes connections over these threads.
    pub(crate) fn placement(&self) -> Placement {
        let handles = self.workers.iter().map(|worker| worker.handle.clone());
        Placement::new(handles.collect())
    }
}

impl Worker {
    fn start(index: usize) -> io::Result<Worker> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let stop = Arc::new(Notify::new());
        let run = {
            let stop = Arc::clone(&stop);
            move || run_until(runtime, &stop)
        };
        let thread = thread::Builder::new().name(format!("worker-{index}"));
        Ok(Worker {
            handle,
            stop,
            thread: Some(thread.spawn(run)?),
        })
    }
}

/// Runs the tasks of a thread's runtime until it is told to stop.
fn run_until(runtime: Runtime, stop: &Notify) {
    runtime.block_on(stop.notified());
    runtime.shutdown_timeout(STOP);
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.stop.notify_one();
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A panic of the thread has been logged already.
                let _ = thread.join();
            }
        }
    }
}
