//! Prevents pops for a peer that is gone, and deliveries of XREADGROUP, which are pops in this
//! respect.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! An element that is popped for a peer that has closed its connection is lost. The kernel knows of
//! the end before the connection's task has read it: a request and the end of the stream may arrive
//! together. So the kernel is asked before a command pops anything.
//!
//! - Blocking pops (BLPOP, XREADGROUP with BLOCK) pop nothing once the peer has closed its side, whether they would wait
//!   or not. A half-closed connection, whose peer only sends no more, looks the same.
//! - Other pops (LPOP) pop nothing once the connection is reset or closed both ways. A half-closed
//!   peer may still read the reply: `printf 'LPOP k\r\n' | nc -N host port` gets its element. A
//!   client without replies (CLIENT REPLY OFF) reads none in any case, and its pops always run.
//!
//! The connection then takes no more requests, and ends.

use super::{Args, Context, Next};
use crate::catalog::Command;
use crate::catalog::spec::{Flag, InMulti};

/// Whether the command would pop elements for a peer that is gone. The connection then ends.
pub(super) fn would_lose_elements(
    context: &mut Context<'_>,
    command: &Command,
    args: &Args<'_>,
) -> bool {
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
    let is_gone = if may_wait(command, args) {
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

/// Whether the command waits if it finds nothing. XREADGROUP does so only if it is told.
fn may_wait(command: &Command, args: &Args<'_>) -> bool {
    let is_told = || args.iter().any(|arg| arg.eq_ignore_ascii_case(b"block"));
    command.has(Flag::Blocking) && (!command.has(Flag::Delivers) || is_told())
}
