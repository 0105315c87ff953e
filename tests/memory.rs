//! What keys take is bounded by `maxmemory`, and given back to the last byte when they go.

mod common;

use common::client::Client;
use common::process::Process;
use common::{both, eventually, info, soon, start, until_info};

const OUT_OF_MEMORY: &str = "-OOM command not allowed when used memory > 'maxmemory'.";
const DATASET: &str = "used_memory_dataset";

async fn dataset(client: &mut Client) -> u64 {
    info(client, DATASET).await.parse().expect("a number")
}

/// Commands that may take memory, and those that take none or give it back.
#[tokio::test]
async fn writes_are_refused_and_the_rest_goes_on() {
    both(async |_, client| {
        client
            .script(&[
                ("MSET s x t 1", "+OK"),
                ("RPUSH l 1 2 3 4 5 6 7 8 9", ":9"),
                ("CONFIG SET maxmemory 1", "+OK"),
            ])
            .await;
        for line in [
            "SET a 1",
            "SETNX a 1",
            "SETEX a 10 1",
            "PSETEX a 10 1",
            "GETSET s x",
            "MSET a 1",
            "MSETNX a 1",
            "APPEND s x",
            "SETRANGE s 0 x",
            "INCR t",
            "DECR t",
            "INCRBY t 1",
            "DECRBY t 1",
            "INCRBYFLOAT t 1",
            "LPUSH l x",
            "RPUSH l x",
            "LPUSHX none x",
            "RPUSHX l x",
            "LSET l 0 x",
            "LINSERT l BEFORE 1 x",
            "LMOVE l m LEFT LEFT",
            "RPOPLPUSH l m",
            "BLMOVE l m LEFT LEFT 0",
            "BRPOPLPUSH none m 0",
            "COPY s u",
            "SORT l",
            "SORT l STORE m",
        ] {
            client.script(&[(line, OUT_OF_MEMORY)]).await;
        }
        client
            .script(&[
                ("SET a", "-ERR wrong number of arguments for 'set' command"),
                ("GET s", "$1 x"),
                ("MGET s t", "*2 $1 x $1 1"),
                ("GETRANGE s 0 0", "$1 x"),
                ("STRLEN s", ":1"),
                ("LPOP l", "$1 1"),
                ("RPOP l 2", "*2 $1 9 $1 8"),
                ("LMPOP 1 l LEFT", "*2 $1 l *1 $1 2"),
                ("BLPOP l 0", "*2 $1 l $1 3"),
                ("BLMPOP 0 1 l RIGHT", "*2 $1 l *1 $1 7"),
                ("BRPOP none 0.001", "*-1"),
                ("LREM l 0 5", ":1"),
                ("LTRIM l 0 0", "+OK"),
                ("LRANGE l 0 -1", "*1 $1 4"),
                ("LPOS l 4", ":0"),
                ("EXPIRE s 100", ":1"),
                ("PERSIST s", ":1"),
                ("GETEX s", "$1 x"),
                ("RENAME s u", "+OK"),
                ("MOVE u 1", ":1"),
                ("TYPE t", "+string"),
                ("GETDEL t", "$1 1"),
                ("DBSIZE", ":1"),
                ("PUBLISH c m", ":0"),
                ("PING", "+PONG"),
                ("DEL l", ":1"),
                ("UNLINK l", ":0"),
                ("FLUSHALL", "+OK"),
                ("CONFIG SET maxmemory 0", "+OK"),
                ("SET a 1", "+OK"),
            ])
            .await;
    })
    .await;
}

/// Who waits is served all the same: what it takes is there already.
#[tokio::test]
async fn waiters_are_served_without_memory() {
    both(async |server, client| {
        let mut waiter = Client::connect(server, client.protocol).await;
        waiter.line("BLMOVE l m LEFT LEFT 0").await;
        until_info(client, "blocked_clients", "1").await;
        client
            .script(&[
                ("RPUSH k a", ":1"),
                ("CONFIG SET maxmemory 1", "+OK"),
                ("RENAME k l", "+OK"),
            ])
            .await;
        waiter.sees("$1 a").await;
        client.ask("LRANGE m 0 -1", "*1 $1 a").await;
    })
    .await;
}

