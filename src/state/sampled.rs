//! Figures of INFO that take long to find out: what all connections hold, what the process takes.
//!
//! Layer `state`.

use std::time::Instant;

use parking_lot::Mutex;

/// A figure is good for so many times as long as it took to find out. So whoever asks all the time
/// spends at most this part of it on that, and what is found out quickly is always new.
const GOOD_FOR: u32 = 16;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sampled {
    /// What was found out, and until when it is good.
    last: Mutex<Option<(usize, Instant)>>,
}

impl Sampled {
    /// The figure as it was found out before, if that is still good, or else as it is now.
    pub(crate) fn get(&self, find_out: impl FnOnce() -> usize) -> usize {
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
        // Neither asked again while it is good, nor kept once it is not.
        *sampled.last.lock() = Some((1, Instant::now() + Duration::from_secs(3600)));
        assert_eq!(sampled.get(|| unreachable!("it is good")), 1);
        *sampled.last.lock() = Some((1, Instant::now()));
        assert_eq!(sampled.get(|| 2), 2);
    }
}
