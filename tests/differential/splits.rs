//! The same session cut in two at every byte, and sent byte by byte: the bytes that come back may not change.

use super::connection::{Connection, End, Observed};
use super::server::Server;

/// Arrays, inline commands and empty lines, a binary payload, both protocols, and an end that the server closes.
const SESSIONS: [&[u8]; 4] = [
    b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$1\r\nx\r\n\
      *1\r\n$4\r\nPING\r\n*1\r\n$11\r\nUNSUBSCRIBE\r\n*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$6\r\n\r\n$3\r\n\r\n*1\r\n$4\r\nQUIT\r\n",
    b"\r\n\nPING\r\nECHO \"a b\\x00\" \r\n*0\r\n*-1\r\nECHO 'x'\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n  PING  hello \r\nQUIT\r\n",
    b"*3\r\n$10\r\nPSUBSCRIBE\r\n$2\r\nn*\r\n$0\r\n\r\nSUBSCRIBE a a\r\nPING hi\r\nRESET\r\nPUNSUBSCRIBE\r\nQUIT\r\nPING\r\n",
    b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$x\r\n",
];

/// Sends `parts` one after the other and returns everything until the server closes.
fn send(server: &Server, witness: &mut Connection, parts: &[&[u8]]) -> Observed {
    let mut connection = Connection::open(server.address, 2);
    for part in parts {
        connection.send(part);
        // By the witness's reply the server has most likely read this part alone.
        witness.meet("barrier-split");
    }
    connection.drain()
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn sessions_split_at_every_byte() {
    let (redis, other) = (Server::redis(&[]), Server::other(&[]));
    let (mut left, mut right) = (
        Connection::open(redis.address, 2),
        Connection::open(other.address, 2),
    );
    for session in SESSIONS {
        let expected = send(&redis, &mut left, &[session]);
        assert_eq!(expected.end, End::Closed, "the session must end itself");
        let check = |observed: Observed, what: String| {
            let (expected, found) = (
                expected.output.escape_ascii(),
                observed.output.escape_ascii(),
            );
            assert_eq!(
                expected.to_string(),
                found.to_string(),
                "{what}: {}",
                session.escape_ascii()
            );
            assert_eq!(
                observed.end,
                End::Closed,
                "{what}: {}",
                session.escape_ascii()
            );
        };
        check(send(&other, &mut right, &[session]), "whole".into());
        for at in 1..session.len() {
            check(
                send(&other, &mut right, &[&session[..at], &session[at..]]),
                format!("split at {at}"),
            );
        }
        let bytes = session.chunks(1).collect::<Vec<_>>();
        check(send(&redis, &mut left, &bytes), "redis byte by byte".into());
        check(send(&other, &mut right, &bytes), "byte by byte".into());
    }
}
