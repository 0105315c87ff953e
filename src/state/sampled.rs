//! Figures that are slow to compute: what all connections hold, and what the process takes.
//!
//! Layer `state`. It uses nothing else.

use std::time::Instant;

use parking_lot::Mutex;

/// A figure is valid for this many times as long as it took to compute. So a client that asks all
/// the time spends at most 1 / `GOOD_FOR` of the time on computing it, and a figure that is
/// computed quickly is always new.
const GOOD_FOR: u32 = 16;

/// A figure that is computed again when it is no longer valid.
#[derive(Debug)]
pub(crate) struct Sampled<T> {
    /// The figure, and until when it is valid.
    last: Mutex<Option<(T, Instant)>>,
}

impl<T> Default for Sampled<T> {
    fn default() -> Sampled<T> {
        Sampled {
            last: Mutex::new(None),
        }
    }
}

impl<T: Copy> Sampled<T> {
    /// The figure: the last one if it is still valid, otherwise computed now.
    pub(crate) fn get(&self, find_out: impl FnOnce() -> T) -> T {
        let mut last = self.last.lock();
        let began = Instant::now();
        if let Some((figure, until)) = *last
            && began < until
        {
            return figure;
        }
        let figure = find_out();
        let took = began.elapsed();
        *last = Some((figure, began + took * (GOOD_FOR + 1)));
        figure
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_takes_long_is_kept_for_longer() {
        let sampled = Sampled::default();
        let slowly = |figure| {
            let until = Instant::now() + Duration::from_millis(1);
            move || {
                while Instant::now() < until {}
                figure
            }
        };
        let before = Instant::now();
        assert_eq!(sampled.get(slowly(1)), 1);
        let (_, until) = sampled.last.lock().expect("a figure");
        assert!(until - before > Duration::from_millis(1) * GOOD_FOR);
        // It is not computed again while it is valid, and not kept when it no longer is.
        *sampled.last.lock() = Some((1, Instant::now() + Duration::from_secs(3600)));
        assert_eq!(sampled.get(|| unreachable!("it is good")), 1);
        *sampled.last.lock() = Some((1, Instant::now()));
        assert_eq!(sampled.get(|| 2), 2);
    }
}
