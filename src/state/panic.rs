//! What a panic leaves behind, and what it says.
//!
//! Layer `state`.

use std::any::Any;

/// What a panic has left behind.
pub(crate) type Panic = Box<dyn Any + Send>;

/// What a panic says.
pub(crate) fn message(panic: &Panic) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let built = || panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(built).unwrap_or("a panic without a message")
}
