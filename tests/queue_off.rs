//! A server with `queue no` has no keys: the commands of the queue mode answer one error that says
//! so, and everything else goes on.

mod common;

use std::collections::BTreeMap;

use common::client::{Client, Frame};
use common::{info, start_with};
use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;

const QUEUE_IS_OFF: &str =
    "ERR this server runs without queue mode (queue no): it has no keys, only pub/sub";

/// Commands of the queue mode that Redis counts among those of the server.
const OF_THE_SERVER: &[&str] = &["dbsize", "flushdb", "flushall", "swapdb", "memory|usage"];

async fn without_queue(protocol: u8) -> (Server, Client) {
    let server = start_with(&[("queue", "no")]).await;
    let client = Client::connect(&server, protocol).await;
    (server, client)
}

fn text(frame: &Frame) -> String {
    frame.as_str().expect("a string").to_owned()
}

fn array(frame: Frame) -> Vec<Frame> {
    match frame {
        Frame::Array { data, .. } => data,
        other => panic!("{other:?} is no array"),
    }
}

/// What is known of a command.
struct Command {
    /// Its group, of COMMAND DOCS.
    group: String,
    /// A request of the fewest words that it takes, by COMMAND INFO.
    request: Vec<String>,
}

/// The groups of commands on keys.
const OF_KEYS: &[&str] = &[
    "bitmap",
    "generic",
    "geo",
    "hash",
    "hyperloglog",
    "list",
    "set",
    "sorted-set",
    "stream",
    "string",
];

impl Command {
    fn is_of_the_queue(&self, name: &str) -> bool {
        // A list of subcommands is there in any case.
        let is_help = name.ends_with("|help");
        // SCRIPT and FUNCTION manage what is kept. The others of their group run it.
        let runs_scripts = self.group == "scripting" && !name.contains('|');
        OF_KEYS.contains(&self.group.as_str()) && !is_help
            || OF_THE_SERVER.contains(&name)
            || runs_scripts
    }
}

/// All commands that are not only containers of others, by full name.
async fn commands() -> BTreeMap<String, Command> {
    // In RESP2, where a map is an array of names and values.
    let (_server, mut client) = without_queue(2).await;
    client.line("COMMAND DOCS").await;
    let mut groups = BTreeMap::new();
    let mut maps = vec![array(client.frame().await)];
    while let Some(map) = maps.pop() {
        for pair in map.chunks(2) {
            let docs = array(pair[1].clone());
            let mut group = String::new();
            let mut is_container = false;
            for field in docs.chunks(2) {
                match text(&field[0]).as_str() {
                    "group" => group = text(&field[1]),
                    "subcommands" => {
                        is_container = true;
                        maps.push(array(field[1].clone()));
                    }
                    _ => {}
                }
            }
            if !is_container {
                groups.insert(text(&pair[0]), group);
            }
        }
    }
    let mut commands = BTreeMap::new();
    for (name, group) in groups {
        client.command(&["COMMAND", "INFO", &name]).await;
        let info = array(array(client.frame().await).remove(0));
        let Frame::Number { data: arity, .. } = info[1] else {
            panic!("{info:?} has no arity");
        };
        let mut request: Vec<String> = name.split('|').map(str::to_owned).collect();
        request.resize(arity.unsigned_abs() as usize, "1".to_owned());
        commands.insert(name, Command { group, request });
    }
    commands
}

#[tokio::test]
async fn commands_of_the_queue_mode_answer_one_error() {
    let mut commands = commands().await;
    commands.retain(|name, command| command.is_of_the_queue(name));
    for name in [
        "blpop",
        "dbsize",
        "del",
        "expire",
        "flushall",
        "get",
        "incrbyfloat",
        "keys",
        "lpush",
        "memory|usage",
        "object|encoding",
        "scan",
        "sort",
        "wait",
    ] {
        assert!(commands.contains_key(name), "{name}");
    }
    for protocol in [2, 3] {
        let (_server, mut client) = without_queue(protocol).await;
        for command in commands.values() {
            client.command(&command.request).await;
            let error = client.frame().await;
            assert_eq!(error.as_str(), Some(QUEUE_IS_OFF), "{:?}", command.request);
        }
        client.barrier().await;
        // As in any server, the number of words comes first.
        client.arity("lpush", &["LPUSH", "LPUSH l"]).await;
    }
}

#[tokio::test]
async fn the_others_answer_as_ever() {
    // Those that end the connection, or change what it answers.
    let not_now = [
        "client|kill",
        "client|pause",
        "client|reply",
        "hello",
        "monitor",
        "multi",
        "quit",
        "reset",
        "shutdown",
    ];
    let mut commands = commands().await;
    commands.retain(|name, command| {
        !command.is_of_the_queue(name) && !not_now.contains(&name.as_str())
    });
    let (_server, mut client) = without_queue(3).await;
    for (name, command) in &commands {
        let reply = client.reply(&command.request.join(" ")).await;
        assert!(reply != format!("-{QUEUE_IS_OFF}\r\n").as_bytes(), "{name}");
    }
    assert!(commands.len() > 30);
}

#[tokio::test]
async fn pubsub_and_transactions_go_on() {
    for protocol in [2, 3] {
        let (server, mut client) = without_queue(protocol).await;
        let mut subscriber = Client::connect(&server, protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        subscriber.subscribe("PSUBSCRIBE", &["?"]).await;
        let error = format!("-{QUEUE_IS_OFF}");
        client
            .script(&[
                ("PUBLISH c one", ":2"),
                ("MULTI", "+OK"),
                ("PUBLISH c two", "+QUEUED"),
                ("PUBLISH d three", "+QUEUED"),
                ("PING", "+QUEUED"),
                ("EXEC", "*3 :2 :1 +PONG"),
                // One that is refused spoils a transaction.
                ("MULTI", "+OK"),
                ("PUBLISH c never", "+QUEUED"),
                ("LPUSH l x", &error),
                ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
                ("MULTI", "+OK"),
                ("DISCARD", "+OK"),
                ("WATCH k", "+OK"),
                ("UNWATCH", "+OK"),
                ("SELECT 1", "+OK"),
                ("CLIENT UNBLOCK 1", ":0"),
                ("CONFIG SET maxmemory 1", "+OK"),
                ("PUBLISH c four", ":2"),
                ("CONFIG SET notify-keyspace-events KEA", "+OK"),
                ("CONFIG SET queue yes", "-ERR CONFIG SET failed (possibly related to argument 'queue') - can't set immutable config"),
            ])
            .await;
        for payload in ["one", "two"] {
            assert_eq!(subscriber.push().await[2], payload);
            assert_eq!(subscriber.push().await[3], payload);
        }
        assert_eq!(subscriber.push().await[3], "three");
        for part in [2, 3] {
            assert_eq!(subscriber.push().await[part], "four");
        }
        subscriber.barrier().await;
        client.line("CONFIG GET queue").await;
        client.sees("%1 $5 queue $2 no").await;
        assert_eq!(info(&mut client, "blocked_clients").await, "0");
    }
}
