//! The payload of a panic, and its message.
//!
//! Layer `state`. It uses nothing else.

use std::any::Any;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// The message of a panic.
pub(crate) fn message(panic: &Panic) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let built = || panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(built).unwrap_or("a panic without a message")
}
