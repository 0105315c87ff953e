//! What the libraries of scripts read: JSON, MessagePack, structures.
//!
//! Layer `fuzz`. The first line of an input is a format of `struct`. The rest is decoded by `cjson`, by
//! `cmsgpack`, and in this format by `struct`.

use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::Args;
use crate::script::engine::EngineLimits;
use crate::script::errors::Stop;
use crate::script::host::{Host, Level};
use crate::script::{ScriptArguments, Scripts};

/// Bytes of an input that are looked at: what it becomes is returned by functions, as single values.
const LONGEST: usize = 2000;

const LIMITS: EngineLimits = EngineLimits {
    memory: 16 * 1024 * 1024,
    scripts: 1,
};

/// What is read is written, read and written again. What is written the first time is in the form that
/// is kept: numbers have 14 digits, nests are cut.
const SCRIPT: &str = include_str!("libraries.lua");

thread_local! {
    /// An engine is slow to make.
    static SCRIPTS: Scripts = Scripts::default();
}

/// There are no commands.
struct NoServer;

impl Host for NoServer {
    fn call(&mut self, _: &Args<'_>) -> Reply {
        Reply::Error(Box::new(CommandError::WRONG_TYPE))
    }

    fn permits(&mut self, _: &Args<'_>) -> Option<bool> {
        None
    }

    fn log(&mut self, _: Level, _: &[u8]) {}

    fn tick(&mut self) -> Option<Stop> {
        None
    }
}

pub(super) fn run_input(data: &[u8]) {
    let data = &data[..data.len().min(LONGEST)];
    let line = data.iter().position(|&byte| byte == b'\n');
    let (format, data) = data.split_at(line.unwrap_or(0));
    let data = data.strip_prefix(b"\n").unwrap_or(data);
    SCRIPTS.with(|scripts| {
        let mut engine = scripts.engine(LIMITS).expect("an engine");
        let digest = engine.load(SCRIPT.as_bytes(), true).expect("a script");
        let arguments = ScriptArguments::new([format, data].into_iter(), 0);
        let script = engine.find(&digest).expect("it is kept");
        match engine.run(&script, arguments, &mut NoServer) {
            Ok(Reply::Integer(1)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                let text = String::from_utf8_lossy(&error.text);
                assert!(text.ends_with("not enough memory"), "{text}");
            }
        }
    });
}
