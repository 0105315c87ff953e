//! The queues of these tests: a list, or a sorted set.

use redis_protocol::resp3::types::Resp3Frame;

use crate::common::client::{Client, Frame};
use crate::common::wire::request;

/// What keeps the elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    List,
    SortedSet,
}

impl Queue {
    /// A request that adds these elements, the `number`-th of its producer.
    pub fn push(self, number: usize, elements: &[String]) -> Vec<u8> {
        let mut words = Vec::new();
        match self {
            Queue::List => {
                words.extend([["RPUSH", "LPUSH"][number / 2 % 2], "queue"]);
                words.extend(elements.iter().map(String::as_str));
            }
            Queue::SortedSet => {
                words.extend(["ZADD", "queue"]);
                for element in elements {
                    words.extend([["1", "-2.5", "inf"][number % 3], element]);
                }
            }
        }
        request(&words)
    }

    /// All elements, which stay.
    pub async fn elements(self, client: &mut Client, key: &str) -> Vec<String> {
        let range = match self {
            Queue::List => "LRANGE",
            Queue::SortedSet => "ZRANGE",
        };
        client.command(&[range, key, "0", "-1"]).await;
        strings(client.frame().await)
    }

    /// How many elements there are.
    pub async fn length(self, client: &mut Client, key: &str) -> i64 {
        let length = match self {
            Queue::List => "LLEN",
            Queue::SortedSet => "ZCARD",
        };
        client.command(&[length, key]).await;
        client.integer().await
    }
}

/// The strings of an array; none of a null.
pub fn strings(frame: Frame) -> Vec<String> {
    let (Frame::Array { data, .. } | Frame::Push { data, .. }) = frame else {
        assert!(matches!(frame, Frame::Null), "{frame:?} is no array");
        return Vec::new();
    };
    let text = |frame: &Frame| frame.as_str().expect("a string").to_owned();
    data.iter().map(text).collect()
}
