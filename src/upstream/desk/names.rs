//! The desk's part about names: clients that wait to be subscribed, and the hub's confirmations.
//!
//! Layer `upstream`. It may use `pubsub` and what lies below.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::{Desk, Entry, Expected};
use crate::client::{Client, Kept, Namespace};
use crate::config::OutputLimits;
use crate::pubsub::registry::{Registry, Subscriber};
use crate::resp::encode::{put_bulk, put_integer};
use crate::resp::error::CommandError;
use crate::upstream::interest::{OVERHEAD, Request, Verb};
use crate::upstream::loss::{Loss, shown};
use crate::upstream::run::refusal;
use crate::upstream::{Answer, Answered};

/// A client whose SUBSCRIBE is not done.
#[derive(Debug)]
pub(super) struct Waiting {
    client: Arc<Client>,
    namespace: Namespace,
    names: Vec<Bytes>,
    /// The name that it waits for. Those before it were confirmed.
    next: usize,
    /// It waits no longer than this.
    pub until: Instant,
    /// Where it is answered.
    pub sender: oneshot::Sender<Answer>,
}

impl Waiting {
    fn answer(self, answer: Answer) {
        self.client.set_kept(Kept::Names, 0);
        // Its task may be gone.
        let _ = self.sender.send(answer);
    }
}

impl Desk {
    /// See [`Upstream::subscribe`](crate::upstream::Upstream::subscribe).
    pub(in crate::upstream) fn subscribe(
        &mut self,
        registry: &Registry,
        subscriber: Subscriber<'_>,
        namespace: Namespace,
        names: Vec<Bytes>,
        (until, limit): (Instant, u64),
    ) -> Option<Answered> {
        if self.interests.use_all(namespace, &names) {
            for name in &names {
                registry.subscribe(subscriber, namespace, name);
                // The client may have been closed meanwhile.
                self.note_if_idle(registry, namespace, name);
            }
            return None;
        }
        let (sender, answered) = oneshot::channel();
        // Without a connection it waits for one.
        if self.is_up
            && let Some(refused) = self.refusal(limit)
        {
            let _ = sender.send(Answer::error(refused));
            return Some(answered);
        }
        for name in &names {
            self.interests.hold(namespace, name);
        }
        let memory = names.iter().map(|name| name.len() + OVERHEAD).sum();
        subscriber.client.set_kept(Kept::Names, memory);
        let waiting = Waiting {
            client: Arc::clone(subscriber.client),
            namespace,
            names,
            next: 0,
            until,
            sender,
        };
        self.go_on(waiting, registry, subscriber.limits);
        self.request_names();
        Some(answered)
    }

    /// Subscribes a client once all of its names are confirmed, and has it wait for the next that is
    /// not.
    fn go_on(&mut self, mut waiting: Waiting, registry: &Registry, limits: &OutputLimits) {
        let (namespace, id) = (waiting.namespace, waiting.client.id);
        loop {
            while let Some(name) = waiting.names.get(waiting.next) {
                if !self.interests.use_or_wait(namespace, name, id) {
                    self.waiting.insert(id, waiting);
                    return;
                }
                waiting.next += 1;
            }
            if self.interests.use_all(namespace, &waiting.names) {
                break;
            }
            // The connection was lost meanwhile, and the names before are not confirmed any more.
            waiting.next = 0;
        }
        for name in &waiting.names {
            let client = &waiting.client;
            registry.subscribe(Subscriber { client, limits }, namespace, name);
            self.interests.release(namespace, name, id);
            self.note_if_idle(registry, namespace, name);
        }
        waiting.answer(Answer::default());
    }

    /// Ends a client's wait with an error. It is subscribed to none of the names. Without one, its
    /// connection is closed.
    pub(super) fn give_up(
        &mut self,
        waiting: Waiting,
        registry: &Registry,
        error: Option<CommandError>,
    ) {
        for name in &waiting.names {
            self.interests
                .release(waiting.namespace, name, waiting.client.id);
            self.note_if_idle(registry, waiting.namespace, name);
        }
        if let Some(error) = error {
            waiting.answer(Answer::error(error));
        }
    }

