//! EVAL and its kin, SCRIPT.

use fanfare::{Server, Workers};

use crate::common::client::Client;
use crate::common::{info, start_with, until_info};

commands! {
    "eval" => eval,
    "eval_ro" => eval_ro,
    "evalsha" => evalsha,
    "evalsha_ro" => evalsha_ro,
    "script" => script,
    "script|debug" => script_debug,
    "script|exists" => script_exists,
    "script|flush" => script_flush,
    "script|help" => script_help,
    "script|kill" => script_kill,
    "script|load" => script_load,
}

const NO_SCRIPT: &str = "-NOSCRIPT No matching script. Please use EVAL.";
const BUSY: &str =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
const UNKILLABLE: &str = "-UNKILLABLE Sorry the script already executed write commands against the dataset. You can \
     either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE \
     command.";
/// The digest of `return 1`.
const ONE: &str = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";

impl Client {
    /// Sends a request and reads exactly the reply, as [`Client::script`] does.
    async fn asks(&mut self, request: &[&str], reply: &str) {
        self.command(request).await;
        match reply.strip_prefix('-') {
            Some(text) => self.expect(format!("-{text}\r\n")).await,
            None => self.sees(reply).await,
        }
    }

    /// Runs a script without keys, and reads exactly the reply.
    pub async fn eval(&mut self, script: &str, reply: &str) {
        self.asks(&["EVAL", script, "0"], reply).await;
    }

    /// Runs a script that fails in its first line.
    async fn eval_fails(&mut self, script: &str, text: &str) {
        self.command(&["EVAL", script, "0"]).await;
        let frame = self.frame().await;
        let error = frame_text(&frame);
        assert!(error.starts_with(text), "{script}: {error}");
        assert!(error.ends_with(", on @user_script:1."), "{error}");
    }
}

fn frame_text(frame: &crate::common::client::Frame) -> String {
    use redis_protocol::resp3::types::Resp3Frame;
    frame.as_str().expect("a text").to_owned()
}

async fn eval(_: &Server, client: &mut Client) {
    client
        .asks(
            &[
                "EVAL",
                "return {KEYS[1], ARGV[1], #KEYS, #ARGV}",
                "1",
                "k",
                "a",
                "b",
            ],
            "*4 $1 k $1 a :1 :2",
        )
        .await;
    for (script, reply) in [
        ("return redis.call('SET', 'k', 'v')", "+OK"),
        ("return redis.call('GET', 'k')", "$1 v"),
        ("return redis.call('GET', 'none')", "_"),
        ("return redis.call('INCR', 'n')", ":1"),
        ("redis.setresp(3) return {map = {a = 1}}", "%1 $1 a :1"),
        ("return {double = 1.5}", ",1.5"),
    ] {
        client.eval(script, reply).await;
    }
    client
        .command(&["EVAL", "return {1, {err = 'A b'}, {ok = 'c'}}", "0"])
        .await;
    client.expect("*3\r\n:1\r\n-A b\r\n+c\r\n").await;
    // In RESP2, whatever the client speaks, unless the script asks for RESP3.
    client.line("HSET h f v").await;
    client.sees(":1").await;
    client
        .eval("return redis.call('HGETALL', 'h')", "*2 $1 f $1 v")
        .await;
    client
        .eval(
            "redis.setresp(3) return redis.call('HGETALL', 'h')",
            "%1 $1 f $1 v",
        )
        .await;
    client
        .eval_fails("return redis.call('INCR', 'h')", "WRONGTYPE ")
        .await;
    client
        .eval_fails(
            "return redis.call('EVAL', '', 0)",
            "ERR This Redis command is not allowed",
        )
        .await;
    client.arity("eval", &["EVAL", "EVAL x"]).await;
    client
        .script(&[
            ("EVAL x -1", "-ERR Number of keys can't be negative"),
            (
                "EVAL x 1",
                "-ERR Number of keys can't be greater than number of args",
            ),
            ("EVAL x y", "-ERR value is not an integer or out of range"),
        ])
        .await;
    client
        .eval(
            "x x",
            "-ERR Error compiling script (new function): user_script:1: '=' expected near 'x'",
        )
        .await;
    // It stays where it is, whatever database its script selects.
    client
        .eval(
            "redis.call('SELECT', 5) return redis.call('SET', 'there', 1)",
            "+OK",
        )
        .await;
    client
        .script(&[
            ("EXISTS there", ":0"),
            ("SELECT 5", "+OK"),
            ("EXISTS there", ":1"),
        ])
        .await;
}

