//! The turns of a thread's connections: whether others had one, and how one lets them.
//!
//! Layer `conn`. It uses nothing else.
//!
//! A connection that lets others run before it writes can ask the kernel whether any have input. That
//! is a system call, in vain as long as the thread serves one client at a time. So it asks only if
//! the last one that let others run on this thread had not done so in vain.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use tokio::task::yield_now;

thread_local! {
    static TURNS: Cell<u64> = const { Cell::new(0) };
    static ASKS_KERNEL: Cell<bool> = const { Cell::new(false) };
}

/// A connection has a turn: it has executed a batch, or goes on writing.
pub(crate) fn begin() {
    TURNS.set(TURNS.get() + 1);
}

/// How many turns connections had on this thread.
pub(crate) fn count() -> u64 {
    TURNS.get()
}

/// Lets the connections run that are known to have input, and those that the kernel knows of if
/// that is likely to be any.
pub(super) async fn let_others_run() {
    let before = count();
    if ASKS_KERNEL.get() {
        yield_now().await;
    } else {
        let_ready_ones_run().await;
    }
    ASKS_KERNEL.set(count() != before);
}

/// Puts the task behind all others that can run.
async fn let_ready_ones_run() {
    let mut is_behind = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_behind, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::{Context, Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn others_run_first_and_the_kernel_is_asked_while_there_are_any() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let_others_run().await;
            assert!(!ASKS_KERNEL.get());
            tokio::spawn(async { begin() });
            let_others_run().await;
            assert_eq!(count(), 1);
            assert!(ASKS_KERNEL.get());
            tokio::spawn(async { begin() });
            let_others_run().await;
            assert_eq!(count(), 2);
            let_others_run().await;
            assert!(!ASKS_KERNEL.get());
        });
    }

    #[test]
    fn a_task_that_does_not_ask_the_kernel_can_run_again_at_once() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let mut turn = pin!(let_others_run());
        assert!(turn.as_mut().poll(&mut context).is_pending());
        assert_eq!(wakes.0.load(SeqCst), 1);
        assert!(turn.as_mut().poll(&mut context).is_ready());
    }
}
