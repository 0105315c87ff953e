//! What rules of commands mean: Redis 7.0 reads them, and says rules of its own that lead to the same.

use std::cell::RefCell;

use super::connection::Connection;
use super::frame::{Frame, decode};
use super::script::encode_command;
use super::server::Server;

/// A redis-server that has no part in the comparison.
struct Reader {
    connection: Connection,
    /// Ends when its thread does.
    _server: Server,
}

thread_local! {
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
}

/// The rules that Redis 7.0 shows for a user that was given these, in lower case and sorted.
pub fn meaning(rules: &[&str]) -> String {
    READER.with_borrow_mut(|reader| {
        let reader = reader.get_or_insert_with(|| {
            let server = Server::redis(&[]);
            Reader {
                connection: Connection::open(server.address, 3),
                _server: server,
            }
        });
        let set = [&["ACL", "SETUSER", "reader", "reset"], rules].concat();
        let answer = reader.ask(&set);
        assert_eq!(answer, b"+OK\r\n", "{rules:?} are not taken");
        let answer = reader.ask(&["ACL", "GETUSER", "reader"]);
        let frames = decode(&answer).expect("a reply");
        let [Frame::Aggregate { items, .. }] = frames.as_slice() else {
            panic!("no map: {}", answer.escape_ascii());
        };
        let place = items
            .iter()
            .position(|item| item.string() == Some(b"commands"));
        let commands = items[place.expect("commands") + 1].string();
        let commands = String::from_utf8_lossy(commands.expect("a string")).to_ascii_lowercase();
        // First arguments are shown in the order in which they were given.
        let mut words = commands.split(' ').collect::<Vec<_>>();
        words.sort_unstable();
        words.join(" ")
    })
}

impl Reader {
    fn ask(&mut self, words: &[&str]) -> Vec<u8> {
        let words: Vec<_> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        self.connection.send(&encode_command(&words));
        self.connection.meet("meaning").output
    }
}
