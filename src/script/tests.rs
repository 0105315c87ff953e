//! Scripts on an engine alone, with a host that answers in the server's place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::ScriptArguments;
use super::engine::{Engine, EngineLimits};
use super::errors::Stop;
use super::host::{Host, Level};
use super::running::Kind;
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::replies::Replies;
use crate::resp::reply::{Reply, array, bulk, double, integer, map, set, verbatim};
use crate::resp::request::Args;

const LIMITS: EngineLimits = EngineLimits {
    memory: 16 * 1024 * 1024,
    scripts: 10,
};

/// Answers with what the command's name says.
#[derive(Default)]
struct Mock {
    /// How often Lua may still ask whether the script must end, before it must.
    ticks: Option<usize>,
    /// What was called.
    calls: Vec<String>,
    /// What was logged.
    log: Vec<String>,
}

impl Host for Mock {
    fn call(&mut self, args: &Args<'_>) -> Reply {
        let words: Vec<_> = args.iter().map(String::from_utf8_lossy).collect();
        self.calls.push(words.join(" "));
        match words[0].to_ascii_lowercase().as_str() {
            "ok" => Reply::OK,
            "echo" => bulk(args[1].to_vec()),
            "int" => integer(7),
            "null" => Reply::Null,
            "nullarray" => Reply::NullArray,
            "double" => double(1.5),
            "big" => Reply::BigNumber("12345678901234567890".into()),
            "true" => Reply::Boolean(true),
            "verbatim" => verbatim("text"),
            "array" => array([integer(1), Reply::Null, bulk("x"), array([])]),
            "map" => map([("key", integer(1)), ("other", bulk("v"))]),
            "set" => set([bulk("a"), bulk("b")]),
            "pairs" => Reply::Pairs(vec![(bulk("m"), double(2.0))]),
            "many" => array((0..100_000).map(integer)),
            "panic" => panic!("a command's own"),
            _ => Reply::Error(Box::new(CommandError::WRONG_TYPE)),
        }
    }

    fn permits(&mut self, args: &Args<'_>) -> Option<bool> {
        match &args[0] {
            b"get" => Some(true),
            b"set" => Some(false),
            _ => None,
        }
    }

    fn log(&mut self, level: Level, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.log.push(format!("{level:?}: {line}"));
    }

    fn tick(&mut self) -> Option<Stop> {
        let left = self.ticks.as_mut()?;
        *left = left.saturating_sub(1);
        (*left == 0).then_some(Stop::Killed(Kind::Script))
    }
}

fn engine() -> Engine {
    Engine::new(LIMITS).expect("an engine")
}

fn encoded(reply: Reply, protocol: Protocol) -> String {
    let mut out = Replies::default();
    reply.encode(&mut out, protocol);
    String::from_utf8_lossy(&out.take_all())
        .trim_end()
        .replace("\r\n", " ")
}

fn arguments<'a>(words: &[&'a [u8]], keys: usize) -> ScriptArguments<'a> {
    ScriptArguments::new(words.iter().copied(), keys)
}

fn run_with(engine: &mut Engine, host: &mut Mock, script: &str, protocol: Protocol) -> String {
    let digest = match engine.load(script.as_bytes(), false) {
        Ok(digest) => digest,
        Err(error) => return format!("-{}", String::from_utf8_lossy(&error.text)),
    };
    let words: [&[u8]; 4] = [b"k1", b"k2", b"a1", b"a2"];
    let script = engine.find(&digest).expect("it is kept");
    match engine.run(&script, arguments(&words, 2), host) {
        Ok(reply) => encoded(reply, protocol),
        Err(error) => format!("-{}", String::from_utf8_lossy(&error.shown(b"S"))),
    }
}

/// What a script answers with, in RESP2, on an engine of its own.
fn run(script: &str) -> String {
    run_with(&mut engine(), &mut Mock::default(), script, Protocol::Resp2)
}

fn run3(script: &str) -> String {
    run_with(&mut engine(), &mut Mock::default(), script, Protocol::Resp3)
}

/// The text of the error that a script ends with.
fn fails(script: &str, text: &str) {
    assert_eq!(run(script), format!("-{text}"), "{script}");
}

