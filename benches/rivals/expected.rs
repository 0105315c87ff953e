//! What a connection must receive. Each byte is looked at as it comes, wherever the reads cut the
//! stream.
//!
//! - [`Expected`]: parts (a reply, the replies to a batch, a message) that come around again and
//!   again.
//! - [`Integers`]: integer replies that depend on what others do at the same time.
//!
//! Parts of one length that differ from each other show a missing, a repeated and a torn part at
//! its first byte that differs, as long as fewer parts are on the way than there are.

use std::ops::RangeInclusive;
use std::rc::Rc;

use anyhow::{Result, bail, ensure};

use crate::wire;

/// A position in the endless repetition of some parts.
#[derive(Clone)]
pub struct Expected {
    parts: Rc<[Vec<u8>]>,
    whole: u64,
    /// Bytes that have come of the part after the whole ones.
    offset: usize,
}

impl Expected {
    /// Before the first part. No part may be empty.
    pub fn new(parts: Rc<[Vec<u8>]>) -> Expected {
        Expected {
            parts,
            whole: 0,
            offset: 0,
        }
    }

    /// Parts that have come as a whole.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Compares what has come; says how many parts it completes.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<u64> {
        let before = self.whole;
        while !bytes.is_empty() {
            let part = &self.parts[self.whole as usize % self.parts.len()][self.offset..];
            let (got, rest) = bytes.split_at(bytes.len().min(part.len()));
            if got != &part[..got.len()] {
                bail!(
                    "expected '{}', got '{}'",
                    wire::shown(part),
                    wire::shown(got)
                );
            }
            if got.len() == part.len() {
                self.whole += 1;
                self.offset = 0;
            } else {
                self.offset += got.len();
            }
            bytes = rest;
        }
        Ok(self.whole - before)
    }
}

/// Integer replies of which each is within a range.
#[derive(Clone)]
pub struct Integers {
    range: RangeInclusive<u64>,
    whole: u64,
    /// The value of the digits that have come of the reply after the whole ones.
    unfinished: Option<u64>,
    /// Whether its last byte was the one before the end.
    at_end: bool,
}

impl Integers {
    /// Before the first reply.
    pub fn new(range: RangeInclusive<u64>) -> Integers {
        Integers {
            range,
            whole: 0,
            unfinished: None,
            at_end: false,
        }
    }

    /// Replies that have come as a whole.
    pub fn whole(&self) -> u64 {
        self.whole
    }

    /// Checks what has come; says how many replies it completes.
    pub fn take(&mut self, bytes: &[u8]) -> Result<u64> {
        let before = self.whole;
        for &byte in bytes {
            match (byte, self.unfinished, self.at_end) {
                (b':', None, _) => self.unfinished = Some(0),
                (b'0'..=b'9', Some(value), false) if value <= *self.range.end() => {
                    self.unfinished = Some(10 * value + u64::from(byte - b'0'));
                }
                (b'\r', Some(_), false) => self.at_end = true,
                (b'\n', Some(value), true) => {
                    ensure!(
                        self.range.contains(&value),
                        "expected one of {:?}, got {value}",
                        self.range
                    );
                    self.whole += 1;
                    self.unfinished = None;
                    self.at_end = false;
                }
                _ => bail!(
                    "expected one of {:?}, got '{}'",
                    self.range,
                    wire::shown(bytes)
                ),
            }
        }
        Ok(self.whole - before)
    }
}
