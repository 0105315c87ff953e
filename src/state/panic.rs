//! Catches panics: their payload and its message.
//!
//! Layer `state`. It uses nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// The message of a panic.
pub(crate) fn message(panic: &Panic) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let built = || panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(built).unwrap_or("a panic without a message")
}

/// Runs a future to its end, or until it panics.
pub(crate) async fn catch<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_message_of_a_panic_is_found() {
        let panic = catch(async { panic!("plain") }).await;
        assert_eq!(
            panic.map_err(|panic| message(&panic).to_owned()),
            Err::<(), _>("plain".into())
        );
        let panic = catch(async { panic!("built {}", 1) }).await;
        assert_eq!(
            panic.map_err(|panic| message(&panic).to_owned()),
            Err::<(), _>("built 1".into())
        );
    }
}
