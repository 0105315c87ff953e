//! The turns of a thread's connections: how many they had, and how one lets the others have theirs.
//!
//! Layer `conn`. It uses nothing else.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

thread_local! {
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

/// A connection has a turn: it has executed a batch, or goes on writing.
pub(crate) fn begin() {
    TURNS.set(TURNS.get() + 1);
}

/// How many turns connections had on this thread.
pub(crate) fn count() -> u64 {
    TURNS.get()
}

/// Lets the connections run that are known to have input. Unlike a yield of the runtime, it does not
/// ask the kernel for others.
pub(super) async fn let_ready_ones_run() {
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
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn those_that_are_ready_run_first() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let tasks = tokio::task::LocalSet::new();
        let order = std::rc::Rc::new(RefCell::new(Vec::new()));
        let other = std::rc::Rc::clone(&order);
        tasks.block_on(&runtime.unwrap(), async {
            tokio::task::spawn_local(async move {
                begin();
                other.borrow_mut().push("the other");
            });
            let_ready_ones_run().await;
            order.borrow_mut().push("this one");
        });
        assert_eq!(*order.borrow(), ["the other", "this one"]);
        assert_eq!(count(), 1);
    }
}
