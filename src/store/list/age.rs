//! How long a list's oldest element has been in it.
//!
//! Layer `store`. It uses nothing else.
//!
//! Elements have no time of their own. A list counts what is pushed to it, so that its elements have
//! numbers: if they are taken from the other end than they are pushed to, the oldest one has the
//! number of elements that have left. Now and then the list notes the number of an element that was
//! just pushed, and the time in seconds: a [`Mark`]. The oldest element was pushed between the last
//! mark up to its number and the next one. The first of the two times is what is told.
//!
//! ```text
//!   left              in the list                            next push
//!   0 1 2 3 4 5 6 | 7 8 9 10 11 12 13 14 15 16 17 18 19 20 | 21
//!             ^since          ^mark          ^mark
//! ```
//!
//! How exact it is:
//! - For a queue, the age is never too low. It is exact to the second if all marks fit. There is
//!   room for one per 16 elements, and for [`MOST`] in all. When they are all taken, every other one
//!   is dropped, and new ones come at a distance of the oldest element's age divided by half of the
//!   room. So an age is too high by at most about 4/n of the time that the list's elements spanned
//!   when its oldest one was pushed, where n is the room for marks: a 16th for 1,024 elements or
//!   more, and a quarter for 256.
//! - A short list has one mark, and only once an element has left it. The age of its oldest element
//!   may be that of an element that has left, up to the next mark. The mark moves on when the
//!   element that it marks becomes the oldest.
//! - If elements are taken from the end that they are pushed to, or from the middle, the oldest
//!   element may be older than is told, and not younger than the last mark says.
//!
//! Costs: a push compares two times. Once in a second at most, and mostly much more seldom, it notes
//! a mark. A list that only grows, up to 16 elements, has none.

use super::List;

/// The most marks of a list.
const MOST: usize = 64;
/// Elements of a list for each of its marks.
const ELEMENTS_EACH: usize = 16;
/// With fewer marks than this, none is dropped to make room for another one.
const THINNED_FROM: usize = 4;

/// A push whose time was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// The number of the element that was pushed.
    number: u64,
    /// When it was pushed, in seconds since 1970.
    time: u32,
}

/// The marks of a list, in ascending order of both fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    /// The time from which on the next mark is due.
    next: u32,
}

impl Marks {
    /// Heap memory in bytes.
    pub(super) fn memory(&self) -> usize {
        size_of::<Marks>() + self.marks.capacity() * size_of::<Mark>()
    }

    /// How many marks there are up to this element.
    fn until(&self, number: u64) -> usize {
        self.marks.partition_point(|mark| mark.number <= number)
    }
}

impl List {
    /// When its oldest element was pushed, in seconds since 1970. The module's head says how exact
    /// that is.
    pub(crate) fn oldest_since(&self) -> u32 {
        let marks = self.marks.as_deref();
        let passed = marks.and_then(|marks| {
            let last = marks.until(self.popped()).checked_sub(1)?;
            marks.marks.get(last)
        });
        passed.map_or(self.since, |mark| mark.time)
    }

    /// Must be called after a change: the list had `before` elements, and it is `now`, in seconds
    /// since 1970.
    pub(super) fn note_time(&mut self, before: usize, now: u32) {
        if before == 0 {
            self.since = now;
            self.marks = None;
        } else if self.len() > before {
            let due = match self.marks.as_deref() {
                None => self.since.saturating_add(1),
                Some(marks) => marks.next,
            };
            if now >= due {
                self.mark(self.pushed - (self.len() - before) as u64, now);
            }
        }
    }

