//! Scripts, as the libraries send them: by digest, each connection with a key of its own.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result};

use crate::collections::{BATCH, WORKERS};
use crate::load::{Load, Options, Target};
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::wire;

/// A script, and how it is called.
#[derive(Clone, Copy)]
struct Script {
    id: &'static str,
    title: &'static str,
    text: &'static str,
    /// Its last argument, if it has one.
    argument: Option<&'static str>,
    /// What a batch begins with: a command, and its reply.
    first: Option<([&'static str; 2], &'static str)>,
    /// What comes before each call.
    before: Option<([&'static str; 2], &'static str)>,
    /// The reply of a call, which may be the first of its batch, the second, …
    reply: fn(usize) -> String,
}

const SCRIPTS: [Script; 4] = [
    Script {
        id: "return-1",
        title: "`return 1`",
        text: "return 1",
        argument: None,
        first: None,
        before: None,
        reply: |_| ":1\r\n".to_owned(),
    },
    Script {
        id: "incr",
        title: "`return redis.call('incr', KEYS[1])`",
        text: "return redis.call('incr', KEYS[1])",
        argument: None,
        first: Some((["SET", "0"], "+OK\r\n")),
        before: None,
        reply: |call| format!(":{call}\r\n"),
    },
    Script {
        id: "ten-calls",
        title: "five `HSET` and five `HGET`, a table read and one written by `cjson`",
        text: "local job = cjson.decode(ARGV[1]) \
               for i = 1, 5 do \
                 redis.call('hset', KEYS[1], job.name .. i, job.value) \
                 redis.call('hget', KEYS[1], job.name .. i) \
               end \
               return cjson.encode({value = job.value})",
        argument: Some(r#"{"name":"field","value":42,"list":[1,2,3]}"#),
        first: None,
        before: None,
        reply: |_| "$12\r\n{\"value\":42}\r\n".to_owned(),
    },
    Script {
        id: "unlock",
        title: "`SET` of a lock, and its compare-and-delete",
        text: "if redis.call('get', KEYS[1]) == ARGV[1] then \
                 return redis.call('del', KEYS[1]) \
               else \
                 return 0 \
               end",
        argument: Some("token"),
        first: None,
        before: Some((["SET", "token"], "+OK\r\n")),
        reply: |_| ":1\r\n".to_owned(),
    },
];

/// Every script, pipelined and one by one.
pub fn loads() -> Vec<Load> {
    let cells = SCRIPTS.map(|script| [BATCH, 1].map(|pipelined| load(script, pipelined)));
    cells.into_iter().flatten().collect()
}

fn load(script: Script, pipelined: usize) -> Load {
    let Script { id, title, .. } = script;
    Load {
        targets: if pipelined > 1 { level() } else { Vec::new() },
        ..Load::new(
            format!("scripts/{id}-p{pipelined}"),
            "Scripts",
            format!("{WORKERS} connections, {pipelined} pipelined, {title}"),
            "operation",
            Box::new(move |rival, options| measure(script, pipelined, rival, options)),
        )
    }
}

/// What scripts are to reach where they are pipelined.
fn level() -> Vec<Target> {
    vec![Target::rate(1.0), Target::cpu(1.0)]
}

fn measure(
    script: Script,
    pipelined: usize,
    rival: &Rival,
    options: Options,
) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(pipelined as u64);
    for worker in 0..WORKERS {
        let key = format!("key:{worker}");
        let mut stream = wire::connect(server.addr())?;
        let digest = load_script(&mut stream, script.text)?;
        let mut call: Vec<&[u8]> = vec![b"EVALSHA", &digest, b"1", key.as_bytes()];
        call.extend(script.argument.map(str::as_bytes));
        let call = wire::request(&call);
        let mut batch = Batch::default();
        let add = |(words, reply): ([&str; 2], &str), batch: &mut Batch| {
            let [verb, argument] = words.map(str::as_bytes);
            let request = wire::request(&[verb, key.as_bytes(), argument]);
            batch.requests.extend(request);
            batch.replies.extend(reply.as_bytes());
        };
        if let Some(first) = script.first {
            add(first, &mut batch);
        }
        for number in 1..=pipelined {
            if let Some(before) = script.before {
                add(before, &mut batch);
            }
            batch.requests.extend(&call);
            batch.replies.extend((script.reply)(number).into_bytes());
        }
        pipeline.speaker(stream, vec![batch]);
    }
    pipeline.run(&server, options.time)
}

/// Loads a script. Returns its digest.
fn load_script(stream: &mut TcpStream, text: &str) -> Result<Vec<u8>> {
    const DIGEST: usize = 40;
    stream.write_all(&wire::request(&[b"SCRIPT", b"LOAD", text.as_bytes()]))?;
    wire::expect(stream, b"$40\r\n").context("SCRIPT LOAD")?;
    let mut digest = vec![0; DIGEST];
    stream.read_exact(&mut digest).context("SCRIPT LOAD")?;
    wire::expect(stream, b"\r\n")?;
    Ok(digest)
}
