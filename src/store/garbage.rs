//! What is no longer held, and is to be freed where that keeps nobody waiting.
//!
//! Layer `store`. Freeing a large value takes as long as a million small ones: it is not done under
//! the keyspace's lock. What is cheap to free is freed at once; the rest is collected here, under
//! the lock, and dropped by whoever lets the lock go, or on a thread of its own if even that would
//! keep a worker's connections waiting.

use std::fmt;

/// Up to so many allocations are freed at once.
const CHEAP: usize = 64;
/// From so many allocations on, a thread of its own frees them: 10,000 take about half a millisecond.
const HEAVY: usize = 10_000;

/// See the module.
#[derive(Default)]
pub(crate) struct Garbage {
    items: Vec<Box<dyn Send>>,
    /// About how many allocations they are.
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
    /// Adds something, which is about `cost` allocations.
    pub(super) fn add(&mut self, item: impl Send + 'static, cost: usize) {
        if cost > CHEAP {
            self.items.push(Box::new(item));
            self.cost += cost;
        }
    }

    /// Is there nothing to free?
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Frees everything, here or, if it is much and there is a runtime, on a thread for what blocks.
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
