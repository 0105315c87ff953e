//! A request as the rules see it: its command, keys and channels; and the reason why it is denied.
//!
//! Layer `acl`. It may use `catalog` and `client`.

use std::cell::OnceCell;
use std::ops::Range;

use crate::catalog::Command;
use crate::catalog::spec::key::FoundKey;
use crate::client::Namespace;

/// A command with its arguments, to be permitted or denied.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    command: &'static Command,
    args: Vec<&'a [u8]>,
    /// Found when a selector first asks, and kept for the next selectors.
    keys: OnceCell<Vec<FoundKey>>,
}

impl<'a> Request<'a> {
    /// A request of `command`. `args` includes the command's name and must satisfy its arity.
    pub(crate) fn new(command: &'static Command, args: Vec<&'a [u8]>) -> Request<'a> {
        Request {
            command,
            args,
            keys: OnceCell::new(),
        }
    }

    /// The command.
    pub(crate) fn command(&self) -> &'static Command {
        self.command
    }

    /// The argument at `index`; the command's name is at 0.
    pub(crate) fn arg(&self, index: usize) -> &'a [u8] {
        self.args[index]
    }

    /// The argument after the command's name.
    pub(crate) fn first_arg(&self) -> Option<&'a [u8]> {
        self.args.get(1).copied()
    }

    /// The keys among the arguments.
    pub(crate) fn keys(&self) -> &[FoundKey] {
        self.keys
            .get_or_init(|| self.command.spec.keys_touched(&self.args))
    }

    /// The indexes of the channels that it publishes or subscribes to. Unsubscribing needs no
    /// permission.
    pub(crate) fn channels(&self) -> Option<(Namespace, Range<usize>)> {
        let published = self.command.spec.publishes.map(|kind| (kind, 1..2));
        let subscribed = self
            .command
            .spec
            .subscribes
            .map(|kind| (kind, 1..self.args.len()));
        published.or(subscribed)
    }
}

/// What was denied, in the order of Redis's preference: of several reasons, the last is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// The command.
    Command,
    /// A key.
    Key,
    /// The name or password of an AUTH.
    Auth,
    /// A channel.
    Channel,
}

/// The reason why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Denial {
    /// What was denied.
    pub reason: Reason,
    /// The index of the argument that was denied.
    pub index: usize,
}

impl Denial {
    /// The command is not allowed.
    pub(crate) const COMMAND: Denial = Denial::new(Reason::Command, 0);

    /// A denial of the argument at `index`.
    pub(crate) const fn new(reason: Reason, index: usize) -> Denial {
        Denial { reason, index }
    }
}