async fn eval_ro(_: &Server, client: &mut Client) {
    client
        .asks(
            &["EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "k"],
            "_",
        )
        .await;
    for call in ["'SET', 'k', 'v'", "'PUBLISH', 'c', 'm'", "'DEL', 'k'"] {
        let script = format!("return redis.call({call})");
        client.command(&["EVAL_RO", &script, "0"]).await;
        let error = frame_text(&client.frame().await);
        assert!(
            error
                .starts_with("ERR Write commands are not allowed from read-only scripts. script: "),
            "{error}"
        );
    }
    client
        .asks(
            &["EVAL_RO", "#!lua\nreturn 1", "0"],
            "-ERR Can not execute a script with write flag using *_ro command.",
        )
        .await;
    client
        .asks(&["EVAL_RO", "#!lua flags=no-writes\nreturn 1", "0"], ":1")
        .await;
    client.arity("eval_ro", &["EVAL_RO", "EVAL_RO x"]).await;
}

async fn evalsha(_: &Server, client: &mut Client) {
    client
        .script(&[
            (&format!("EVALSHA {ONE} 0"), NO_SCRIPT),
            ("EVALSHA x 0", NO_SCRIPT),
        ])
        .await;
    client.eval("return 1", ":1").await;
    client.ask(&format!("EVALSHA {ONE} 0"), ":1").await;
    client
        .ask(&format!("EVALSHA {} 0", ONE.to_ascii_uppercase()), ":1")
        .await;
    // As many as the setting says stay, and the loaded ones.
    client.ask("CONFIG SET script-cache-size 2", "+OK").await;
    client
        .asks(
            &["SCRIPT", "LOAD", "return 'loaded'"],
            "$40 b534286061d4b9e4026607613b95c06c06015ae8",
        )
        .await;
    for number in 2..5 {
        client
            .eval(&format!("return {number}"), &format!(":{number}"))
            .await;
    }
    client
        .script(&[(&format!("EVALSHA {ONE} 0"), NO_SCRIPT)])
        .await;
    client
        .ask(
            "EVALSHA b534286061d4b9e4026607613b95c06c06015ae8 0",
            "$6 loaded",
        )
        .await;
    assert_eq!(info(client, "number_of_cached_scripts").await, "3");
    client.arity("evalsha", &["EVALSHA", "EVALSHA x"]).await;
}

async fn evalsha_ro(_: &Server, client: &mut Client) {
    client.eval("return 1", ":1").await;
    client.ask(&format!("EVALSHA_RO {ONE} 0"), ":1").await;
    client.script(&[("EVALSHA_RO x 0", NO_SCRIPT)]).await;
    client
        .arity("evalsha_ro", &["EVALSHA_RO", "EVALSHA_RO x"])
        .await;
}

async fn script(_: &Server, client: &mut Client) {
    client.arity("script", &["SCRIPT"]).await;
    client
        .error(
            "SCRIPT NOSUCH",
            "ERR unknown subcommand 'NOSUCH'. Try SCRIPT HELP.",
        )
        .await;
}

async fn script_debug(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SCRIPT DEBUG NO", "+OK"),
            ("SCRIPT DEBUG YES", "-ERR fanfare has no debugger for scripts"),
            ("SCRIPT DEBUG sync", "-ERR fanfare has no debugger for scripts"),
            (
                "SCRIPT DEBUG x",
                "-ERR unknown subcommand or wrong number of arguments for 'DEBUG'. Try SCRIPT HELP.",
            ),
        ])
        .await;
    client.arity("script|debug", &["SCRIPT DEBUG"]).await;
}