    pub(super) fn note_if_idle(&mut self, registry: &Registry, namespace: Namespace, name: &[u8]) {
        if !registry.has_subscribers(namespace, name) {
            self.interests.idle(namespace, name, Instant::now());
        }
    }

    /// A confirmation has come. Returns the clients that were subscribed, which are to be flushed.
    pub(crate) fn confirmation(
        &mut self,
        subscribed: bool,
        namespace: Namespace,
        name: &[u8],
        registry: &Registry,
        limits: &OutputLimits,
    ) -> Result<Vec<Arc<Client>>, Loss> {
        let unexpected = || Loss::Unexpected(format!("a confirmation of '{}'", shown(name)));
        let entry = self.expected.front_mut().ok_or_else(unexpected)?;
        let Expected::Names(request, confirmed) = &mut entry.what else {
            return Err(unexpected());
        };
        let is_next = (request.verb == Verb::Subscribe) == subscribed
            && request.namespace == namespace
            && request
                .names
                .get(*confirmed)
                .is_some_and(|next| next == name);
        if !is_next {
            return Err(unexpected());
        }
        *confirmed += 1;
        if *confirmed == request.names.len() {
            self.confirmations.0 += 1;
            self.confirmations.1 += entry.since.elapsed();
            self.answered();
        }
        if !subscribed {
            if !self.interests.left(namespace, name) {
                return Err(unexpected());
            }
            return Ok(Vec::new());
        }
        let waiters = self.interests.confirmed(namespace, name);
        let mut clients = Vec::new();
        for id in waiters.ok_or_else(unexpected)? {
            if let Some(waiting) = self.waiting.remove(&id) {
                clients.push(Arc::clone(&waiting.client));
                self.go_on(waiting, registry, limits);
            }
        }
        self.note_if_idle(registry, namespace, name);
        self.request_names();
        Ok(clients)
    }

    /// The hub has refused a SUBSCRIBE. It refuses all names for the sake of one, so each is asked for
    /// alone then.
    pub(super) fn names_were_refused(
        &mut self,
        text: &[u8],
        registry: &Registry,
    ) -> Result<(), Loss> {
        let Some(Entry {
            what: Expected::Names(request, confirmed),
            ..
        }) = self.answered()
        else {
            return Ok(());
        };
        if request.verb == Verb::Unsubscribe || confirmed > 0 {
            return Err(Loss::Refused(shown(text)));
        }
        let namespace = request.namespace;
        if let [name] = &request.names[..] {
            for id in self.interests.refused(namespace, name) {
                if let Some(waiting) = self.waiting.remove(&id) {
                    self.give_up(waiting, registry, Some(refusal(text)));
                }
            }
            self.cut_off.extend(registry.clients_of(namespace, name));
            return Ok(());
        }
        for name in request.names {
            self.request(Request {
                verb: Verb::Subscribe,
                namespace,
                names: vec![name],
            });
        }
        Ok(())
    }

    /// Asks the hub for names that are wanted, or no longer.
    pub(super) fn request_names(&mut self) {
        while self.is_up
            && let Some(request) = self.interests.next_request()
        {
            self.request(request);
        }
    }

    fn request(&mut self, request: Request) {
        let mut out = BytesMut::new();
        put_integer(&mut out, b'*', 1 + request.names.len() as i64);
        put_bulk(&mut out, command(request.verb, request.namespace));
        for name in &request.names {
            put_bulk(&mut out, name);
        }
        self.send(out.freeze(), Expected::Names(request, 0));
    }
}

fn command(verb: Verb, namespace: Namespace) -> &'static [u8] {
    match (verb, namespace) {
        (Verb::Subscribe, Namespace::Channel) => b"SUBSCRIBE",
        (Verb::Subscribe, Namespace::Pattern) => b"PSUBSCRIBE",
        (Verb::Subscribe, Namespace::Shard) => b"SSUBSCRIBE",
        (Verb::Unsubscribe, Namespace::Channel) => b"UNSUBSCRIBE",
        (Verb::Unsubscribe, Namespace::Pattern) => b"PUNSUBSCRIBE",
        (Verb::Unsubscribe, Namespace::Shard) => b"SUNSUBSCRIBE",
    }
}