/// A transaction that may need memory is refused, and any command that would be queued.
#[tokio::test]
async fn transactions_are_refused_as_a_whole() {
    both(async |server, client| {
        let mut other = Client::connect(server, client.protocol).await;
        let spoiled = "-EXECABORT Transaction discarded because of previous errors.";
        let refused = "-EXECABORT Transaction discarded because of: OOM command not allowed when \
                       used memory > 'maxmemory'.";
        client
            .script(&[
                ("CONFIG SET maxmemory 1", "+OK"),
                ("WATCH a", "+OK"),
                ("MULTI", "+OK"),
                ("GET a", OUT_OF_MEMORY),
                ("EXEC", spoiled),
                ("MULTI", "+OK"),
                ("EXEC", "*0"),
                ("MULTI", "+OK"),
                ("DISCARD", "+OK"),
                ("CONFIG SET maxmemory 0", "+OK"),
                ("MULTI", "+OK"),
                ("SET a 1", "+QUEUED"),
            ])
            .await;
        other.ask("CONFIG SET maxmemory 1", "+OK").await;
        client
            .script(&[("EXEC", refused), ("EXEC", "-ERR EXEC without MULTI")])
            .await;
        other.ask("CONFIG SET maxmemory 0", "+OK").await;
        client
            .script(&[("MULTI", "+OK"), ("GET a", "+QUEUED")])
            .await;
        other.ask("CONFIG SET maxmemory 1", "+OK").await;
        client.ask("EXEC", "*1 _").await;
    })
    .await;
}

/// However the keys grow, the limit is passed by one command at most; who makes room can go on.
#[tokio::test]
async fn the_limit_holds() {
    both(async |_, client| {
        const LIMIT: u64 = 4 * 1024 * 1024;
        let element = "x".repeat(1000);
        client
            .ask(&format!("CONFIG SET maxmemory {LIMIT}"), "+OK")
            .await;
        for verb in ["RPUSH l", "APPEND s", "SET"] {
            let mut accepted = 0;
            loop {
                let key = if verb == "SET" {
                    format!(" {accepted}")
                } else {
                    String::new()
                };
                let reply = client.reply(&format!("{verb}{key} {element}")).await;
                if reply.starts_with(b"-") {
                    assert_eq!(reply, format!("{OUT_OF_MEMORY}\r\n").as_bytes());
                    break;
                }
                accepted += 1;
            }
            let used = dataset(client).await;
            // A string that grows takes room in advance.
            assert!((LIMIT..3 * LIMIT).contains(&used), "{verb}: {used}");
            if verb != "APPEND s" {
                assert!(used < LIMIT + 16 * 1024, "{verb}: {used}");
            }
            assert!(accepted > 1000, "{verb}: {accepted}");
            match verb {
                "RPUSH l" => {
                    client.line("LTRIM l 100 -1").await;
                    client.sees("+OK").await;
                    client.line(&format!("RPUSH l {element}")).await;
                    client.integer().await;
                }
                "APPEND s" => client.script(&[("SET t x", OUT_OF_MEMORY)]).await,
                _ => {}
            }
            client.ask("FLUSHALL", "+OK").await;
        }
    })
    .await;
}

/// Numbers that look like random ones (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    /// One of a few keys, of different lengths.
    fn key(&mut self) -> String {
        let number = self.below(40);
        format!("key:{number}{}", "k".repeat(number as usize * 3))
    }

    /// A value: a number, or short, or long.
    fn value(&mut self) -> String {
        match self.below(4) {
            0 => self.below(u64::MAX).to_string(),
            1 => "v".repeat(self.below(60) as usize),
            2 => "v".repeat(self.below(2000) as usize),
            _ => self.below(100).to_string(),
        }
    }

    /// A command, whether it fits the key or not.
    fn command(&mut self) -> String {
        let verbs = [
            "SET K V",
            "SET K V",
            "SET K V EX 1000",
            "SET K V KEEPTTL",
            "SETNX K V",
            "GETSET K V",
            "GETDEL K",
            "GETEX K PX 100000",
            "APPEND K V",
            "SETRANGE K N V",
            "INCR K",
            "DECRBY K N",
            "INCRBYFLOAT K 0.5",
            "MSET K V J V",
            "MSETNX K V J V",
            "RPUSH K V",
            "RPUSH K V V V V V V",
            "LPUSH K V V V",
            "LPUSH K V",
            "RPUSHX K V",
            "LPOP K",
            "RPOP K N",
            "LSET K 0 V",
            "LSET K -1 V",
            "LINSERT K BEFORE V V",
            "LREM K 1 V",
            "LTRIM K N -2",
            "LMOVE K J LEFT RIGHT",
            "RPOPLPUSH K J",
            "LMPOP 2 K J LEFT COUNT 3",
            "BLPOP K J 0.001",
            "BLMOVE K J LEFT LEFT 0.001",
            "SORT K ALPHA STORE J",
            "DEL K J",
            "UNLINK K",
            "EXPIRE K 1000",
            "PEXPIRE K 1",
            "PERSIST K",
            "EXPIRE K -1",
            "RENAME K J",
            "RENAMENX K J",
            "COPY K J REPLACE",
            "MOVE K 1",
            "SELECT 1",
            "SELECT 0",
            "SWAPDB 0 1",
            "GET K",
            "EXISTS K",
            "LRANGE K 0 -1",
        ];
        let form = self.of(&verbs);
        self.fill(form)
    }

    /// A command of this form.
    fn fill(&mut self, form: &str) -> String {
        let mut words = Vec::new();
        for word in form.split(' ') {
            words.push(match word {
                "K" | "J" => self.key(),
                "V" => self.value(),
                "N" => self.below(5).to_string(),
                "-N" => format!("-{}", 1 + self.below(50)),
                word => word.to_owned(),
            });
        }
        words.join(" ")
    }
}