#[test]
fn no_script_keeps_the_panic_of_a_command() {
    for script in [
        "redis.call('panic')",
        "redis.pcall('panic') redis.call('ok')",
        "pcall(redis.call, 'panic') redis.call('ok')",
        "pcall(function() pcall(redis.call, 'panic') end) redis.call('ok')",
        "xpcall(function() redis.call('panic') end, function() return 1 end) redis.call('ok')",
        "xpcall(function() error('x') end, function() redis.call('panic') end) redis.call('ok')",
        "local ends = coroutine.create(function() redis.call('panic') end) \
         coroutine.resume(ends) redis.call('ok')",
        "coroutine.wrap(function() redis.call('panic') end)() redis.call('ok')",
        "string.gsub('x', 'x', function() redis.call('panic') end) redis.call('ok')",
        "setmetatable({}, {__index = function() redis.call('panic') end}).x = nil \
         local read = setmetatable({}, {__index = function() redis.call('panic') end}).x",
    ] {
        let (mut engine, mut host) = (engine(), Mock::default());
        let run = || run_with(&mut engine, &mut host, script, Protocol::Resp2);
        let panic = catch_unwind(AssertUnwindSafe(run)).expect_err(script);
        assert_eq!(panic.downcast_ref(), Some(&"a command's own"), "{script}");
        assert_eq!(host.calls, ["panic"], "{script}");
    }
}

