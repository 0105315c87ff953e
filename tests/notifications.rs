//! Keyspace notifications: what happens to keys is published, once each and in the order in which it
//! happened (`notify-keyspace-events`).

mod common;

use common::client::Client;
use common::{both, info, start_with, until_info};
use fanfare::Server;

/// Somebody who hears of all events of all databases.
async fn listener(server: &Server, client: &mut Client, classes: &str) -> Client {
    let set = format!("CONFIG SET notify-keyspace-events {classes}");
    client.ask(&set, "+OK").await;
    let mut listener = Client::connect(server, client.protocol).await;
    listener.subscribe("PSUBSCRIBE", &["__key*@*__:*"]).await;
    listener
}

/// Reads an event with both its messages, and writes it as `0:lpush=key`.
async fn event(listener: &mut Client) -> String {
    let mut texts = Vec::new();
    for part in [listener.push().await, listener.push().await].concat() {
        texts.push(String::from_utf8(part.to_vec()).expect("text"));
    }
    let [.., keyspace, event, _, _, keyevent, key] = &texts[..] else {
        panic!("{texts:?} are no messages");
    };
    let (db, of_key) = keyspace
        .strip_prefix("__keyspace@")
        .and_then(|rest| rest.split_once("__:"))
        .expect("a channel");
    assert_eq!(of_key, key);
    assert_eq!(*keyevent, format!("__keyevent@{db}__:{event}"));
    format!("{db}:{event}={key}")
}

/// Reads these events, and checks that they are all there were.
async fn events(listener: &mut Client, expected: &str) {
    for expected in expected.split_whitespace() {
        assert_eq!(event(listener).await, expected);
    }
    listener.barrier().await;
}

/// Carries out commands, parted by `;`, and checks the events.
async fn check(client: &mut Client, listener: &mut Client, cases: &[(&str, &str)]) {
    for (lines, expected) in cases {
        for line in lines.split("; ") {
            client.line(line).await;
            client.frame().await;
        }
        events(listener, expected).await;
    }
}

#[tokio::test]
async fn of_lists() {
    both(async |server, client| {
        let mut listener = listener(server, client, "KEA").await;
        let cases = [
            ("LPUSH l a b", "0:lpush=l"),
            (
                "RPUSH l c; LPUSHX l d; RPUSHX l e",
                "0:rpush=l 0:lpush=l 0:rpush=l",
            ),
            (
                "RPUSHX none e; LPOP none; LPOP none 2; LPOP l 0; LLEN l",
                "",
            ),
            ("LPOP l; RPOP l; LPOP l 2", "0:lpop=l 0:rpop=l 0:lpop=l"),
            ("RPOP l", "0:rpop=l 0:del=l"),
            ("RPUSH l a b c d", "0:rpush=l"),
            ("LSET l 0 x", "0:lset=l"),
            (
                "LINSERT l BEFORE b y; LINSERT l BEFORE nosuch y",
                "0:linsert=l",
            ),
            ("LREM l 0 y; LREM l 0 nosuch", "0:lrem=l"),
            ("LTRIM l 0 1", "0:ltrim=l"),
            ("LTRIM l 0 -1; LTRIM none 0 -1", "0:ltrim=l"),
            ("LTRIM l 5 6", "0:ltrim=l 0:del=l"),
            ("RPUSH l a; LREM l 0 a", "0:rpush=l 0:lrem=l 0:del=l"),
            ("RPUSH l a b c", "0:rpush=l"),
            ("LMOVE l m LEFT RIGHT", "0:rpush=m 0:lpop=l"),
            ("RPOPLPUSH l m", "0:lpush=m 0:rpop=l"),
            ("LMOVE l m LEFT LEFT", "0:lpush=m 0:lpop=l 0:del=l"),
            ("LMOVE m m LEFT RIGHT", "0:rpush=m 0:lpop=m"),
            ("LMPOP 2 l m LEFT COUNT 2", "0:lpop=m"),
            ("BLMPOP 0 2 l m RIGHT COUNT 2", "0:rpop=m 0:del=m"),
            ("RPUSH m 2 1; BLPOP l m 0", "0:rpush=m 0:lpop=m"),
            (
                "BLMOVE m l LEFT LEFT 0; BRPOPLPUSH m l 0.001",
                "0:lpush=l 0:lpop=m 0:del=m",
            ),
            (
                "SORT l STORE m; SORT none STORE m; SORT none STORE m",
                "0:sortstore=m 0:del=m",
            ),
            ("SELECT 3; LPUSH l a; SELECT 0", "3:lpush=l"),
        ];
        check(client, &mut listener, &cases).await;
    })
    .await;
}

