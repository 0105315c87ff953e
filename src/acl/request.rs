//! A request as the rules see it: its command, its keys, its channels; and why it is denied.

use std::cell::OnceCell;
use std::ops::Range;

use crate::catalog::Command;
use crate::catalog::spec::key::FoundKey;
use crate::client::Namespace;

/// See the module.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    command: &'static Command,
    words: Vec<&'a [u8]>,
    /// Found when they are first asked for; several selectors may ask.
    keys: OnceCell<Vec<FoundKey>>,
}

impl<'a> Request<'a> {
    /// A request of `command`, whose arity it satisfies.
    pub(crate) fn new(command: &'static Command, words: Vec<&'a [u8]>) -> Request<'a> {
        Request {
            command,
            words,
            keys: OnceCell::new(),
        }
    }

    /// Its command.
    pub(crate) fn command(&self) -> &'static Command {
        self.command
    }

    /// The word at `place`, the command's name being at 0.
    pub(crate) fn word(&self, place: usize) -> &'a [u8] {
        self.words[place]
    }

    /// What stands behind the command's name.
    pub(crate) fn first_arg(&self) -> Option<&'a [u8]> {
        self.words.get(1).copied()
    }

    /// Its keys. Of a request that the command will refuse, since it names no keys where some must
    /// be, there are none.
    pub(crate) fn keys(&self) -> &[FoundKey] {
        self.keys
            .get_or_init(|| self.command.spec.keys_in(&self.words).unwrap_or_default())
    }

    /// The places of the channels that it sends to or subscribes to. Unsubscribing needs no
    /// permission.
    pub(crate) fn channels(&self) -> Option<(Namespace, Range<usize>)> {
        let published = self.command.spec.publishes.map(|kind| (kind, 1..2));
        let subscribed = self
            .command
            .spec
            .subscribes
            .map(|kind| (kind, 1..self.words.len()));
        published.or(subscribed)
    }
}

/// What a user lacks for a request. In the order in which Redis prefers to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// The command itself.
    Command,
    /// A key.
    Key,
    /// A name or password that would let it in.
    Auth,
    /// A channel.
    Channel,
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Denial {
    /// What is lacking.
    pub reason: Reason,
    /// Which word of the request it is.
    pub place: usize,
}

impl Denial {
    /// The command is not allowed.
    pub(crate) const COMMAND: Denial = Denial::new(Reason::Command, 0);

    /// See the fields.
    pub(crate) const fn new(reason: Reason, place: usize) -> Denial {
        Denial { reason, place }
    }
}