    /// Notes that the element with this number was pushed now, if there is room for another mark.
    #[cold]
    fn mark(&mut self, number: u64, now: u32) {
        let oldest = self.popped();
        let room = match self.len() / ELEMENTS_EACH {
            0 => usize::from(oldest > 0),
            room => room.min(MOST),
        };
        let mut marks = match self.marks.take() {
            None if room == 0 => return,
            marks => marks.unwrap_or_default(),
        };
        // Those that the oldest element has passed are no longer needed.
        let passed = marks.until(oldest);
        if let Some(last) = marks.marks.drain(..passed).next_back() {
            self.since = last.time;
        }
        if marks.marks.len() >= room.max(THINNED_FROM) {
            let mut number = 0;
            marks.marks.retain(|_| {
                number += 1;
                number % 2 == 0
            });
        }
        let mut distance = 1;
        if marks.marks.len() < room {
            marks.marks.push(Mark { number, time: now });
            if room >= THINNED_FROM {
                distance = (now.saturating_sub(self.since) / (room as u32 / 2)).max(1);
            }
        }
        if marks.marks.capacity() > 2 * marks.marks.len().max(2) {
            marks.marks.shrink_to_fit();
        }
        marks.next = now.saturating_add(distance);
        if !marks.marks.is_empty() {
            self.marks = Some(marks);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::store::list::End;

    /// A queue that knows when each of its elements was pushed.
    #[derive(Default)]
    struct Queue {
        list: List,
        times: VecDeque<u32>,
    }

    impl Queue {
        fn push(&mut self, count: usize, now: u32) {
            let before = self.list.len();
            for _ in 0..count {
                self.list.push(End::Head, b"x");
                self.times.push_back(now);
            }
            self.list.note_time(before, now);
        }

        fn pop(&mut self, count: usize, now: u32) {
            let before = self.list.len();
            for _ in 0..count {
                self.list.pop(End::Tail);
                self.times.pop_front();
            }
            self.list.note_time(before, now);
        }

        /// By how many seconds the age of the oldest element is too high, and the time that the
        /// elements span.
        fn error(&self) -> Option<(u32, u32)> {
            let (&first, &last) = (self.times.front()?, self.times.back()?);
            let error = first.checked_sub(self.list.oldest_since());
            Some((error.expect("an age that is not too low"), last - first))
        }

        fn marks(&self) -> usize {
            let marks = self.list.marks.as_deref();
            marks.map_or(0, |marks| marks.marks.len())
        }
    }

    #[test]
    fn a_long_queue_knows_the_age_of_its_oldest_element() {
        let mut queue = Queue::default();
        let mut span = 0;
        for now in 1000..40_000 {
            queue.push(if now % 7 == 0 { 20 } else { 3 }, now);
            // It grows for a while and is then emptied faster than it is filled.
            let takes = if now < 20_000 { 2 } else { 8 };
            queue.pop(takes.min(queue.list.len().saturating_sub(20)), now);
            let (error, now_spans) = queue.error().unwrap();
            span = span.max(now_spans);
            // While it is short, it has room for few marks.
            let allowed = 9.max(span / 14);
            assert!(error <= allowed, "{error} s of {span} s at {now}");
            assert!(queue.marks() <= MOST);
        }
        assert!(span > 5000, "{span}");
    }

    #[test]
    fn a_list_that_grows_knows_when_it_began() {
        let mut queue = Queue::default();
        for now in 100..200_000 {
            queue.push(1, now);
        }
        assert_eq!(queue.list.oldest_since(), 100);
        assert!(queue.marks() <= MOST);
        // The marks that are left are spread over the whole time.
        for now in 200_000..200_018 {
            queue.pop(10_000, now);
            let (error, _) = queue.error().unwrap();
            assert!(error <= 200_000 / 14, "{error}");
        }
    }

    #[test]
    fn a_short_queue_has_one_mark_once_it_was_popped_from() {
        let mut queue = Queue::default();
        for now in 10..20 {
            queue.push(1, now);
            assert_eq!((queue.list.oldest_since(), queue.marks()), (10, 0));
        }
        queue.pop(9, 20);
        assert_eq!(queue.list.oldest_since(), 10);
        queue.push(1, 30);
        queue.push(1, 40);
        assert_eq!((queue.list.oldest_since(), queue.marks()), (10, 1));
        queue.pop(1, 50);
        assert_eq!(queue.list.oldest_since(), 30);
        queue.push(1, 60);
        assert_eq!((queue.list.oldest_since(), queue.marks()), (30, 1));
        queue.pop(2, 61);
        assert_eq!(queue.list.oldest_since(), 60);
        // A stuck consumer is seen.
        assert_eq!(queue.error(), Some((0, 0)));
    }

    #[test]
    fn a_list_that_was_emptied_begins_anew() {
        let mut queue = Queue::default();
        queue.push(100, 10);
        queue.push(100, 20);
        assert_eq!(queue.marks(), 1);
        queue.pop(200, 30);
        queue.push(1, 40);
        assert_eq!((queue.list.oldest_since(), queue.marks()), (40, 0));
        assert_eq!((queue.list.pushed(), queue.list.popped()), (201, 200));
    }

    /// What was pushed last is taken first: the first element stays, and is older than is told.
    #[test]
    fn a_stack_is_at_least_as_old_as_is_told() {
        let mut list = List::new();
        for now in 100..1000 {
            let before = list.len();
            list.push(End::Head, b"x");
            list.push(End::Head, b"x");
            list.note_time(before, now);
            let before = list.len();
            list.pop(End::Head);
            list.note_time(before, now);
            assert!(list.oldest_since() >= 100);
        }
    }

    /// A clock that is set back makes no age negative, and marks go on once it has caught up.
    #[test]
    fn a_clock_may_be_set_back() {
        let mut queue = Queue::default();
        queue.push(100, 1000);
        queue.push(100, 2000);
        queue.push(100, 500);
        queue.pop(100, 600);
        assert_eq!(queue.list.oldest_since(), 2000);
        queue.push(100, 3000);
        queue.pop(200, 3000);
        assert_eq!(queue.list.oldest_since(), 3000);
    }
}