async fn script_exists(_: &Server, client: &mut Client) {
    client
        .ask(&format!("SCRIPT EXISTS {ONE} x"), "*2 :0 :0")
        .await;
    client.eval("return 1", ":1").await;
    client
        .ask(&format!("SCRIPT EXISTS {ONE} x"), "*2 :1 :0")
        .await;
    client.arity("script|exists", &["SCRIPT EXISTS"]).await;
}

async fn script_flush(_: &Server, client: &mut Client) {
    for flush in ["SCRIPT FLUSH", "SCRIPT FLUSH sync", "SCRIPT FLUSH ASYNC"] {
        client
            .asks(&["SCRIPT", "LOAD", "return 1"], &format!("$40 {ONE}"))
            .await;
        client.ask(flush, "+OK").await;
        client.ask(&format!("SCRIPT EXISTS {ONE}"), "*1 :0").await;
    }
    let text = "ERR SCRIPT FLUSH only support SYNC|ASYNC option";
    client.error("SCRIPT FLUSH x", text).await;
    client.error("SCRIPT FLUSH SYNC x", text).await;
}

async fn script_help(_: &Server, client: &mut Client) {
    client.line("SCRIPT HELP").await;
    assert!(client.push_of_statuses().await > 5);
    client.arity("script|help", &["SCRIPT HELP x"]).await;
}

impl Client {
    /// Reads an array of statuses; how many.
    async fn push_of_statuses(&mut self) -> usize {
        match self.frame().await {
            crate::common::client::Frame::Array { data, .. } => data.len(),
            other => panic!("{other:?} is no array"),
        }
    }
}

async fn script_load(_: &Server, client: &mut Client) {
    client
        .asks(&["SCRIPT", "LOAD", "return 1"], &format!("$40 {ONE}"))
        .await;
    client
        .asks(
            &["SCRIPT", "LOAD", "x x"],
            "-ERR Error compiling script (new function): user_script:1: '=' expected near 'x'",
        )
        .await;
    client
        .asks(
            &["SCRIPT", "LOAD", "#!js\n"],
            "-ERR Unexpected engine in script shebang: #!js",
        )
        .await;
    client
        .arity("script|load", &["SCRIPT LOAD", "SCRIPT LOAD x y"])
        .await;
}

async fn script_kill(_: &Server, client: &mut Client) {
    client
        .error("SCRIPT KILL", "NOTBUSY No scripts in execution right now.")
        .await;
    client.arity("script|kill", &["SCRIPT KILL x"]).await;
}

/// A server with a single worker thread, on which scripts count as slow at once.
pub async fn with_one_worker() -> Server {
    let builder = Server::builder().set("busy-reply-threshold", "1");
    let builder = builder.workers(Workers::start(1).expect("a thread"));
    builder.start().await.expect("the server starts")
}

/// Waits until a slow script runs.
pub async fn until_busy(client: &mut Client) {
    crate::common::soon("BUSY", async {
        loop {
            client.line("EXISTS k").await;
            if frame_is_busy(&client.frame().await) {
                return;
            }
        }
    })
    .await;
}

fn frame_is_busy(frame: &crate::common::client::Frame) -> bool {
    use redis_protocol::resp3::types::Resp3Frame;
    frame.as_str().is_some_and(|text| text.starts_with("BUSY "))
}

