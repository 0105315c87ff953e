//! CLIENT SLOWEST and CLIENT CLOSED: who reads too slowly, and who has gone and why.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::cmp::Reverse;
use std::fmt::Write;
use std::sync::Arc;

use super::rows;
use crate::client::Client;
use crate::command::client_line::client_line;
use crate::command::{Args, Context};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, verbatim};
use crate::state::ServerState;
use crate::state::closed::ClosedClient;

/// How many clients both commands show if no number is given.
const USUAL_ROWS: usize = 10;

/// The clients that have not taken all that was sent to them, with the bytes that wait for each:
/// those with the most first.
pub(crate) fn slowest(server: &ServerState, most: usize) -> Vec<(usize, Arc<Client>)> {
    let clients = server.clients.all().into_iter();
    let waiting = clients.map(|client| (client.outbox.waiting().0, client));
    let mut slow: Vec<_> = waiting.filter(|(bytes, _)| *bytes > 0).collect();
    slow.sort_by_key(|(bytes, _)| Reverse(*bytes));
    slow.truncate(most);
    slow
}

/// `CLIENT SLOWEST [count]`: lines as in CLIENT LIST.
pub(crate) fn client_slowest(
    context: &mut Context<'_>,
    args: &Args<'_>,
) -> Result<Reply, CommandError> {
    let slow = slowest(context.server, count(args)?);
    let lines: String = slow.iter().map(|(_, client)| client_line(client)).collect();
    Ok(verbatim(lines))
}

/// `CLIENT CLOSED [count]`
pub(crate) fn client_closed(
    context: &mut Context<'_>,
    args: &Args<'_>,
) -> Result<Reply, CommandError> {
    let closed = context.server.closed.latest(count(args)?);
    let lines: String = closed.iter().map(|client| closed_line(client)).collect();
    Ok(verbatim(lines))
}

fn count(args: &Args<'_>) -> Result<usize, CommandError> {
    match args.len() {
        2 => Ok(USUAL_ROWS),
        3 => rows("count", &args[2]),
        _ => Err(CommandError::SYNTAX),
    }
}

/// A closed client's line: the fields that CLIENT LIST has, how many seconds ago it was closed, and
/// why.
fn closed_line(client: &ClosedClient) -> String {
    let mut line = String::with_capacity(128);
    let age = client.age_seconds;
    let _ = writeln!(
        line,
        "id={} addr={} laddr={} name={} user={} age={} closed={} reason={}",
        client.id,
        client.addresses.peer(),
        client.addresses.local(),
        String::from_utf8_lossy(&client.name),
        String::from_utf8_lossy(&client.user),
        age,
        client.closed.elapsed().as_secs(),
        client.reason.word(),
    );
    line
}
