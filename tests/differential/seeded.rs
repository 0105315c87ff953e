//! What the generated sessions share: random numbers from a printed seed, and the loop that takes their steps.
//!
//! `FANFARE_DIFF_SEED` repeats a failure, `FANFARE_DIFF_STEPS` makes the sessions longer. A session
//! that finds no difference prints how many commands each connection sent.

use std::collections::BTreeMap;

use super::frame::decode;
use super::lens::Lens;
use super::pair::Pair;
use super::script::{Action, Payload, Step, Then};

/// xorshift64*: enough for choosing, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// `seed` is not 0.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number"))
    })
}

/// Takes as many random steps as asked for. The seed is new in each run and is printed when the servers differ.
pub fn session(proto: u8, steps: u64, mut next: impl FnMut(&mut Random, &Pair, u64) -> Step) {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("a time after 1970")
        .as_nanos() as u64;
    let seed = number("FANFARE_DIFF_SEED").unwrap_or(now).max(1);
    let steps = number("FANFARE_DIFF_STEPS").unwrap_or(steps);
    let mut random = Random::new(seed);
    let mut commands = BTreeMap::<_, usize>::new();
    let mut pair = Pair::start(&[], proto);
    for index in 1..=steps {
        let step = next(&mut random, &pair, index);
        *commands.entry(step.connection.clone()).or_default() += requests_in(&step);
        if let Err(difference) = pair.take(&step) {
            panic!("FANFARE_DIFF_SEED={seed}, RESP{proto}, {difference}");
        }
    }
    println!(
        "FANFARE_DIFF_SEED={seed}, RESP{proto}: {steps} steps, commands by connection: {commands:?}"
    );
}

/// How many commands a step sends.
fn requests_in(step: &Step) -> usize {
    match &step.action {
        Action::Send {
            payload: Payload::Bytes(bytes),
            ..
        } => decode(bytes).expect("requests are arrays").len(),
        Action::Send { .. } => 1,
        _ => 0,
    }
}

/// A step that sends `payload`; `source` is what a failure prints.
pub fn send(connection: &str, payload: Payload, then: Then, source: String, lens: Lens) -> Step {
    Step {
        place: String::from("generated"),
        source: format!("{connection}! {source}"),
        connection: connection.to_string(),
        action: Action::Send { payload, then },
        lens,
        differences: Vec::new(),
    }
}

/// A step that closes `connection`.
pub fn close(connection: &str) -> Step {
    Step {
        place: String::from("generated"),
        source: format!("{connection}.close"),
        connection: connection.to_string(),
        action: Action::Close,
        lens: Lens::default(),
        differences: Vec::new(),
    }
}
