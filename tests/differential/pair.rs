//! The two servers, and the same step taken on both.

use super::compare::{Seen, compare};
use super::connection::{Barrier, Connection, End};
use super::script::{
    Action, Payload, Step, Then, encode_command, split_words, substitute, unescape,
};
use super::server::{Server, Setting};

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
}

impl Pair {
    /// Starts both servers. New connections speak `proto`.
    pub fn start(settings: &[Setting], proto: u8) -> Self {
        let side = |server| Side {
            server,
            proto,
            connections: Vec::new(),
        };
        let (redis, other) = (side(Server::redis(settings)), side(Server::other(settings)));
        Self {
            redis,
            other,
            steps: 0,
            fanfare: std::env::var_os("FANFARE_DIFF_OTHER").is_none(),
        }
    }

    /// Takes `step` on both servers. `Err` describes how their outputs differ.
    pub fn take(&mut self, step: &Step) -> Result<(), String> {
        self.steps += 1;
        let nonce = format!("barrier-{}", self.steps);
        let redis = self.redis.take(step, &nonce)?;
        let other = self.other.take(step, &nonce)?;
        for (name, observed) in redis.iter().chain(&other) {
            if !matches!(observed.end, End::Barrier(_)) {
                self.redis.forget(name);
                self.other.forget(name);
            }
        }
        let report = compare(step, self.redis.proto, self.fanfare, &redis, &other);
        if report.is_empty() {
            Ok(())
        } else {
            Err(format!("{}: {}\n{report}", step.place, step.source))
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
                connection.send(&bytes);
                if *then == Then::Eof {
                    seen.push((step.connection.clone(), connection.drain()));
                }
                waits = *then == Then::Barrier;
            }
        }
        let others = (0..self.connections.len()).filter(|index| *index != acting);
        for index in waits.then_some(acting).into_iter().chain(others) {
            let (name, connection) = &mut self.connections[index];
            if connection.barrier != Barrier::Nothing {
                seen.push((name.clone(), connection.meet(nonce)));
            }
        }
        Ok(seen)
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