#[test]
fn values_of_lua_become_replies() {
    for (script, reply) in [
        ("return 'x'", "$1 x"),
        ("return 3.99", ":3"),
        ("return -3.99", ":-3"),
        ("return 2^63", ":-9223372036854775808"),
        ("return 0/0", ":-9223372036854775808"),
        ("return true", ":1"),
        ("return false", "$-1"),
        ("return nil", "$-1"),
        ("return pcall", "$-1"),
        ("return {1, 2, nil, 4}", "*2 :1 :2"),
        ("return {}", "*0"),
        ("return {a = 1}", "*0"),
        ("return {ok = 'fine'}", "+fine"),
        ("return {err = 'MY error'}", "-MY error"),
        ("return {err = 'a\\r\\nb'}", "-a  b"),
        ("return {1, {err = 'X y'}}", "*2 :1 -X y"),
        ("return {double = 3.5}", "$3 3.5"),
        ("return {map = {a = 1}}", "*2 $1 a :1"),
        ("return {set = {a = true}}", "*1 $1 a"),
        ("return {big_number = '123'}", "$3 123"),
        (
            "return {verbatim_string = {string = 's', format = 'txt'}}",
            "$1 s",
        ),
        (
            "return KEYS[1] .. KEYS[2] .. ARGV[1] .. #ARGV",
            "$7 k1k2a12",
        ),
        ("return 1, 2", ":1"),
        ("", "$-1"),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
    for (script, reply) in [
        ("return {double = 3.5}", ",3.5"),
        ("return {map = {a = 1}}", "%1 $1 a :1"),
        ("return {set = {a = true}}", "~1 $1 a"),
        ("return {big_number = '123'}", "(123"),
        ("return false", "_"),
        ("redis.setresp(3) return {true, false}", "*2 #t #f"),
        (
            "return {verbatim_string = {string = 's', format = 'txt'}}",
            "=5 txt:s",
        ),
    ] {
        assert_eq!(run3(script), reply, "{script}");
    }
}

#[test]
fn replies_become_values_of_lua() {
    for (script, reply) in [
        ("return redis.call('ok').ok", "$2 OK"),
        ("return type(redis.call('int'))", "$6 number"),
        ("return redis.call('echo', 'x')", "$1 x"),
        (
            "return {redis.call('null') == false, redis.call('nullarray') == false}",
            "*2 :1 :1",
        ),
        ("return redis.call('double')", "$3 1.5"),
        ("return redis.call('true')", ":1"),
        ("return redis.call('big')", "$20 12345678901234567890"),
        ("return redis.call('verbatim')", "$4 text"),
        (
            "local a = redis.call('array') return {#a, a[2] == false, #a[4]}",
            "*3 :4 :1 :0",
        ),
        ("return redis.call('map')", "*4 $3 key :1 $5 other $1 v"),
        ("return redis.call('set')", "*2 $1 a $1 b"),
        ("return redis.call('pairs')", "*2 $1 m $1 2"),
        (
            "local m = redis.call('many') return {#m, m[100000]}",
            "*2 :100000 :99999",
        ),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
    let with_resp3 = |script: &str| run3(&format!("redis.setresp(3) {script}"));
    for (script, reply) in [
        ("return tostring(redis.call('null'))", "$3 nil"),
        ("return redis.call('true')", "#t"),
        ("return redis.call('double').double", ":1"),
        ("return redis.call('double')", ",1.5"),
        ("return redis.call('big')", "(12345678901234567890"),
        ("return redis.call('verbatim')", "=8 txt:text"),
        ("return redis.call('map').map.other", "$1 v"),
        ("return redis.call('set').set.b", "#t"),
        ("return redis.call('pairs')[1][2].double", ":2"),
    ] {
        assert_eq!(with_resp3(script), reply, "{script}");
    }
}

#[test]
fn arguments_are_strings_and_numbers() {
    let mut host = Mock::default();
    let script = "for _, value in ipairs({1, -1, 2^53, 1e15, 3.3, 0.1, '\\0x', 1/0}) do \
                  redis.call('echo', value) end";
    run_with(&mut engine(), &mut host, script, Protocol::Resp2);
    assert_eq!(
        host.calls,
        [
            "echo 1",
            "echo -1",
            "echo 9007199254740992",
            "echo 1000000000000000",
            "echo 3.2999999999999998",
            "echo 0.10000000000000001",
            "echo \0x",
            "echo inf"
        ]
    );
    for wrong in ["{}", "true", "nil", "pcall"] {
        let script = format!("return redis.call('echo', {wrong})");
        fails(
            &script,
            "ERR Lua redis lib command arguments must be strings or integers script: S, on \
             @user_script:1.",
        );
    }
    fails(
        "\nreturn redis.call()",
        "ERR Please specify at least one argument for this redis lib call script: S, on \
         @user_script:2.",
    );
}

#[test]
fn errors_say_where_they_happened() {
    for (script, text) in [
        (
            "return redis.call('wrong')",
            "WRONGTYPE Operation against a key holding the wrong kind of value script: S, on \
             @user_script:1.",
        ),
        (
            "\n\nlocal x = foo.bar",
            "ERR user_script:3: Script attempted to access nonexistent global variable 'foo' \
             script: S, on @user_script:3.",
        ),
        (
            "foo = 1",
            "ERR user_script:1: Attempt to modify a readonly table script: S, on @user_script:1.",
        ),
        (
            "error('x')",
            "ERR user_script:1: x script: S, on @user_script:1.",
        ),
        (
            "error({err = 'My err'})",
            "My err script: S, on @user_script:1.",
        ),
        (
            "error({})",
            "ERR unknown error script: S, on @user_script:1.",
        ),
        (
            "local x = ('x'):rep(10, 2):find('[')",
            "ERR user_script:1: malformed pattern (missing ']') script: S, on @user_script:1.",
        ),
        (
            "local x = nil .. 'x'",
            "ERR user_script:1: attempt to concatenate a nil value script: S, on @user_script:1.",
        ),
        (
            "local f = function() redis.call('wrong') end\nf()",
            "WRONGTYPE Operation against a key holding the wrong kind of value script: S, on \
             @user_script:1.",
        ),
        (
            "return 'x",
            "ERR Error compiling script (new function): user_script:1: unfinished string near '<eof>'",
        ),
        (
            "#!lua flags=nosuch\nreturn 1",
            "ERR Unexpected flag in script shebang: nosuch",
        ),
    ] {
        fails(script, text);
    }
}

#[test]
fn errors_are_caught_as_redis_shows_them() {
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    let length = wrong.len();
    for (script, reply) in [
        (
            "return {pcall(redis.call, 'wrong')}",
            format!("*2 $-1 ${length} {wrong}"),
        ),
        (
            "return ({pcall(redis.call, 'wrong')})[2]",
            format!("${length} {wrong}"),
        ),
        ("return select(2, pcall(error, 'x'))", "$1 x".into()),
        ("return select(2, pcall(error, {err = 'E'}))", "$1 E".into()),
        ("return select(2, pcall(error, {1})) [1]", ":1".into()),
        (
            "return redis.pcall('wrong').err",
            format!("${length} {wrong}"),
        ),
        ("return redis.pcall('wrong')", format!("-{wrong}")),
        (
            "return select(2, xpcall(function() redis.call('wrong') end, function(e) return e.err end))",
            format!("${length} {wrong}"),
        ),
        (
            "local co = coroutine.create(function() redis.call('wrong') end) return select(2, coroutine.resume(co)).err",
            format!("${length} {wrong}"),
        ),
        (
            "return select(2, pcall(coroutine.wrap(function() redis.call('wrong') end)))",
            format!("${length} {wrong}"),
        ),
        (
            "return {pcall(function(...) return ... end, 1, 2)}",
            "*3 :1 :1 :2".into(),
        ),
        (
            "return select(2, pcall(unpack, {}, 1, 8001))",
            "$26 too many results to unpack".into(),
        ),
        ("return #{unpack({}, 1, 7900)}", ":0".into()),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
}

#[test]
fn the_functions_of_redis() {
    for (script, reply) in [
        (
            "return redis.sha1hex('a')",
            "$40 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
        ),
        ("return redis.error_reply('foo')", "-ERR foo"),
        ("return redis.error_reply('x y')", "-x y"),
        ("return redis.error_reply('-FOO a')", "-FOO a"),
        ("return redis.status_reply('fine')", "+fine"),
        (
            "return redis.status_reply()",
            "-ERR wrong number or type of arguments",
        ),
        ("return redis.replicate_commands()", ":1"),
        ("return redis.set_repl(redis.REPL_ALL)", "$-1"),
        (
            "return {redis.acl_check_cmd('get'), redis.acl_check_cmd('set')}",
            "*2 :1 $-1",
        ),
        (
            "return {redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING}",
            "*4 :0 :1 :2 :3",
        ),
        ("return redis.REDIS_VERSION_NUM", ":459268"),
        ("math.randomseed(0) return math.random(100)", ":18"),
        ("return redis == server", ":1"),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
    for (call, text) in [
        ("sha1hex()", "wrong number of arguments"),
        ("setresp()", "redis.setresp() requires one argument."),
        ("setresp(4)", "RESP version must be 2 or 3."),
        ("log()", "redis.log() requires two arguments or more."),
        (
            "log('x', 'x')",
            "First argument must be a number (log level).",
        ),
        ("log(10, 'x')", "Invalid debug level."),
        ("set_repl()", "redis.set_repl() requires two arguments."),
        (
            "set_repl(4)",
            "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ),
        (
            "acl_check_cmd('nosuch')",
            "Invalid command passed to redis.acl_check_cmd()",
        ),
    ] {
        fails(
            &format!("return redis.{call}"),
            &format!("ERR {text} script: S, on @user_script:1."),
        );
    }
    let mut host = Mock::default();
    let script = "redis.log(redis.LOG_WARNING, 'a', 1, 'b')";
    run_with(&mut engine(), &mut host, script, Protocol::Resp2);
    assert_eq!(host.log, ["Warning: a 1 b"]);
}

#[test]
fn random_numbers_follow_from_their_seed() {
    let mut engine = engine();
    let mut again = |script| run_with(&mut engine, &mut Mock::default(), script, Protocol::Resp2);
    let seeded = "math.randomseed(7) return {math.random(1000), tostring(math.random())}";
    assert_eq!(again(seeded), again(seeded));
    assert_ne!(
        again("return math.random()*1e9"),
        again("return math.random()*1e9")
    );
    let seeded =
        "math.randomseed(5) return {math.random(1000), math.random(5,10), tostring(math.random())}";
    assert_eq!(run(seeded), "*3 :525 :6 $15 0.7885994686692");
    fails(
        "return math.random(3, 1)",
        "ERR user_script:1: bad argument #2 to 'random' (interval is empty) script: S, on \
         @user_script:1.",
    );
}

/// Ways out of a sandbox that have been found in Redis and elsewhere, by kind.
#[test]
fn the_sandbox_has_no_way_out() {
    // What is not there.
    for name in [
        "print", "require", "module", "package", "io", "debug", "dofile", "loadfile", "getfenv",
        "setfenv", "newproxy", "jit", "ffi",
    ] {
        assert_eq!(
            run(&format!("return rawget(_G, '{name}') == nil")),
            ":1",
            "{name}"
        );
    }
    for (script, reply) in [
        (
            "local n = 0 for name in pairs(os) do n = n + 1 end return {n, type(os.clock())}",
            "*2 :1 $6 number",
        ),
        // Bytecode is not verified.
        (
            "return (loadstring(string.dump(function() return 1 end)))",
            "$-1",
        ),
        ("return (load(function() return nil end))() == nil", ":1"),
        (
            "local s = string.dump(function() end) local n = 0 return (load(function() n = n + 1 return n == 1 and s or nil end))",
            "$-1",
        ),
        ("return loadstring('return 1 + 1')()", ":2"),
        (
            "return select(2, loadstring('x x')):match('expected') ",
            "$8 expected",
        ),
        (
            "return select(2, pcall(loadstring('foo = 1')))",
            "$56 [string \"foo = 1\"]:1: Attempt to modify a readonly table",
        ),
        // Metatables are hidden.
        (
            "return {tostring(getmetatable(_G)), tostring(getmetatable('')), tostring(getmetatable(redis))}",
            "*3 $5 false $5 false $5 false",
        ),
        ("return table.unpack == nil", ":1"),
        ("return collectgarbage('stop')", ":0"),
        (
            "local n = 0 for name, value in pairs(redis) do n = n + 1 end return n > 15",
            ":1",
        ),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
    // Nothing that other scripts see can be changed.
    for change in [
        "_G.x = 1",
        "_G.KEYS = 1",
        "KEYS = {}",
        "redis.call = 1",
        "redis = 1",
        "string.rep = 1",
        "table.x = 1",
        "math.random = 1",
        "os.clock = 1",
        "coroutine.wrap = 1",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'x', 1)",
        "table.insert(redis, 1)",
        "table.insert(_G, 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable('').__index = 1",
        "getmetatable(redis).__index = 1",
        "getmetatable(_G).__newindex = nil",
    ] {
        let mut engine = engine();
        let mut again =
            |script: &str| run_with(&mut engine, &mut Mock::default(), script, Protocol::Resp2);
        let tried = again(change);
        assert!(
            tried.starts_with("-ERR user_script:1: "),
            "{change}: {tried}"
        );
        let sound = "return {type(redis.call), type(string.rep), type(math.random), type(os.clock), \
                     rawget(_G, 'x') == nil, ('x'):rep(2), #KEYS, type(coroutine.wrap)}";
        assert_eq!(
            again(sound),
            "*8 $8 function $8 function $8 function $8 function :1 $2 xx :2 $8 function",
            "{change}"
        );
    }
}

#[test]
fn what_is_too_much_is_an_error() {
    for script in [
        "return ('x'):rep(1e9)",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local s = 'x' while true do s = s .. s end",
        "return table.concat({('x'):rep(9e6), ('y'):rep(9e6)})",
    ] {
        let mut engine = engine();
        let error = run_with(&mut engine, &mut Mock::default(), script, Protocol::Resp2);
        assert!(
            error.starts_with("-ERR not enough memory"),
            "{script}: {error}"
        );
        // And the next script has memory.
        let next = "return #('x'):rep(1e6)";
        let next = run_with(&mut engine, &mut Mock::default(), next, Protocol::Resp2);
        assert_eq!(next, ":1000000");
    }
    for (script, text) in [
        (
            "local function f() return 1 + f() end return f()",
            "stack overflow",
        ),
        (
            "local p = ('a?'):rep(3000) return (('a'):rep(3000)):find(p)",
            "pattern too complex",
        ),
        ("return (''):match(('('):rep(100))", "too many captures"),
        ("return string.format('%999d', 1)", "invalid format"),
        (
            "local s = 'x' for i = 1, 300 do s = '(' .. s .. ')' end return loadstring('return ' .. s)()",
            "attempt to call",
        ),
        (
            "local f = 1 for i = 1, 250 do local g = f f = function() return pcall(g) end end return unpack({}, 1, 1e8)",
            "too many results to unpack",
        ),
        (
            "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
            "loop in gettable",
        ),
    ] {
        let error = run(script);
        assert!(
            error.starts_with('-') && error.contains(text),
            "{script}: {error}"
        );
    }
    // The longest pattern, at its deepest, has room on the stack of a thread.
    let longest = "local p = ('a?'):rep(2048) return (('a'):rep(2048)):find(p)";
    assert_eq!(run(longest), ":1");
    let nested = "local function f(n) if n == 0 then return 0 end \
                  return select(2, pcall(f, n - 1)) + 1 end return f(150)";
    assert_eq!(run(nested), ":150");
    let deep = run("local t = {} t[1] = t return t");
    assert!(deep.starts_with("*1 *1 *1") && deep.ends_with("-ERR reached lua stack limit"));
}

#[test]
fn a_script_that_is_stopped_catches_nothing() {
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() while true do end end while true do xpcall(f, f) end",
        "while true do xpcall(function() while true do end end, function(e) return e end) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "table.sort({3, 2, 1}, function(a, b) while true do end end)",
        "(('x'):rep(10)):gsub('x', function() while true do end end)",
        "cjson.encode_sparse_array(false, 0) return cjson.encode({[2^31 - 1] = 1})",
        "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    ] {
        let mut host = Mock {
            ticks: Some(3),
            ..Mock::default()
        };
        let error = run_with(&mut engine(), &mut host, script, Protocol::Resp2);
        assert!(
            error.starts_with("-ERR Script killed by user with SCRIPT KILL... script: S"),
            "{script}: {error}"
        );
    }
}

#[test]
fn replies_are_bounded_together() {
    // The loop asks Lua for no memory.
    let script = "local kept = {}
        for i = 1, 1000 do kept[i] = false end
        for i = 1, 1000 do kept[i] = redis.call('many') end";
    let mut host = Mock::default();
    let error = run_with(&mut engine(), &mut host, script, Protocol::Resp2);
    assert!(error.starts_with("-ERR not enough memory"), "{error}");
    assert!(host.calls.len() < 100, "{} calls", host.calls.len());
}

#[test]
fn short_scripts_are_never_asked_about() {
    static TICKS: AtomicUsize = AtomicUsize::new(0);
    struct Counts(Mock);
    impl Host for Counts {
        fn call(&mut self, args: &Args<'_>) -> Reply {
            self.0.call(args)
        }
        fn permits(&mut self, args: &Args<'_>) -> Option<bool> {
            self.0.permits(args)
        }
        fn log(&mut self, level: Level, line: &[u8]) {
            self.0.log(level, line);
        }
        fn tick(&mut self) -> Option<Stop> {
            TICKS.fetch_add(1, SeqCst);
            None
        }
    }
    let mut engine = engine();
    let script = b"for i = 1, 100 do redis.call('echo', 'x') end";
    let digest = engine.load(script, false).unwrap();
    let mut host = Counts(Mock::default());
    let script = engine.find(&digest).expect("it is kept");
    engine.run(&script, arguments(&[], 0), &mut host).unwrap();
    assert_eq!(TICKS.load(SeqCst), 0);
}

#[test]
fn libraries_register_functions() {
    let mut engine = engine();
    let mut load = |code: &str, replace| match engine.load_library(code.as_bytes(), replace) {
        Ok(name) => String::from_utf8_lossy(&name).into_owned(),
        Err(error) => format!("-{}", String::from_utf8_lossy(&error.text)),
    };
    for (code, text) in [
        ("return 1", "ERR Missing library metadata"),
        ("#!lua", "ERR Invalid library metadata"),
        ("#!lua\n", "ERR Library name was not given"),
        ("#!js name=x\n", "ERR Engine 'js' not found"),
        (
            "#!lua name=x y=z\n",
            "ERR Invalid metadata value given: y=z",
        ),
        (
            "#!lua name=x-y\n",
            "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
        ),
        ("#!lua name=x\n", "ERR No functions registered"),
        (
            "#!lua name=x\nx x",
            "ERR Error compiling function: user_function:2: '=' expected near 'x'",
        ),
        (
            "#!lua name=x\nwhile true do end",
            "ERR Error registering functions: ERR FUNCTION LOAD timeout",
        ),
        (
            "#!lua name=x\nredis.register_function('a')",
            "ERR Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
        ),
        (
            "#!lua name=x\nredis.register_function('a', 'b')",
            "ERR Error registering functions: ERR second argument to redis.register_function must be a function",
        ),
        (
            "#!lua name=x\nreturn redis.call('x')",
            "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
        ),
    ] {
        assert_eq!(load(code, false), format!("-{text}"), "{code}");
    }
    let counter = "#!lua name=lib\nlocal n = 0\n\
                   redis.register_function('count', function(keys, args) n = n + 1 return {n, keys[1], args[1]} end)\n\
                   redis.register_function{function_name = 'ro', callback = function() return redis.call('echo', 'x') end, flags = {'no-writes'}, description = 'reads'}";
    assert_eq!(load(counter, false), "lib");
    assert_eq!(load(counter, false), "-ERR Library 'lib' already exists");
    let other = counter.replace("name=lib", "name=other");
    assert_eq!(load(&other, false), "-ERR Function count already exists");
    let mut call = |name: &str| {
        let mut host = Mock::default();
        let result = engine.call(name.as_bytes(), arguments(&[b"k", b"a"], 1), &mut host);
        result.map(|result| match result {
            Ok(reply) => encoded(reply, Protocol::Resp2),
            Err(error) => format!("-{}", String::from_utf8_lossy(&error.shown(b"f"))),
        })
    };
    assert_eq!(call("count").as_deref(), Some("*3 :1 $1 k $1 a"));
    assert_eq!(call("count").as_deref(), Some("*3 :2 $1 k $1 a"));
    assert_eq!(call("ro").as_deref(), Some("$1 x"));
    assert_eq!(call("nosuch"), None);
    assert!(engine.find_function(b"ro").unwrap().no_writes);
    assert!(engine.remove_library(b"lib") && !engine.remove_library(b"lib"));
    assert_eq!(engine.find_function(b"ro"), None);
}

#[test]
fn scripts_are_kept_by_digest() {
    let mut engine = engine();
    let digest = engine.load(b"return 1", true).unwrap();
    assert_eq!(digest, super::engine::digest(b"return 1"));
    let text = super::engine::shown_digest(&digest);
    assert_eq!(text, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    let upper = text.to_ascii_uppercase();
    assert_eq!(super::engine::parse_digest(upper.as_bytes()), Some(digest));
    assert_eq!(super::engine::parse_digest(b"e0e1"), None);
    for number in 0..50 {
        engine
            .load(format!("return {number} + 1").as_bytes(), false)
            .unwrap();
    }
    assert_eq!(engine.figures().scripts, 1 + LIMITS.scripts);
    assert!(engine.contains(&digest));
    engine.clear_scripts();
    assert!(!engine.contains(&digest) && engine.find(&digest).is_none());
}

#[test]
fn keys_and_arguments_come_apart_and_are_any_bytes() {
    let mut engine = engine();
    let script = "local n, m = #KEYS, #ARGV KEYS.x, ARGV.y = 1, 2 \
                  return {n, m, KEYS[1] or 0, KEYS[n] or 0, ARGV[1] or 0, ARGV[m] or 0}";
    let digest = engine.load(script.as_bytes(), false).unwrap();
    let bytes = |number: usize| vec![b'a', 0xff, number as u8, (number >> 8) as u8];
    let words: Vec<_> = (0..6000).map(bytes).collect();
    for (keys, others) in [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
        (2, 3),
        (100, 150),
        (100, 151),
        (0, 6000),
        (6000, 0),
        (3000, 3000),
    ] {
        let given = words.iter().take(keys + others).map(Vec::as_slice);
        let given = ScriptArguments::new(given, keys);
        let script = engine.find(&digest).expect("it is kept");
        let reply = engine.run(&script, given, &mut Mock::default());
        let word = |exists: bool, number: usize| match exists {
            true => bulk(words[number].clone()),
            false => integer(0),
        };
        let expected = [
            integer(keys as i64),
            integer(others as i64),
            word(keys > 0, 0),
            word(keys > 0, keys.max(1) - 1),
            word(others > 0, keys),
            word(others > 0, (keys + others).max(1) - 1),
        ];
        assert_eq!(reply, Ok(array(expected)), "{keys} keys, {others} others");
    }
}
