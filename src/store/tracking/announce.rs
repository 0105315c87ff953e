//! Tells clients of changed keys.
//!
//! Layer `store`. It may use `pubsub`, `client` and `resp`.
//!
//! In RESP3 a client gets a push, `invalidate`, with an array of keys; null stands for all keys.
//! RESP2 has no pushes. There, a client redirects to another one, which gets the keys as a message
//! of [`CHANNEL`] if it has any subscription.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use super::{Author, Tracker, Tracking};
use crate::client::tracking::Modes;
use crate::client::{Client, ClientId, Closing};
use crate::pubsub::fanout::Fanout;
use crate::resp::Protocol;
use crate::resp::encode::{put_bulk, put_integer, put_null};

/// The channel of invalidations in RESP2.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// A change that clients must be told of.
#[derive(Debug)]
pub(super) enum Pending {
    /// A key that some clients have read.
    Key {
        key: Box<[u8]>,
        readers: Vec<ClientId>,
        author: Author,
    },
    /// Any key may have changed.
    Everything,
}

impl Author {
    /// Whether the author is this client. `by` is the client whose command was carried out.
    fn is(self, client: ClientId, by: Option<ClientId>) -> bool {
        match self {
            Author::Command => by == Some(client),
            Author::Waiter(waiter) => waiter == client,
            Author::Nobody => false,
        }
    }
}

/// A message in both protocol versions. Each is encoded when the first client needs it.
struct Invalidation<'a> {
    /// The changed keys; `None` for all keys.
    keys: Option<Vec<&'a [u8]>>,
    forms: [Option<BytesMut>; 2],
}

impl<'a> Invalidation<'a> {
    fn of(keys: impl Iterator<Item = &'a [u8]>) -> Invalidation<'a> {
        Invalidation {
            keys: Some(keys.collect()),
            forms: [None, None],
        }
    }

    fn of_everything() -> Invalidation<'a> {
        Invalidation {
            keys: None,
            forms: [None, None],
        }
    }

    fn form(&mut self, protocol: Protocol) -> &[u8] {
        let keys = &self.keys;
        self.forms[usize::from(protocol == Protocol::Resp3)].get_or_insert_with(|| {
            let mut out = BytesMut::new();
            match protocol {
                Protocol::Resp2 => {
                    out.put_slice(b"*3\r\n$7\r\nmessage\r\n");
                    put_bulk(&mut out, CHANNEL);
                }
                Protocol::Resp3 => out.put_slice(b">2\r\n$10\r\ninvalidate\r\n"),
            }
            match keys {
                None => put_null(&mut out, protocol),
                Some(keys) => {
                    put_integer(&mut out, b'*', keys.len() as i64);
                    for key in keys {
                        put_bulk(&mut out, key);
                    }
                }
            }
            out
        })
    }

    /// Sends the message to a client, or to the client that it redirects to.
    fn tell(&mut self, tracker: &Tracker, fanout: &mut Fanout) {
        let client = &tracker.client;
        if client.redirect() == 0 {
            if client.protocol() == Protocol::Resp3 {
                fanout.feed(client, self.form(Protocol::Resp3));
            }
            return;
        }
        let target = tracker.redirect.upgrade();
        match target.filter(|target| target.closing() != Closing::Closed) {
            None => tell_broken(client, fanout),
            Some(target) if target.protocol() == Protocol::Resp3 => {
                fanout.feed(&target, self.form(Protocol::Resp3));
            }
            Some(target) if target.is_subscriber() => {
                fanout.feed(&target, self.form(Protocol::Resp2));
            }
            Some(_) => {}
        }
    }
}

/// Tells a client that the client that it redirects to is gone.
fn tell_broken(client: &Arc<Client>, fanout: &mut Fanout) {
    let tracking = &client.tracking;
    tracking.set_modes(tracking.modes().with(Modes::BROKEN_REDIRECT));
    if client.protocol() == Protocol::Resp3 {
        let mut out = BytesMut::new();
        out.put_slice(b">2\r\n");
        put_bulk(&mut out, b"tracking-redir-broken");
        put_integer(&mut out, b':', client.redirect() as i64);
        fanout.feed(client, &out);
    }
}

impl Tracking {
    /// Whether any client must be told of a change.
    pub(crate) fn has_news(&self) -> bool {
        !self.pending.is_empty() || self.prefixes.has_changed()
    }

    /// Tells the readers of changed keys. `by` is the client whose command was carried out. The
    /// clients to flush are in `fanout`.
    pub(crate) fn tell_readers(&mut self, by: Option<ClientId>, fanout: &mut Fanout) {
        for news in std::mem::take(&mut self.pending) {
            match news {
                Pending::Key {
                    key,
                    readers,
                    author,
                } => {
                    let mut message = Invalidation::of(std::iter::once(&*key));
                    for reader in readers {
                        let Some(tracker) = self.trackers.get(&reader) else {
                            continue;
                        };
                        let modes = tracker.client.tracking.modes();
                        let is_own = modes.has(Modes::NOLOOP) && author.is(reader, by);
                        if modes.has(Modes::ON) && !modes.has(Modes::BCAST) && !is_own {
                            message.tell(tracker, fanout);
                        }
                    }
                }
                Pending::Everything => {
                    let mut message = Invalidation::of_everything();
                    let tracking = self.trackers.values();
                    for tracker in tracking.filter(|it| it.client.tracking.modes().has(Modes::ON)) {
                        message.tell(tracker, fanout);
                    }
                }
            }
        }
    }

    /// Does what [`tell_readers`](Self::tell_readers) does, and tells the clients that track by
    /// prefixes.
    pub(crate) fn tell_all(&mut self, by: Option<ClientId>, fanout: &mut Fanout) {
        self.tell_readers(by, fanout);
        let trackers = &self.trackers;
        self.prefixes.take_changed(|change| {
            let keys = change.keys.keys().map(|key| &**key);
            let mut for_all = Invalidation::of(keys);
            for client in change.clients {
                let Some(tracker) = trackers.get(client) else {
                    continue;
                };
                let is_own = |author: &Author| author.is(*client, by);
                let no_loop = tracker.client.tracking.modes().has(Modes::NOLOOP);
                if !no_loop || !change.keys.values().any(is_own) {
                    for_all.tell(tracker, fanout);
                    continue;
                }
                let of_others = change.keys.iter().filter(|(_, author)| !is_own(author));
                let mut of_others = of_others.map(|(key, _)| &**key).peekable();
                if of_others.peek().is_some() {
                    Invalidation::of(of_others).tell(tracker, fanout);
                }
            }
        });
    }
}
