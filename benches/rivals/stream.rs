//! What a subscriber must receive, to the byte, and how far the slowest of many has come.
//!
//! ```text
//!   Cycle    messages 0, 1, 2, ... count-1, 0, 1, ... of one publisher, encoded beforehand
//!   Stream   the cycles of all publishers of a channel
//!   Place    how far one subscriber is in each of them
//! ```
//!
//! What arrives is compared with the cycle at the subscriber's place, by `memcmp` and without being
//! parsed or copied. That suffices to see that no message is missing, or there twice, or torn, or
//! out of order: each carries its number in the cycle, all are of one length, and a cycle is more
//! than twice as long as the window of messages that can be on their way, so that a server cannot
//! skip a whole cycle.
//!
//! Several publishers on one channel may be mixed in any way, each in its own order. The byte that
//! names the publisher is the first of the payload, so everything before it is the same for all.

use anyhow::{Result, ensure};

use crate::wire;

/// How many publishers a channel can have.
pub const MOST_PUBLISHERS: usize = 8;
/// The payload must hold the publisher's name and the number.
pub const LEAST_PAYLOAD: usize = 1 + DIGITS;
const DIGITS: usize = 8;

/// Encoded messages, one after another, that repeat.
pub struct Cycle {
    bytes: Vec<u8>,
    frame: usize,
}

/// See the module.
pub struct Stream {
    cycles: Vec<Cycle>,
    /// Bytes of a frame.
    frame: usize,
    /// Where in a frame the publisher's name is.
    name_at: usize,
}

/// How far a subscriber is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Complete messages, of all publishers.
    pub messages: u64,
    /// Bytes of the message that is not complete.
    inside: usize,
    /// Whose it is, if `inside` is beyond the name.
    publisher: usize,
    /// The number of each publisher's next message, or of the one that is not complete.
    next: [u32; MOST_PUBLISHERS],
}

/// The least of many counts that only grow, in constant time for each step.
pub struct Slowest {
    /// How many have each count, modulo the length.
    having: Vec<u32>,
    least: u64,
}

impl Cycle {
    /// `count` frames, all of the same length.
    pub fn new(count: usize, frame: impl Fn(usize) -> Vec<u8>) -> Cycle {
        let length = frame(0).len();
        let mut bytes = Vec::with_capacity(count * length);
        for number in 0..count {
            bytes.extend_from_slice(&frame(number));
            assert_eq!(bytes.len(), (number + 1) * length, "frames of one length");
        }
        Cycle {
            bytes,
            frame: length,
        }
    }

    /// From byte `start` of the endless repetition on, at most to byte `end`: what lies in one
    /// piece.
    pub fn piece(&self, start: u64, end: u64) -> &[u8] {
        let first = (start % self.bytes.len() as u64) as usize;
        let length = (end - start).min((self.bytes.len() - first) as u64) as usize;
        &self.bytes[first..first + length]
    }

    /// Bytes of a message.
    pub fn frame(&self) -> usize {
        self.frame
    }

    fn count(&self) -> usize {
        self.bytes.len() / self.frame
    }
}

/// A payload: the publisher's name, the message's number, and letters that differ by both.
pub fn payload(publisher: usize, number: usize, size: usize) -> Vec<u8> {
    assert!(size >= LEAST_PAYLOAD && publisher < MOST_PUBLISHERS);
    let name = b'A' + publisher as u8;
    let mut payload = format!("{}{number:0DIGITS$}", char::from(name)).into_bytes();
    payload.extend((payload.len()..size).map(|at| b'a' + ((at + number) % 26) as u8));
    payload
}

impl Stream {
    /// The messages of `publishers`, as `message` makes them of their payloads.
    pub fn new(
        message: impl Fn(&[u8]) -> Vec<u8>,
        publishers: usize,
        count: usize,
        size: usize,
    ) -> Stream {
        let cycle =
            |publisher| Cycle::new(count, |number| message(&payload(publisher, number, size)));
        let cycles: Vec<Cycle> = (0..publishers).map(cycle).collect();
        let frame = cycles[0].frame;
        Stream {
            cycles,
            frame,
            name_at: frame - b"\r\n".len() - size,
        }
    }

    /// Compares what has arrived with what had to, and moves the place behind it.
    pub fn accept(&self, place: &mut Place, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let (expected, publisher) = self.expected(place, data)?;
            let length = expected.len().min(data.len());
            ensure!(
                data[..length] == expected[..length],
                "after {} messages and {} bytes, expected '{}', got '{}'",
                place.messages,
                place.inside,
                wire::shown(&expected[..length]),
                wire::shown(&data[..length])
            );
            data = &data[length..];
            place.publisher = publisher;
            place.inside += length;
            if place.inside >= self.frame {
                let complete = place.inside / self.frame;
                place.inside %= self.frame;
                place.messages += complete as u64;
                let next = &mut place.next[publisher];
                *next = ((*next as usize + complete) % self.cycles[publisher].count()) as u32;
            }
        }
        Ok(())
    }

    /// What has to be next, in one piece, and whose it is.
    fn expected(&self, place: &Place, data: &[u8]) -> Result<(&[u8], usize)> {
        let start = |publisher: usize| place.next[publisher] as usize * self.frame + place.inside;
        if let [only] = &self.cycles[..] {
            return Ok((&only.bytes[start(0)..], 0));
        }
        let publisher = if place.inside > self.name_at {
            place.publisher
        } else if let Some(name) = data.get(self.name_at - place.inside) {
            let publisher = usize::from(name.wrapping_sub(b'A'));
            ensure!(
                publisher < self.cycles.len(),
                "after {} messages, not a publisher: '{}'",
                place.messages,
                wire::shown(data)
            );
            publisher
        } else {
            // The name has not come yet, and before it all are the same.
            0
        };
        let rest = start(publisher)..start(publisher) - place.inside + self.frame;
        Ok((&self.cycles[publisher].bytes[rest], publisher))
    }
}

impl Place {
    /// Whether the last message is complete.
    pub fn is_between_messages(&self) -> bool {
        self.inside == 0
    }
}

impl Slowest {
    /// For `members` whose counts are 0, and never more than `spread` apart.
    pub fn new(members: usize, spread: u64) -> Slowest {
        let mut having = vec![0; spread as usize + 1];
        having[0] = members as u32;
        Slowest { having, least: 0 }
    }

    /// One of them has gone from one count to another.
    pub fn advance(&mut self, from: u64, to: u64) {
        let length = self.having.len() as u64;
        let index = |count: u64| (count % length) as usize;
        assert!(
            self.least <= from && from <= to && to < self.least + length,
            "a count is too far ahead"
        );
        self.having[index(from)] -= 1;
        self.having[index(to)] += 1;
        while self.having[index(self.least)] == 0 {
            self.least += 1;
        }
    }

    /// The least count.
    pub fn least(&self) -> u64 {
        self.least
    }
}
