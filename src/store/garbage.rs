//! Values that are no longer used, and are to be freed where that delays nobody.
//!
//! Layer `store`. It uses nothing else.
//!
//! Freeing a large value takes as long as freeing a million small ones, so it is not done under the
//! keyspace's lock. What is cheap to free is freed at once. The rest is collected here, under the
//! lock. The thread that releases the lock then frees it, or, if that would delay a worker's
//! connections, a thread of its own does.

use std::fmt;

/// Up to this many allocations are freed at once.
const CHEAP: usize = 64;
/// From this many allocations on, a thread of its own frees them. 10,000 take about half a
/// millisecond.
const HEAVY: usize = 10_000;

/// Collected values.
#[derive(Default)]
pub(crate) struct Garbage {
    items: Vec<Box<dyn Send>>,
    /// Roughly how many allocations they have.
    cost: usize,
}

impl fmt::Debug for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Garbage")
            .field("items", &self.items.len())
            .field("cost", &self.cost)
            .finish()
    }
}

impl Garbage {
    /// Adds something that has about `cost` allocations.
    pub(super) fn add(&mut self, item: impl Send + 'static, cost: usize) {
        if cost > CHEAP {
            self.items.push(Box::new(item));
            self.cost += cost;
        }
    }

    /// Whether there is nothing to free.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Frees everything: on this thread, or, if it is much and there is a runtime, on a blocking
    /// thread.
    pub(super) fn free(self) {
        if self.cost >= HEAVY
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(self));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_cheap_goes_at_once_and_the_rest_when_it_is_freed() {
        let item = Arc::new(());
        let mut garbage = Garbage::default();
        garbage.add(Arc::clone(&item), CHEAP);
        assert_eq!(Arc::strong_count(&item), 1);
        garbage.add(Arc::clone(&item), CHEAP + 1);
        garbage.add(Arc::clone(&item), HEAVY);
        assert_eq!(Arc::strong_count(&item), 3);
        garbage.free();
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