#[tokio::test]
async fn of_strings() {
    both(async |server, client| {
        let mut listener = listener(server, client, "KEA").await;
        let cases = [
            ("SET k v; SET k v KEEPTTL; SET k v NX", "0:set=k 0:set=k"),
            ("SET k v EX 100; SET k v GET", "0:set=k 0:expire=k 0:set=k"),
            (
                "SETEX k 100 v; PSETEX k 100000 v",
                "0:set=k 0:expire=k 0:set=k 0:expire=k",
            ),
            ("SETNX k v; GETSET k v; GET k", "0:set=k"),
            ("GETDEL k; GETDEL k", "0:del=k"),
            (
                "SETNX k v; APPEND k x; SETRANGE k 0 yy",
                "0:set=k 0:append=k 0:setrange=k",
            ),
            (
                "INCR n; DECR n; INCRBY n 2; DECRBY n 1",
                "0:incrby=n 0:incrby=n 0:incrby=n 0:incrby=n",
            ),
            ("INCRBYFLOAT n 1.5; INCR k", "0:incrbyfloat=n"),
            (
                "MSET a 1 b 2; MSETNX a 1 c 2; MSETNX c 2",
                "0:set=a 0:set=b 0:set=c",
            ),
            (
                "GETEX k EX 100; GETEX k PERSIST; GETEX k; GETEX k PERSIST",
                "0:expire=k 0:persist=k",
            ),
        ];
        check(client, &mut listener, &cases).await;
    })
    .await;
}

#[tokio::test]
async fn of_keys_in_general() {
    both(async |server, client| {
        let mut listener = listener(server, client, "KEA").await;
        let cases = [
            (
                "MSET a 1 k 2; DEL a nosuch; UNLINK nosuch a; UNLINK k",
                "0:set=a 0:set=k 0:del=a 0:del=k",
            ),
            (
                "SET k v; EXPIRE k 100; PEXPIRE k 1000000",
                "0:set=k 0:expire=k 0:expire=k",
            ),
            (
                "EXPIREAT k 99999999999; PERSIST k; PERSIST k",
                "0:expire=k 0:persist=k",
            ),
            ("EXPIRE k 100 XX; EXPIRE none 100", ""),
            ("EXPIRE k -1", "0:del=k"),
            (
                "SET k v; RENAME k z; RENAMENX z k",
                "0:set=k 0:rename_from=k 0:rename_to=z 0:rename_from=z 0:rename_to=k",
            ),
            (
                "COPY k y; COPY k y; COPY k y REPLACE",
                "0:copy_to=y 0:copy_to=y",
            ),
            ("MOVE y 1; MOVE y 1", "0:move_from=y 1:move_to=y"),
            ("TOUCH k; EXISTS k; TYPE k; TTL k; OBJECT ENCODING k", ""),
            ("FLUSHDB; FLUSHALL; SWAPDB 0 1", ""),
        ];
        check(client, &mut listener, &cases).await;
    })
    .await;
}

/// A key goes by itself when its time has come, without being looked at.
#[tokio::test]
async fn of_keys_that_expire() {
    both(async |server, client| {
        let mut listener = listener(server, client, "KEA").await;
        client
            .script(&[("SET k v PX 1", "+OK"), ("SELECT 2", "+OK")])
            .await;
        client
            .script(&[("RPUSH l a b", ":2"), ("PEXPIRE l 1", ":1")])
            .await;
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(event(&mut listener).await);
        }
        for (key, before) in [("0:expired=k", "0:expire=k"), ("2:expired=l", "2:expire=l")] {
            let place = |name| seen.iter().position(|event| event == name).expect(name);
            assert!(place(before) < place(key), "{seen:?}");
        }
        listener.barrier().await;
        assert_eq!(info(client, "expired_keys").await, "2");
        // Very many at once, and then one that comes after others that were set later.
        let set = |number| format!("SET key:{number} v PX {}", 1 + number % 50);
        for number in 0..1000 {
            client.line(&set(number)).await;
        }
        for _ in 0..1000 {
            client.sees("+OK").await;
        }
        let mut expired = 0;
        for _ in 0..3000 {
            expired += usize::from(event(&mut listener).await.contains(":expired="));
        }
        assert_eq!(expired, 1000);
        listener.barrier().await;
        client.ask("DBSIZE", ":0").await;
    })
    .await;
}

