//! Values that go through a list of the server: each that goes in comes out once, and as it was.
//!
//! A value carries its number, so that it can be told from the others whoever gets it; the numbers
//! are used again when their values are out.

use std::ops::Range;

use anyhow::{Result, bail, ensure};

use crate::stream;
use crate::wire;

/// Where a payload has its number: behind the publisher's name.
const DIGITS: Range<usize> = 1..stream::LEAST_PAYLOAD;

/// Values 0, 1, 2, ... and where they are.
pub struct Values {
    payloads: Vec<Vec<u8>>,
    /// Whether a value is in the list, or on its way there or back.
    inside: Vec<bool>,
    /// What a reply is before its value.
    prefix: Vec<u8>,
    size: usize,
}

impl Values {
    /// `count` values of `size` bytes, all outside. A reply with one of them begins with `prefix`
    /// and the header of a bulk string.
    pub fn new(count: usize, size: usize, mut prefix: Vec<u8>) -> Values {
        prefix.extend(format!("${size}\r\n").into_bytes());
        Values {
            payloads: (0..count)
                .map(|number| stream::payload(0, number, size))
                .collect(),
            inside: vec![false; count],
            prefix,
            size,
        }
    }

    /// A value's bytes.
    pub fn payload(&self, number: usize) -> &[u8] {
        &self.payloads[number]
    }

    /// A value goes in.
    pub fn put(&mut self, number: usize) -> Result<()> {
        ensure!(
            !std::mem::replace(&mut self.inside[number], true),
            "value {number} has not come out"
        );
        Ok(())
    }

    /// Takes the values out of the replies that have come, of which `unfinished` keeps what is not
    /// a whole one; says how many they were.
    pub fn take(&mut self, unfinished: &mut Vec<u8>, bytes: &[u8]) -> Result<u64> {
        if unfinished.is_empty() {
            let (count, rest) = self.take_whole(bytes)?;
            unfinished.extend_from_slice(rest);
            return Ok(count);
        }
        unfinished.extend_from_slice(bytes);
        let (count, rest) = self.take_whole(unfinished)?;
        let taken = unfinished.len() - rest.len();
        unfinished.drain(..taken);
        Ok(count)
    }

    fn take_whole<'a>(&mut self, mut bytes: &'a [u8]) -> Result<(u64, &'a [u8])> {
        let length = self.prefix.len() + self.size + b"\r\n".len();
        let mut count = 0;
        while !bytes.is_empty() {
            let known = self.prefix.len().min(bytes.len());
            if bytes[..known] != self.prefix[..known] {
                bail!(
                    "expected '{}', got '{}'",
                    wire::shown(&self.prefix),
                    wire::shown(bytes)
                );
            }
            let Some((reply, rest)) = bytes.split_at_checked(length) else {
                break;
            };
            self.take_value(&reply[self.prefix.len()..])?;
            count += 1;
            bytes = rest;
        }
        Ok((count, bytes))
    }

    /// `bytes` are the value and the end of its line.
    fn take_value(&mut self, bytes: &[u8]) -> Result<()> {
        let number = bytes[DIGITS]
            .iter()
            .fold(0, |number, byte| 10 * number + usize::from(byte & 15));
        let payload = self.payloads.get(number);
        ensure!(
            payload.is_some_and(|payload| bytes.strip_suffix(b"\r\n") == Some(payload)),
            "not a value that went in: '{}'",
            wire::shown(bytes)
        );
        ensure!(
            std::mem::replace(&mut self.inside[number], false),
            "value {number} has come out twice"
        );
        Ok(())
    }
}
