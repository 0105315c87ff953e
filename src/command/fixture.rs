//! For tests: a server and one client, whose commands run without a connection's task.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::ops::Range;
use std::sync::Arc;

use super::access::Access;
use super::publish_run::PublishRun;
use super::{Args, Context, Deferred, Execution, Session, dispatch};
use crate::acl::Acl;
use crate::client::socket::Socket;
use crate::client::{Addresses, Client};
use crate::config::Config;
use crate::observe::batch_stats::BatchStats;
use crate::pubsub::fanout::Fanout;
use crate::resp::replies::Replies;
use crate::state::ServerState;
use crate::state::placement::Placement;
use crate::state::tls::Tls;

/// A server and one client. The peer's socket stays open and reads nothing.
#[derive(Debug)]
pub(super) struct Fixture {
    pub server: Arc<ServerState>,
    pub config: Config,
    pub client: Arc<Client>,
    pub session: Session,
    pub replies: Replies,
    fanout: Fanout,
    publish_run: PublishRun,
    pub batch_stats: BatchStats,
    leaving: Vec<Arc<Client>>,
    _peer: tokio::net::UnixStream,
}

impl Fixture {
    /// A server with these settings, and one client. It must be called within a runtime.
    pub(super) fn new(config: Config) -> Fixture {
        let acl = Acl::at_start(&config).expect("an ACL without a file");
        let server = ServerState::new(
            config.clone(),
            acl,
            Tls::default(),
            None,
            None,
            Placement::default(),
        );
        let (ours, peer) = tokio::net::UnixStream::pair().expect("a pair of sockets");
        let socket = Socket::from(ours);
        let client = Client::new(1, Addresses::unix(Arc::default()), socket);
        Fixture {
            session: Session::new(Access::new(&server.acl)),
            server: Arc::new(server),
            config,
            client: Arc::new(client),
            replies: Replies::default(),
            fanout: Fanout::default(),
            publish_run: PublishRun::default(),
            batch_stats: BatchStats::default(),
            leaving: Vec::new(),
            _peer: peer,
        }
    }

    /// The context for a handler.
    pub(super) fn context(&mut self) -> Context<'_> {
        Context {
            server: &self.server,
            config: &self.config,
            client: &self.client,
            session: &mut self.session,
            replies: &mut self.replies,
            fanout: &mut self.fanout,
            publish_run: &mut self.publish_run,
            batch_stats: &mut self.batch_stats,
            keyspace: None,
            closed: Vec::new(),
            leaving: &mut self.leaving,
            execution: Execution::Alone,
            deferred: Deferred::default(),
            may_write: false,
            peer_is_cut_off: None,
            owes_replies: false,
        }
    }

    /// Executes a request in the current batch.
    pub(super) fn request<T: AsRef<[u8]>>(&mut self, args: &[T]) {
        let (bytes, ranges) = joined(args);
        dispatch(&mut self.context(), &Args::new(&bytes, &ranges, &[]));
    }

    /// Removes and returns the replies so far, with blanks for line breaks.
    pub(super) fn take_replies(&mut self) -> String {
        let replies = self.replies.take_all();
        String::from_utf8_lossy(&replies).replace("\r\n", " ")
    }

    /// Ends the batch.
    pub(super) fn end_batch(&mut self) {
        self.context().finish();
    }
}

/// Concatenates arguments, and returns the range of each.
pub(super) fn joined<T: AsRef<[u8]>>(args: &[T]) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut bytes = Vec::new();
    let ranges = args.iter().map(|arg| {
        let start = bytes.len();
        bytes.extend_from_slice(arg.as_ref());
        start..bytes.len()
    });
    let ranges = ranges.collect();
    (bytes, ranges)
}
