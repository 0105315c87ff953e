//! The two servers, and the same step taken on both.

use std::time::Instant;

use super::blocked::Asker;
use super::compare::{Seen, compare};
use super::connection::{Barrier, Connection, End, PATIENCE};
use super::script::{
    Action, Payload, Step, Then, encode_command, split_words, substitute, unescape,
};
use super::server::{Server, Setting};
use super::transaction;

/// Redis and the server under test, with the same named connections open to each.
pub struct Pair {
    redis: Side,
    other: Side,
    steps: u64,
    /// Whether the other server is fanfare, so that its listed differences must show.
    fanfare: bool,
}

struct Side {
    server: Server,
    proto: u8,
    connections: Vec<(String, Connection)>,
    /// Opened when the first connection may block.
    asker: Option<Asker>,
}

impl Pair {
    /// Starts both servers. New connections speak `proto`.
    pub fn start(settings: &[Setting], proto: u8) -> Self {
        Self::with(Server::other, settings, proto)
    }

    /// As [`start`](Self::start), with another server under test.
    pub fn with(other: fn(&[Setting]) -> Server, settings: &[Setting], proto: u8) -> Self {
        let side = |server| Side {
            server,
            proto,
            connections: Vec::new(),
            asker: None,
        };
        let (redis, other) = (side(Server::redis(settings)), side(other(settings)));
        Self {
            redis,
            other,
            steps: 0,
            fanfare: std::env::var_os("FANFARE_DIFF_OTHER").is_none(),
        }
    }

    /// Whether Redis keeps the connection `name` blocked.
    pub fn is_blocked(&self, name: &str) -> bool {
        self.redis.blocked().iter().any(|blocked| blocked == name)
    }

    /// Takes `step` on both servers. `Err` describes how their outputs differ.
    pub fn take(&mut self, step: &Step) -> Result<(), String> {
        self.steps += 1;
        let nonce = format!("barrier-{}", self.steps);
        let mut redis = self.redis.take(step, &nonce)?;
        let mut other = self.other.take(step, &nonce)?;
        let mut report = String::new();
        match self.same_blocked() {
            Ok(still) => {
                redis.extend(self.redis.meet_unblocked(&still, &nonce));
                other.extend(self.other.meet_unblocked(&still, &nonce));
            }
            Err(difference) => report = difference,
        }
        for (name, observed) in redis.iter().chain(&other) {
            if !matches!(observed.end, End::Barrier(_)) {
                self.redis.forget(name);
                self.other.forget(name);
            }
        }
        report += &compare(step, self.redis.proto, self.fanfare, &redis, &other);
        if report.is_empty() {
            Ok(())
        } else {
            Err(format!("{}: {}\n{report}", step.place, step.source))
        }
    }

    /// The names of the connections that both servers still have blocked. Redis has served its waiters by now; the other
    /// server has as long as a silent server has. `Err` says that they aren't the same ones, which are then given up.
    fn same_blocked(&mut self) -> Result<Vec<String>, String> {
        let redis = self.redis.still_blocked();
        let asked = Instant::now();
        loop {
            let other = self.other.still_blocked();
            if redis == other {
                return Ok(redis);
            }
            if asked.elapsed() > PATIENCE {
                for name in redis.iter().chain(&other) {
                    self.redis.forget(name);
                    self.other.forget(name);
                }
                return Err(format!(
                    "  redis keeps {redis:?} blocked, other {other:?}\n"
                ));
            }
        }
    }
}

impl Side {
    /// The acting connection's barrier comes first: by its reply, every message it published has been enqueued.
    fn take(&mut self, step: &Step, nonce: &str) -> Result<Vec<Seen>, String> {
        let acting = self.index(&step.connection);
        let mut seen = Vec::new();
        let mut waits = true;
        match &step.action {
            Action::Open => {}
            Action::SetBarrier(barrier) => {
                self.connections[acting].1.barrier = *barrier;
                waits = false;
            }
            Action::Close => {
                seen.push((step.connection.clone(), self.connections[acting].1.close()));
                waits = false;
            }
            Action::Send { payload, then } => {
                let bytes = self
                    .bytes(payload)
                    .map_err(|error| format!("{}: {error}", step.place))?;
                let connection = &mut self.connections[acting].1;
                connection.in_transaction =
                    transaction::is_open_after(connection.in_transaction, &bytes);
                connection.send(&bytes);
                if *then == Then::Eof {
                    seen.push((step.connection.clone(), connection.drain()));
                }
                waits = match then {
                    Then::Barrier => true,
                    Then::Blocks => !self.blocks(acting),
                    Then::Nothing | Then::Eof => false,
                };
            }
        }
        let others = (0..self.connections.len()).filter(|index| *index != acting);
        if waits && self.connections[acting].1.blocked {
            return Err(format!("{}: {} is blocked", step.place, step.connection));
        }
        for index in waits.then_some(acting).into_iter().chain(others) {
            let (name, connection) = &mut self.connections[index];
            if connection.barrier != Barrier::Nothing && !connection.blocked {
                seen.push((name.clone(), connection.meet(nonce)));
            }
        }
        Ok(seen)
    }