#[tokio::test]
async fn what_keys_took_is_given_back() {
    both(async |_, client| {
        let empty = dataset(client).await;
        for seed in 1..=4_u64 {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut most = 0;
            for number in 0..1500 {
                let line = random.command();
                client.line(&line).await;
                client.frame().await;
                if number % 100 == 0 {
                    most = most.max(dataset(client).await);
                }
            }
            assert!(most > empty + 10_000, "seed {seed}: {most}");
            // One by one, in the end: FLUSHALL would forget what is left over.
            if seed % 2 == 0 {
                for db in 0..2 {
                    client.ask(&format!("SELECT {db}"), "+OK").await;
                    for number in 0..40 {
                        let key = format!("key:{number}{}", "k".repeat(number * 3));
                        client.line(&format!("DEL {key}")).await;
                        client.integer().await;
                    }
                    client.ask("DBSIZE", ":0").await;
                }
            } else {
                client.ask("FLUSHALL", "+OK").await;
            }
            assert_eq!(dataset(client).await, empty, "after seed {seed}");
        }
    })
    .await;
}

/// What a list is counted with follows what is in it, however it came to be.
#[tokio::test]
async fn a_list_that_has_seen_much_takes_no_more_than_another() {
    // One buffer of a list, which may have been larger once.
    const BUFFER: i64 = 8 * 1024;
    let server = start().await;
    let mut client = Client::connect(&server, 2).await;
    client.ask("RPUSH new x", ":1").await;
    client.line("MEMORY USAGE new").await;
    let new = client.integer().await;
    let changes = [
        "RPUSH l V V V V",
        "LPUSH l V V V V",
        "RPUSH l V",
        "LPUSH l V",
        "LPOP l N",
        "RPOP l N",
        "LSET l N V",
        "LSET l -N V",
        "LINSERT l AFTER V V",
        "LREM l N V",
        "LMOVE l l LEFT RIGHT",
        "LTRIM l N -2",
    ];
    for seed in 1..=3_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..4000 {
            let form = random.of(&changes);
            let line = random.fill(form);
            client.line(&line).await;
            client.frame().await;
        }
        client.line("LLEN l").await;
        assert!(client.integer().await > 100);
        client
            .script(&[("LTRIM l 7 7", "+OK"), ("LSET l 0 x", "+OK")])
            .await;
        client.line("MEMORY USAGE l").await;
        let used = client.integer().await;
        assert!((new - 32..new + BUFFER).contains(&used), "{used} for {new}");
    }
}

/// What expires is given back without being looked at.
#[tokio::test]
async fn expired_keys_give_their_memory_back() {
    both(async |_, client| {
        const KEYS: usize = 2000;
        let empty = dataset(client).await;
        for number in 0..KEYS {
            client
                .line(&format!("RPUSH key:{number} {}", "x".repeat(100)))
                .await;
            client.line(&format!("PEXPIRE key:{number} 1000000")).await;
            client.sees(":1 :1").await;
        }
        assert!(dataset(client).await > empty + KEYS as u64 * 100);
        for number in 0..KEYS {
            client
                .line(&format!("PEXPIRE key:{number} {}", 1 + number % 100))
                .await;
            client.frame().await;
        }
        until_info(client, "expired_keys", &KEYS.to_string()).await;
        assert_eq!(dataset(client).await, empty);
        client.ask("DBSIZE", ":0").await;
    })
    .await;
}