/// An element that serves a waiter is pushed, and then popped.
#[tokio::test]
async fn of_lists_that_serve_waiters() {
    both(async |server, client| {
        let mut listener = listener(server, client, "KEA").await;
        let mut waiter = Client::connect(server, client.protocol).await;
        for (wait, push, expected) in [
            ("BLPOP l 0", "RPUSH l a", "0:rpush=l 0:lpop=l 0:del=l"),
            ("BRPOP none l 0", "RPUSH l a b", "0:rpush=l 0:rpop=l"),
            (
                "BLMOVE n m LEFT RIGHT 0",
                "RPUSH n a",
                "0:rpush=n 0:rpush=m 0:lpop=n 0:del=n",
            ),
            (
                "BRPOPLPUSH n m 0",
                "RPUSH n a",
                "0:rpush=n 0:lpush=m 0:rpop=n 0:del=n",
            ),
            (
                "BLMPOP 0 1 n LEFT COUNT 2",
                "LPUSH n 1 2 3",
                "0:lpush=n 0:lpop=n",
            ),
            (
                "BLPOP o 0",
                "RENAME n o",
                "0:rename_from=n 0:rename_to=o 0:lpop=o 0:del=o",
            ),
        ] {
            waiter.line(wait).await;
            until_info(client, "blocked_clients", "1").await;
            client.line(push).await;
            client.frame().await;
            waiter.frame().await;
            events(&mut listener, expected).await;
        }
    })
    .await;
}

/// Of an EXEC, in the order of its commands; waiters come after all of them.
#[tokio::test]
async fn of_transactions() {
    both(async |server, client| {
        let mut listener = listener(server, client, "KEA").await;
        let mut waiter = Client::connect(server, client.protocol).await;
        waiter.line("BLPOP l 0").await;
        until_info(client, "blocked_clients", "1").await;
        let queued = "+QUEUED";
        client
            .script(&[("MULTI", "+OK"), ("SET k v", queued), ("LPUSH l a", queued)])
            .await;
        client
            .script(&[("PUBLISH __keyevent@0__:own by-hand", queued)])
            .await;
        client
            .script(&[("LPUSH j a", queued), ("LPOP j", queued), ("DEL k", queued)])
            .await;
        listener.barrier().await;
        client.ask("EXEC", "*6 +OK :1 :1 :1 $1 a :1").await;
        for expected in ["0:set=k", "0:lpush=l"] {
            assert_eq!(event(&mut listener).await, expected);
        }
        assert_eq!(
            listener.push().await[2..],
            ["__keyevent@0__:own", "by-hand"]
        );
        events(
            &mut listener,
            "0:lpush=j 0:lpop=j 0:del=j 0:del=k 0:lpop=l 0:del=l",
        )
        .await;
        // Those of one that is not carried out do not come.
        client
            .script(&[("MULTI", "+OK"), ("SET k v", queued), ("DISCARD", "+OK")])
            .await;
        client
            .script(&[("WATCH k", "+OK"), ("SET k v", "+OK")])
            .await;
        client
            .script(&[("MULTI", "+OK"), ("SET k x", queued), ("EXEC", "*-1")])
            .await;
        events(&mut listener, "0:set=k").await;
    })
    .await;
}