    /// Waits until the server has blocked the connection, or answered it.
    fn blocks(&mut self, index: usize) -> bool {
        let connection = &mut self.connections[index].1;
        let id = connection.id.as_deref().expect("a connection with an id");
        let asker = self
            .asker
            .get_or_insert_with(|| Asker::open(self.server.address));
        let sent = Instant::now();
        while !connection.blocked && !connection.has_output() && sent.elapsed() < PATIENCE {
            connection.blocked = !asker.blocked(&[id]).is_empty();
        }
        connection.blocked
    }

    /// The names of the connections that were blocked when last looked at.
    fn blocked(&self) -> Vec<String> {
        let blocked = self.connections.iter().filter(|(_, known)| known.blocked);
        blocked.map(|(name, _)| name.clone()).collect()
    }

    /// The names of those that the server still has blocked.
    fn still_blocked(&mut self) -> Vec<String> {
        let waiting = self.connections.iter().filter(|(_, known)| known.blocked);
        let ids = waiting.filter_map(|(_, known)| known.id.as_deref());
        let ids = ids.collect::<Vec<_>>();
        let blocked = match &mut self.asker {
            Some(asker) if !ids.is_empty() => asker.blocked(&ids),
            _ => return Vec::new(),
        };
        let is_blocked =
            |known: &Connection| known.id.as_ref().is_some_and(|id| blocked.contains(id));
        let still = self
            .connections
            .iter()
            .filter(|(_, known)| is_blocked(known));
        still.map(|(name, _)| name.clone()).collect()
    }

    /// Meets the barrier on the connections that the step unblocked: what served them has arrived before it.
    fn meet_unblocked(&mut self, still: &[String], nonce: &str) -> Vec<Seen> {
        let mut seen = Vec::new();
        for (name, connection) in &mut self.connections {
            if connection.blocked && !still.contains(name) {
                connection.blocked = false;
                seen.push((name.clone(), connection.meet(nonce)));
            }
        }
        seen
    }

    fn index(&mut self, name: &str) -> usize {
        if let Some(index) = self.connections.iter().position(|(known, _)| known == name) {
            return index;
        }
        self.connections.push((
            name.to_string(),
            Connection::open(self.server.address, self.proto),
        ));
        self.connections.len() - 1
    }

    fn forget(&mut self, name: &str) {
        self.connections.retain(|(known, _)| known != name);
    }

    fn bytes(&self, payload: &Payload) -> Result<Vec<u8>, String> {
        match payload {
            Payload::Words(text) => Ok(encode_command(&split_words(&self.fill(text)?)?)),
            Payload::Raw(text) => unescape(&self.fill(text)?),
            Payload::Bytes(bytes) => Ok(bytes.clone()),
        }
    }

    fn fill(&self, text: &str) -> Result<String, String> {
        substitute(text, |variable| self.value(variable))
    }

    /// `x*1000`: a thousand x; `a.id`, `a.addr`, `a.laddr`: connection a as the server knows it.
    fn value(&self, variable: &str) -> Option<String> {
        if let Some((text, times)) = variable.rsplit_once('*') {
            return Some(text.repeat(times.parse().ok()?));
        }
        let (name, property) = variable.split_once('.')?;
        let (_, connection) = self.connections.iter().find(|(known, _)| known == name)?;
        match property {
            "id" => connection.id.clone(),
            "addr" => Some(connection.local.to_string()),
            "laddr" => Some(connection.peer.to_string()),
            _ => None,
        }
    }
}
