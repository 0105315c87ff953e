//! `/metrics`: the server's figures for Prometheus.
//!
//! Layer `http`. It may use `state` and what lies below.
//!
//! ```text
//!   redis     figures that redis_exporter takes from INFO, under its names: its dashboards work
//!   own       figures that Redis does not have: messages, deliveries, what waits for subscribers
//!   upstream  an edge's connection to its hub
//!   queues    the longest lists and the groups with the most to do, if they are asked for
//!   page      writes a family of series; the only file that knows the encoder
//! ```
//!
//! Invariants:
//! - A scrape reads the counters that INFO reads. Nothing is counted for it, and nothing is kept
//!   between scrapes.
//! - The number of series does not depend on what clients do: commands and error codes are finite
//!   sets, and no label is a channel or a client. Keys are labels only where `queues` says of how
//!   many.
//! - Without `queues` it never takes the keyspace's lock, as INFO does not.
//! - It shows nothing that INFO, or QUEUE, does not show to the same user.

mod own;
mod page;
mod queues;
mod redis;
#[cfg(test)]
mod tests;
mod upstream;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text};
use prometheus_client::registry::Registry;

use super::answer::{Answer, Refusal};
use super::caller::Caller;
use crate::state::ServerState;
use page::Page;
use queues::Queues;

/// `GET /metrics`, for who may run INFO; `GET /metrics?queues=20`, for who may run QUEUE too.
pub(super) async fn metrics(caller: &Caller) -> Result<Answer, Refusal> {
    caller.permit(&[b"INFO"])?;
    let queues = match caller.target.query("queues") {
        Some(asked) => {
            let most = queues::parse(asked)?;
            caller.permit(&[b"QUEUE", b"LIST"])?;
            caller.permit(&[b"QUEUE", b"GROUPS"])?;
            Some(queues::find(&caller.state, most).await)
        }
        None => None,
    };
    let text = text(&caller.state, queues);
    Ok(Answer::whole(prometheus_text::CONTENT_TYPE, text))
}

/// All figures in Prometheus' text format, version 0.0.4.
fn text(state: &Arc<ServerState>, queues: Option<Queues>) -> String {
    let mut registry = Registry::default();
    let state = Arc::clone(state);
    registry.register_collector(Box::new(Figures { state, queues }));
    let mut text = String::with_capacity(32 * 1024);
    prometheus_text::encode(&mut text, &registry).expect("a string takes anything");
    text
}

#[derive(Debug)]
struct Figures {
    state: Arc<ServerState>,
    queues: Option<Queues>,
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        redis::write(&mut page, &self.state)?;
        own::write(&mut page, &self.state)?;
        upstream::write(&mut page, &self.state)?;
        match &self.queues {
            Some(queues) => queues::write(&mut page, queues),
            None => Ok(()),
        }
    }
}