/// To oneself: the reply first, of a command as of an EXEC.
#[tokio::test]
async fn to_oneself() {
    let server = start_with(&[("notify-keyspace-events", "KEA")]).await;
    let mut client = Client::connect(&server, 3).await;
    client.subscribe("PSUBSCRIBE", &["*"]).await;
    let event = |key: &str, event: &str| {
        let (length, key_length) = (event.len(), key.len());
        let (keyspace, keyevent) = (15 + key_length, 15 + length);
        format!(
            " >4 $8 pmessage $1 * ${keyspace} __keyspace@0__:{key} ${length} {event} \
             >4 $8 pmessage $1 * ${keyevent} __keyevent@0__:{event} ${key_length} {key}"
        )
    };
    client
        .ask("SET k v", &format!("+OK{}", event("k", "set")))
        .await;
    client
        .ask("LPUSH l a b", &format!(":2{}", event("l", "lpush")))
        .await;
    client
        .ask(
            "LPOP l 2",
            &format!("*2 $1 b $1 a{}{}", event("l", "lpop"), event("l", "del")),
        )
        .await;
    client
        .script(&[("MULTI", "+OK"), ("SET k v", "+QUEUED")])
        .await;
    client
        .script(&[("PUBLISH c m", "+QUEUED"), ("LPUSH l a", "+QUEUED")])
        .await;
    let own = " >4 $8 pmessage $1 * $1 c $1 m";
    let (set, push) = (event("k", "set"), event("l", "lpush"));
    client
        .ask("EXEC", &format!("*3 +OK :1 :1{set}{own}{push}"))
        .await;
    client.barrier().await;
    // Someone who is served hears of it after what he is served.
    let mut other = Client::connect(&server, 2).await;
    client.line("BLPOP j 0").await;
    until_info(&mut other, "blocked_clients", "1").await;
    other.ask("RPUSH j a", ":1").await;
    let (push, pop, del) = (event("j", "rpush"), event("j", "lpop"), event("j", "del"));
    client.sees(&format!("*2 $1 j $1 a{push}{pop}{del}")).await;
    client.barrier().await;
}

/// Which events are announced, and where, is a setting.
#[tokio::test]
async fn by_class() {
    both(async |server, client| {
        let mut keyspace = Client::connect(server, client.protocol).await;
        keyspace.subscribe("SUBSCRIBE", &["__keyspace@0__:k"]).await;
        let mut keyevent = Client::connect(server, client.protocol).await;
        keyevent
            .subscribe("PSUBSCRIBE", &["__keyevent@*__:*"])
            .await;
        // By default none.
        client
            .script(&[("LPUSH l a", ":1"), ("SET k v", "+OK"), ("DEL k l", ":2")])
            .await;
        for (classes, in_keyspace, in_keyevent) in [
            ("KA", "set expire del", ""),
            ("EA", "", "set expire lpush lpop del del"),
            ("A", "", ""),
            ("KE", "", ""),
            ("Kg", "expire del", ""),
            ("K$", "set", ""),
            ("El", "", "lpush lpop"),
            ("Elnm", "", "keymiss new new lpush lpop"),
            ("KEg$lx", "set expire del", "set expire lpush lpop del del"),
        ] {
            client
                .ask(
                    &format!("CONFIG SET notify-keyspace-events {classes}"),
                    "+OK",
                )
                .await;
            client
                .script(&[
                    ("GET none", "_"),
                    ("SET k v EX 100", "+OK"),
                    ("LPUSH l a", ":1"),
                ])
                .await;
            client.script(&[("LPOP l", "$1 a"), ("DEL k", ":1")]).await;
            for event in in_keyspace.split_whitespace() {
                assert_eq!(keyspace.push().await[2], event, "{classes}");
            }
            for event in in_keyevent.split_whitespace() {
                let channel = format!("__keyevent@0__:{event}");
                assert_eq!(keyevent.push().await[2], channel, "{classes}");
            }
            keyspace.barrier().await;
            keyevent.barrier().await;
        }
    })
    .await;
}

/// The events of concurrent changes to a key come in the order in which these were made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_the_order_of_the_changes() {
    const ROUNDS: usize = 300;
    let server = start_with(&[("notify-keyspace-events", "Kl")]).await;
    let mut listener = Client::connect(&server, 3).await;
    listener.subscribe("SUBSCRIBE", &["__keyspace@0__:l"]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..4_u8 {
        let mut client = Client::connect(&server, 2 + number % 2).await;
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                client
                    .line(["LPUSH l x", "LPOP l"][usize::from(number % 2)])
                    .await;
                client.frame().await;
            }
        });
    }
    // Only a pop that finds something is told of: at no time can there have been more of them.
    let (mut length, mut pushes) = (0_usize, 0);
    while pushes < 2 * ROUNDS {
        match &listener.push().await[2][..] {
            b"lpush" => {
                length += 1;
                pushes += 1;
            }
            b"lpop" => length = length.checked_sub(1).expect("a push before its pop"),
            other => panic!("{other:?}"),
        }
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("no panic");
    }
    let mut client = Client::connect(&server, 2).await;
    client.line("LLEN l").await;
    let left = client.integer().await as usize;
    while length > left {
        assert_eq!(listener.push().await[2], "lpop");
        length -= 1;
    }
    listener.barrier().await;
}
