//! Ten thousand idle subscribers connect, stay, and each get what is published.
//!
//! Ignored by default, as it needs some 10,100 file descriptors in the test and as many in the
//! server: more than many machines allow a user at first.

#![cfg(feature = "cli")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

const SUBSCRIBERS: usize = 10_000;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn request(stream: &mut TcpStream, request: &str, reply: &str) {
    stream.write_all(request.as_bytes()).unwrap();
    expect(stream, reply);
}

fn expect(stream: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

#[test]
#[ignore = "needs about 10,100 file descriptors; .ci/run runs it"]
fn ten_thousand_idle_subscribers_connect_and_stay() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["--port", "0", "--maxclients", "10001"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = server.stdout.take().unwrap();
    let _server = Running(server);
    BufReader::new(out).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("ready tcp ").unwrap().to_owned();

    let mut subscribers: Vec<TcpStream> = (0..SUBSCRIBERS)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    for (number, subscriber) in subscribers.iter_mut().enumerate() {
        let own = format!("own:{number:05}");
        request(
            subscriber,
            &format!("SUBSCRIBE all {own}\r\n"),
            &format!(
                "*3\r\n$9\r\nsubscribe\r\n$3\r\nall\r\n:1\r\n\
                 *3\r\n$9\r\nsubscribe\r\n$9\r\n{own}\r\n:2\r\n"
            ),
        );
    }
    let mut publisher = TcpStream::connect(&address).unwrap();
    request(&mut publisher, "PUBLISH all hello\r\n", ":10000\r\n");
    request(&mut publisher, "PUBLISH own:09999 you\r\n", ":1\r\n");
    for subscriber in &mut subscribers {
        expect(
            subscriber,
            "*3\r\n$7\r\nmessage\r\n$3\r\nall\r\n$5\r\nhello\r\n",
        );
    }
    let last = subscribers.last_mut().unwrap();
    expect(
        last,
        "*3\r\n$7\r\nmessage\r\n$9\r\nown:09999\r\n$3\r\nyou\r\n",
    );

    // The server is full now, and says so.
    let mut refused = TcpStream::connect(&address).unwrap();
    expect(&mut refused, "-ERR max number of clients reached\r\n");

    // They leave nothing behind.
    drop(subscribers);
    loop {
        publisher.write_all(b"PUBSUB NUMSUB all\r\n").unwrap();
        let mut reply = [0; 64];
        let length = publisher.read(&mut reply).unwrap();
        if &reply[..length] == b"*2\r\n$3\r\nall\r\n:0\r\n" {
            break;
        }
        std::thread::yield_now();
    }
    request(&mut publisher, "PUBSUB CHANNELS\r\n", "*0\r\n");
}
