//! `/metrics`: the server's figures for Prometheus.
//!
//! Layer `http`. It may use `state` and what lies below.
//!
//! ```text
//!   redis   figures that redis_exporter takes from INFO, under its names: its dashboards work
//!   own     figures that Redis does not have: messages, deliveries, what waits for subscribers
//!   page    writes a family of series; the only file that knows the encoder
//! ```
//!
//! Invariants:
//! - A scrape reads the counters that INFO reads. Nothing is counted for it, and nothing is kept
//!   between scrapes.
//! - The number of series does not depend on what clients do: commands and error codes are finite
//!   sets, and no label is a channel, a key or a client.
//! - It never takes the keyspace's lock, as INFO does not.
//! - It shows nothing that INFO does not show to the same user.

mod own;
mod page;
mod redis;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text};
use prometheus_client::registry::Registry;

use super::answer::{Answer, Refusal};
use super::caller::Caller;
use crate::state::ServerState;
use page::Page;

/// `GET /metrics`, for who may run INFO.
pub(super) fn metrics(caller: &Caller) -> Result<Answer, Refusal> {
    caller.permit(&[b"INFO"])?;
    let text = text(&caller.state);
    Ok(Answer::whole(prometheus_text::CONTENT_TYPE, text))
}

/// All figures in Prometheus' text format, version 0.0.4.
fn text(state: &Arc<ServerState>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Figures(Arc::clone(state))));
    let mut text = String::with_capacity(32 * 1024);
    prometheus_text::encode(&mut text, &registry).expect("a string takes anything");
    text
}

#[derive(Debug)]
struct Figures(Arc<ServerState>);

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        redis::write(&mut page, &self.0)?;
        own::write(&mut page, &self.0)
    }
}