#[tokio::test]
async fn waiters_and_watchers_leave_nothing_behind() {
    const ROUNDS: usize = 5;
    const CLIENTS: usize = 50;
    let server = start().await;
    let mut observer = Client::connect(&server, 3).await;
    let empty = dataset(&mut observer).await;
    for round in 0..ROUNDS {
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let mut client = Client::connect(&server, 2 + (number % 2) as u8).await;
            let keys: Vec<String> = (0..100)
                .map(|key| format!("{round}:{number}:{key}"))
                .collect();
            let keys = keys.join(" ");
            client.ask(&format!("WATCH all {keys}"), "+OK").await;
            let line = match number % 3 {
                0 => format!("BLPOP all {keys} 0"),
                1 => format!("BRPOP {keys} all 1000000"),
                _ => format!("BLMPOP 0 101 {keys} all LEFT"),
            };
            client.line(&line).await;
            clients.push(client);
        }
        until_info(&mut observer, "blocked_clients", &CLIENTS.to_string()).await;
        // Who waits or watches makes no key.
        assert_eq!(dataset(&mut observer).await, empty);
        observer.ask("DBSIZE", ":0").await;
        match round {
            0 => {
                for client in &clients {
                    observer
                        .ask(&format!("CLIENT UNBLOCK {}", client.id), ":1")
                        .await;
                }
            }
            1 => {
                for _ in 0..CLIENTS {
                    observer.ask("RPUSH all x", ":1").await;
                }
            }
            2 => {
                for client in &clients {
                    observer
                        .ask(&format!("CLIENT KILL ID {}", client.id), ":1")
                        .await;
                }
            }
            _ => clients.clear(),
        }
        until_info(&mut observer, "blocked_clients", "0").await;
        // Nobody is there to be served, or has to be told.
        observer.ask("RPUSH all x", ":1").await;
        observer.ask(&format!("RPUSH {round}:0:0 x"), ":1").await;
        observer.ask(&format!("DEL all {round}:0:0"), ":2").await;
        assert_eq!(dataset(&mut observer).await, empty);
        drop(clients);
        eventually("all are gone", || server.client_count() == 1).await;
    }
}

/// INFO tells what is in use beside what is resident, as dashboards read it.
#[tokio::test]
async fn info_tells_used_from_resident() {
    both(async |_, client| {
        const MB: f64 = 1024.0 * 1024.0;
        let value = "x".repeat(20 * 1024 * 1024);
        client.command(&["SET", "k", &value]).await;
        client.sees("+OK").await;
        client.line("INFO memory").await;
        let text = client.text().await;
        let number = |name: &str| {
            let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':')?.parse().ok();
            let found: Option<f64> = text.lines().find_map(value);
            found.unwrap_or_else(|| panic!("no number {name} in {text}"))
        };
        let used = number("used_memory");
        let (overhead, dataset) = (
            number("used_memory_overhead"),
            number("used_memory_dataset"),
        );
        assert_eq!(used, overhead + dataset);
        let (startup, clients) = (number("used_memory_startup"), number("mem_clients_normal"));
        assert_eq!(overhead, startup + clients);
        assert!((20.0 * MB..21.0 * MB).contains(&dataset), "{text}");
        assert!(startup > MB && number("used_memory_peak") >= used, "{text}");
        let ratio = number("used_memory_rss") / used;
        assert!((number("mem_fragmentation_ratio") - ratio).abs() < 0.01);
        assert!(number("total_system_memory") > number("used_memory_rss"));
        // What was used once is the peak.
        client.ask("FLUSHALL", "+OK").await;
        let peak = info(client, "used_memory_peak").await;
        assert!(peak.parse::<f64>().expect("bytes") >= used);
    })
    .await;
}

/// Memory that was freed goes back to the system, whichever thread had taken it.
#[tokio::test]
async fn free_memory_goes_back_to_the_system() {
    const MB: u64 = 1024 * 1024;
    let server = Process::start(&["--worker-threads", "2"]).await;
    let mut observer = server.client(2).await;
    let mut client = server.client(2).await;
    let resident = async |client: &mut Client| -> u64 {
        info(client, "used_memory_rss")
            .await
            .parse()
            .expect("bytes")
    };
    let value = "x".repeat(MB as usize);
    let before = resident(&mut observer).await;
    for key in 0..200 {
        client.command(&["SET", &key.to_string(), &value]).await;
        client.sees("+OK").await;
    }
    assert!(resident(&mut observer).await > before + 190 * MB);
    observer.ask("FLUSHALL", "+OK").await;
    let goes_back = async |observer: &mut Client| {
        soon("it goes back", async {
            while resident(observer).await > before + 32 * MB {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
    };
    goes_back(&mut observer).await;
    // A queue that is drained: many small blocks.
    let element = "x".repeat(500);
    let elements = [&["RPUSH", "q"], &vec![element.as_str(); 1000][..]].concat();
    for _ in 0..200 {
        client.command(&elements).await;
        client.integer().await;
    }
    assert!(resident(&mut observer).await > before + 90 * MB);
    for _ in 0..200 {
        client.line("LPOP q 1000").await;
        client.frame().await;
    }
    client.ask("EXISTS q", ":0").await;
    goes_back(&mut observer).await;
}
