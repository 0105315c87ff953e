//! Commands that take elements out of keys, for a client that may be gone.
//!
//! Layer `command`. An element that is taken for a peer that has closed its connection is lost. The
//! kernel knows of the end before the connection's task has read so far: a request and the end of the
//! stream may come in one read. So the kernel is asked before anything is taken.
//!
//! - BLPOP and its kin take nothing once the peer has closed its side, whether they would wait or not.
//!   A peer that only says that it will send nothing more (a half-closed connection) looks the same.
//! - LPOP and its kin take nothing once the connection is reset, or closed both ways. A half-closed
//!   peer may still read the reply: `printf 'LPOP k\r\n' | nc -N host port` gets its element. A client
//!   that wants no replies (CLIENT REPLY OFF) reads none in any case.
//!
//! The connection then takes no more requests, and ends.

use super::{Context, Next};
use crate::catalog::Command;
use crate::catalog::spec::{Flag, InMulti};

/// Whether the command would take elements for nobody. The connection then ends.
pub(super) fn is_for_nobody(context: &mut Context<'_>, command: &Command) -> bool {
    let takes = match &context.session.transaction {
        Some(transaction) if command.spec.in_multi == InMulti::Executes => {
            transaction.effects.takes
        }
        _ => command.takes,
    };
    if !takes {
        return false;
    }
    let client = context.client;
    let is_gone = if command.has(Flag::Blocking) {
        client.peer_has_hung_up()
    } else {
        context.session.replies.wants_reply()
            && *context
                .peer_is_cut_off
                .get_or_insert_with(|| client.peer_is_cut_off())
    };
    if is_gone {
        context.session.then(Next::Close);
    }
    is_gone
}