/// Also with one thread for all connections.
#[tokio::test]
async fn a_script_that_does_not_end_leaves_the_server_to_others() {
    for protocol in [2, 3] {
        let server = with_one_worker().await;
        let mut slow = Client::connect(&server, protocol).await;
        let mut other = Client::connect(&server, protocol).await;
        let mut subscriber = Client::connect(&server, protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        other.ask("SET k v", "+OK").await;
        other.ask("WATCH k", "+OK").await;
        slow.command(&["EVAL", "while true do end", "0"]).await;
        until_busy(&mut other).await;
        for line in [
            "GET k",
            "SET k x",
            "BLPOP q 0",
            "WATCH k",
            "KEYS *",
            "EVAL x 0",
            "EVALSHA x 0",
            "FCALL x 0",
            "SCRIPT LOAD x",
            "SCRIPT FLUSH",
            "FUNCTION LIST",
            "FUNCTION STATS",
        ] {
            other.script(&[(line, BUSY)]).await;
        }
        // A new connection is served, and messages flow.
        let mut new = Client::connect(&server, protocol).await;
        new.ask("PING", "+PONG").await;
        new.ask("PUBLISH c hello", ":1").await;
        subscriber.sees(">3 $7 message $1 c $5 hello").await;
        new.subscribe("SUBSCRIBE", &["d"]).await;
        other.script(&[("MULTI", "+OK"), ("GET k", BUSY)]).await;
        other
            .error(
                "EXEC",
                "EXECABORT Transaction discarded because of: BUSY Redis is busy running a script. \
                 You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            )
            .await;
        other
            .script(&[
                ("MULTI", "+OK"),
                ("PUBLISH c m", "+QUEUED"),
                ("EXEC", "*1 :1"),
            ])
            .await;
        subscriber.sees(">3 $7 message $1 c $1 m").await;
        other
            .script(&[("FUNCTION KILL", BUSY), ("SCRIPT KILL", "+OK")])
            .await;
        let error = frame_text(&slow.frame().await);
        assert!(
            error.starts_with("ERR Script killed by user with SCRIPT KILL... script: "),
            "{error}"
        );
        other.ask("GET k", "$1 v").await;
        slow.ask("GET k", "$1 v").await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_script_that_has_written_is_ended_by_a_shutdown_only() {
    let server = with_one_worker().await;
    let mut slow = Client::connect(&server, 2).await;
    let mut other = Client::connect(&server, 2).await;
    let script = "redis.call('SET', 'k', 'v') while true do end";
    slow.command(&["EVAL", script, "0"]).await;
    until_busy(&mut other).await;
    other
        .script(&[("SCRIPT KILL", UNKILLABLE), ("FUNCTION KILL", UNKILLABLE)])
        .await;
    other.line("SHUTDOWN NOSAVE").await;
    other.closed().await;
    let error = frame_text(&slow.frame().await);
    assert!(
        error.starts_with("ERR The server is shutting down script: "),
        "{error}"
    );
    slow.closed().await;
    server.stop().await;
}

/// Who waits for the lock when a script becomes slow is not left waiting.
#[tokio::test]
async fn who_came_before_a_script_was_slow_is_told_too() {
    let builder = Server::builder().set("busy-reply-threshold", "300");
    let builder = builder.workers(Workers::start(2).expect("threads"));
    let server = builder.start().await.expect("the server starts");
    let mut slow = Client::connect(&server, 2).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(Client::connect(&server, 2).await);
    }
    slow.command(&["EVAL", "while true do end", "0"]).await;
    for other in &mut others {
        other.line("GET k").await;
    }
    for other in &mut others {
        let reply = other.frame().await;
        // It may have come before the script.
        assert!(frame_is_busy(&reply) || matches!(reply, crate::common::client::Frame::Null));
    }
    others[0].ask("SCRIPT KILL", "+OK").await;
    server.stop().await;
}

/// What a script brings about comes behind its reply, in order, and nobody's messages come in
/// between.
#[tokio::test]
async fn what_a_script_publishes_comes_after_it() {
    let server = start_with(&[("notify-keyspace-events", "KEA")]).await;
    let mut client = Client::connect(&server, 3).await;
    client
        .subscribe("SUBSCRIBE", &["c", "__keyevent@0__:set"])
        .await;
    let script = "local n = redis.call('PUBLISH', 'c', 'one') redis.call('SET', 'k', 'v') \
                  redis.call('PUBLISH', 'c', 'two') redis.call('DEL', 'k') return n";
    client.eval(script, ":1").await;
    client.sees(">3 $7 message $1 c $3 one").await;
    client
        .sees(">3 $7 message $18 __keyevent@0__:set $1 k")
        .await;
    client.sees(">3 $7 message $1 c $3 two").await;
    client
        .script(&[("MULTI", "+OK"), ("PING", "+QUEUED")])
        .await;
    client.asks(&["EVAL", script, "0"], "+QUEUED").await;
    client.ask("EXEC", "*2 +PONG :1").await;
    client.sees(">3 $7 message $1 c $3 one").await;
    client
        .sees(">3 $7 message $18 __keyevent@0__:set $1 k")
        .await;
    client.sees(">3 $7 message $1 c $3 two").await;
    client.barrier().await;
    server.stop().await;
}

/// A script that publishes without end does not fill the memory, and its messages keep their order.
#[tokio::test]
async fn much_that_a_script_publishes_is_sent_before_its_end() {
    let server = start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
    let mut client = Client::connect(&server, 2).await;
    let mut subscriber = Client::connect(&server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    let script = "local body = ('x'):rep(100000) \
                  for i = 1, 400 do redis.call('PUBLISH', 'c', i .. body) end return 'done'";
    client.eval(script, "$4 done").await;
    for number in 1..=400 {
        let message = subscriber.push().await;
        assert!(message[2].starts_with(format!("{number}x").as_bytes()));
    }
    subscriber.barrier().await;
    server.stop().await;
}

#[tokio::test]
async fn writes_of_a_script_wake_who_waits() {
    let server = crate::common::start().await;
    let mut client = Client::connect(&server, 2).await;
    for (wait, script, reply) in [
        (
            "BLPOP q 0",
            "return redis.call('RPUSH', 'q', 'x')",
            "*2 $1 q $1 x",
        ),
        (
            "BRPOPLPUSH q d 0",
            "return redis.call('LPUSH', 'q', 'x')",
            "$1 x",
        ),
        (
            "BLMOVE q d LEFT LEFT 0",
            "return redis.call('RPUSH', 'q', 'x')",
            "$1 x",
        ),
        (
            "BZPOPMIN z 0",
            "return redis.call('ZADD', 'z', 1, 'm')",
            "*3 $1 z $1 m $1 1",
        ),
    ] {
        let mut waiter = Client::connect(&server, 2).await;
        waiter.line(wait).await;
        until_info(&mut client, "blocked_clients", "1").await;
        client.eval(script, ":1").await;
        waiter.sees(reply).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn the_callers_permissions_hold() {
    let server = crate::common::start().await;
    let mut admin = Client::connect(&server, 2).await;
    admin
        .ask(
            "ACL SETUSER bob on nopass +@all -get ~k* resetchannels",
            "+OK",
        )
        .await;
    let mut bob = Client::connect(&server, 2).await;
    bob.ask("AUTH bob x", "+OK").await;
    for (call, what) in [
        (
            "'GET', 'k'",
            "User bob has no permissions to run the 'get' command",
        ),
        ("'SET', 'other', 1", "No permissions to access a key"),
        ("'PUBLISH', 'c', 1", "No permissions to access a channel"),
    ] {
        let text = format!("NOPERM ACL failure in script: {what} script: ");
        bob.eval_fails(&format!("return redis.call({call})"), &text)
            .await;
    }
    bob.eval("return redis.call('SET', 'key', 1)", "+OK").await;
    bob.eval(
        "return {redis.acl_check_cmd('SET', 'k', 1), redis.acl_check_cmd('SET', 'x', 1)}",
        "*2 :1 _",
    )
    .await;
    admin.line("ACL LOG").await;
    let log = format!("{:?}", admin.frame().await);
    assert!(log.contains("lua"), "{log}");
    server.stop().await;
}

#[tokio::test]
async fn memory_limits_hold() {
    let server = start_with(&[("maxmemory", "100kb"), ("script-max-memory", "8mb")]).await;
    let mut client = Client::connect(&server, 2).await;
    client
        .ask(&format!("SET k {}", "x".repeat(200_000)), "+OK")
        .await;
    client
        .eval_fails(
            "return redis.call('SET', 'a', 1)",
            "OOM command not allowed",
        )
        .await;
    client.eval("return redis.call('GET', 'none')", "_").await;
    // One that has written by then goes on.
    client
        .eval(
            "redis.call('LPOP', 'none') return redis.call('SET', 'a', 1)",
            "+OK",
        )
        .await;
    client
        .eval(
            "#!lua\nreturn 1",
            "-OOM allow-oom flag is not set on the script, can not run it when used memory > \
             'maxmemory'",
        )
        .await;
    client
        .eval(
            "#!lua flags=allow-oom\nreturn redis.call('SET', 'a', 1)",
            "+OK",
        )
        .await;
    client
        .command(&["EVAL", "return #string.rep('x', 1e8)", "0"])
        .await;
    let error = frame_text(&client.frame().await);
    assert!(
        error.starts_with("ERR not enough memory script: "),
        "{error}"
    );
    client
        .eval("return #string.rep('x', 1e6)", ":1000000")
        .await;
    server.stop().await;
}

#[tokio::test]
async fn operators_see_what_a_script_calls() {
    let server = start_with(&[("slowlog-log-slower-than", "0")]).await;
    let mut client = Client::connect(&server, 2).await;
    let mut monitor = Client::connect(&server, 2).await;
    monitor.ask("MONITOR", "+OK").await;
    client
        .eval("return redis.call('SET', 'k', 'v')", "+OK")
        .await;
    let line = monitor.text().await;
    assert!(
        line.ends_with("] \"EVAL\" \"return redis.call('SET', 'k', 'v')\" \"0\""),
        "{line}"
    );
    let line = monitor.text().await;
    assert!(line.ends_with("[0 lua] \"SET\" \"k\" \"v\""), "{line}");
    monitor.line("QUIT").await;
    client.ask("SLOWLOG RESET", "+OK").await;
    client.eval("return redis.call('GET', 'k')", "$1 v").await;
    client.line("SLOWLOG GET 10").await;
    let log = format!("{:?}", client.frame().await);
    assert!(log.contains("GET") && log.contains("EVAL"), "{log}");
    client
        .eval_fails(
            "return redis.call('INCR', 'k')",
            "ERR value is not an integer",
        )
        .await;
    let stats = info(&mut client, "cmdstat_incr").await;
    assert!(stats.contains("failed_calls=1"), "{stats}");
    let stats = info(&mut client, "cmdstat_eval").await;
    assert!(
        stats.starts_with("calls=3,") && stats.contains("failed_calls=1"),
        "{stats}"
    );
    // Counted once, where it happened.
    assert_eq!(info(&mut client, "errorstat_ERR").await, "count=1");
    server.stop().await;
}

/// What a script does is one step for everybody else: nobody sees the two keys differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_script_is_one_step() {
    let builder = Server::builder().workers(Workers::start(3).expect("threads"));
    let server = builder.start().await.expect("the server starts");
    let mut writer = Client::connect(&server, 2).await;
    let mut reader = Client::connect(&server, 2).await;
    let script = "redis.call('INCR', 'a') for i = 1, 50 do redis.call('EXISTS', 'x') end \
                  redis.call('INCR', 'b')";
    let writing = tokio::spawn(async move {
        for _ in 0..500 {
            writer.eval(script, "_").await;
        }
    });
    while !writing.is_finished() {
        reader.line("MGET a b").await;
        let parts = reader.frame().await;
        let crate::common::client::Frame::Array { data, .. } = parts else {
            panic!("{parts:?}");
        };
        assert_eq!(data[0], data[1]);
    }
    writing.await.expect("it is written");
    reader.ask("MGET a b", "*2 $3 500 $3 500").await;
    server.stop().await;
}

#[tokio::test]
async fn a_reply_that_is_too_large_for_lua_is_refused_and_nothing_is_taken() {
    const REFUSED: &str = "-OOM the system has no memory for this command";
    let server = start_with(&[("script-max-memory", "4mb")]).await;
    let mut client = Client::connect(&server, 2).await;
    let fill = "for i = 1, 100 do redis.call('rpush', 'list', string.rep('x', 100000)) end \
                return redis.call('setrange', 'text', 8000000, 'x')";
    client.asks(&["EVAL", fill, "0"], ":8000001").await;
    for call in [
        "'get', 'text'",
        "'lrange', 'list', 0, -1",
        "'lpop', 'list', 100",
    ] {
        let script = format!("return redis.pcall({call})");
        client.asks(&["EVAL", &script, "0"], REFUSED).await;
    }
    let sizes = "return {redis.call('llen', 'list'), #redis.call('getrange', 'text', 0, 999999)}";
    client.asks(&["EVAL", sizes, "0"], "*2 :100 :1000000").await;
    server.stop().await;
}
