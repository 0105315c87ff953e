//! FUNCTION and FCALL.

use fanfare::Server;

use super::script::{until_busy, with_one_worker};
use crate::common::client::{Client, Frame};

commands! {
    "fcall" => fcall,
    "fcall_ro" => fcall_ro,
    "function" => function,
    "function|delete" => delete,
    "function|dump" => dump,
    "function|flush" => flush,
    "function|help" => help,
    "function|kill" => kill,
    "function|list" => list,
    "function|load" => load,
    "function|restore" => restore,
    "function|stats" => stats,
}

const LIBRARY: &str = "#!lua name=lib\n\
    redis.register_function('set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)\n\
    redis.register_function{function_name = 'get', description = 'reads', flags = {'no-writes'},\n\
    callback = function(keys, args) return redis.call('GET', keys[1]) end}";

impl Client {
    async fn loads(&mut self) {
        self.command(&["FUNCTION", "LOAD", "REPLACE", LIBRARY])
            .await;
        self.sees("$3 lib").await;
    }

    async fn fails(&mut self, request: &[&str], text: &str) {
        self.command(request).await;
        self.expect(format!("-{text}\r\n")).await;
    }
}

async fn fcall(_: &Server, client: &mut Client) {
    client.loads().await;
    client
        .script(&[
            ("FCALL set 1 k v", "+OK"),
            ("FCALL get 1 k", "$1 v"),
            ("FCALL nosuch 0", "-ERR Function not found"),
            ("FCALL get x", "-ERR Bad number of keys provided"),
            ("FCALL get -1", "-ERR Number of keys can't be negative"),
            (
                "FCALL get 1",
                "-ERR Number of keys can't be greater than number of args",
            ),
        ])
        .await;
    client
        .error(
            "FCALL set 0",
            "ERR Lua redis lib command arguments must be strings or integers script: set, on \
             @user_function:2.",
        )
        .await;
    client.arity("fcall", &["FCALL", "FCALL set"]).await;
}

async fn fcall_ro(_: &Server, client: &mut Client) {
    client.loads().await;
    client
        .script(&[
            ("FCALL_RO get 1 k", "_"),
            (
                "FCALL_RO set 1 k v",
                "-ERR Can not execute a script with write flag using *_ro command.",
            ),
        ])
        .await;
    client
        .arity("fcall_ro", &["FCALL_RO", "FCALL_RO get"])
        .await;
}

async fn function(_: &Server, client: &mut Client) {
    client.arity("function", &["FUNCTION"]).await;
    client
        .error(
            "FUNCTION NOSUCH",
            "ERR unknown subcommand 'NOSUCH'. Try FUNCTION HELP.",
        )
        .await;
}

async fn delete(_: &Server, client: &mut Client) {
    client.loads().await;
    client
        .script(&[
            ("FUNCTION DELETE lib", "+OK"),
            ("FUNCTION DELETE lib", "-ERR Library not found"),
            ("FCALL get 1 k", "-ERR Function not found"),
        ])
        .await;
    client
        .arity(
            "function|delete",
            &["FUNCTION DELETE", "FUNCTION DELETE a b"],
        )
        .await;
}

async fn dump(_: &Server, client: &mut Client) {
    client
        .error(
            "FUNCTION DUMP",
            "ERR fanfare does not write Redis's format of libraries; FUNCTION LIST WITHCODE shows them",
        )
        .await;
}

async fn restore(_: &Server, client: &mut Client) {
    client
        .error(
            "FUNCTION RESTORE x",
            "ERR fanfare does not read Redis's format of libraries; load them with FUNCTION LOAD",
        )
        .await;
}

async fn flush(_: &Server, client: &mut Client) {
    for request in [
        "FUNCTION FLUSH",
        "FUNCTION FLUSH SYNC",
        "FUNCTION FLUSH async",
    ] {
        client.loads().await;
        client.ask(request, "+OK").await;
        client.ask("FUNCTION LIST", "*0").await;
    }
    client
        .error(
            "FUNCTION FLUSH x",
            "ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
        )
        .await;
}

async fn help(_: &Server, client: &mut Client) {
    client.line("FUNCTION HELP").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    assert!(data.len() > 10);
    client.arity("function|help", &["FUNCTION HELP x"]).await;
}

async fn list(_: &Server, client: &mut Client) {
    client.ask("FUNCTION LIST", "*0").await;
    client.loads().await;
    let functions = "$9 functions *2 %3 $4 name $3 get $11 description $5 reads $5 flags ~1 +no-writes \
                     %3 $4 name $3 set $11 description _ $5 flags ~0";
    let shown = format!("*1 %3 $12 library_name $3 lib $6 engine $3 LUA {functions}");
    client.ask("FUNCTION LIST", &shown).await;
    client.ask("FUNCTION LIST LIBRARYNAME L*", &shown).await;
    client.ask("FUNCTION LIST LIBRARYNAME x*", "*0").await;
    client.line("FUNCTION LIST WITHCODE").await;
    let text = format!("{:?}", client.frame().await);
    assert!(text.contains("library_code"), "{text}");
    client
        .script(&[
            ("FUNCTION LIST x", "-ERR Unknown argument x"),
            (
                "FUNCTION LIST LIBRARYNAME",
                "-ERR library name argument was not given",
            ),
        ])
        .await;
}

async fn load(_: &Server, client: &mut Client) {
    client.loads().await;
    client
        .fails(
            &["FUNCTION", "LOAD", LIBRARY],
            "ERR Library 'lib' already exists",
        )
        .await;
    client
        .fails(
            &["FUNCTION", "LOAD", "x", LIBRARY],
            "ERR Unknown option given: x",
        )
        .await;
    client
        .fails(
            &["FUNCTION", "LOAD", "return 1"],
            "ERR Missing library metadata",
        )
        .await;
    // What fails changes nothing.
    let broken = LIBRARY.replace("'get'", "'get-it'");
    client
        .fails(
            &["FUNCTION", "LOAD", "REPLACE", &broken],
            "ERR Error registering functions: ERR Library names can only contain \
             letters, numbers, or underscores(_) and must be at least one character long",
        )
        .await;
    client.ask("FCALL get 1 k", "_").await;
    client.arity("function|load", &["FUNCTION LOAD"]).await;
}

async fn stats(_: &Server, client: &mut Client) {
    client.loads().await;
    client
        .ask(
            "FUNCTION STATS",
            "%2 $14 running_script _ $7 engines %1 $3 LUA %2 $15 libraries_count :1 $15 functions_count :2",
        )
        .await;
    client.arity("function|stats", &["FUNCTION STATS x"]).await;
}

async fn kill(_: &Server, client: &mut Client) {
    client
        .error(
            "FUNCTION KILL",
            "NOTBUSY No scripts in execution right now.",
        )
        .await;
    client.arity("function|kill", &["FUNCTION KILL x"]).await;
}

#[tokio::test]
async fn a_function_that_does_not_end_is_killed() {
    let server = with_one_worker().await;
    let mut slow = Client::connect(&server, 2).await;
    let mut other = Client::connect(&server, 2).await;
    let library = "#!lua name=lib\nredis.register_function('f', function() while true do end end)";
    slow.command(&["FUNCTION", "LOAD", library]).await;
    slow.sees("$3 lib").await;
    slow.line("FCALL f 0 arg").await;
    until_busy(&mut other).await;
    other
        .error(
            "SCRIPT KILL",
            "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
        )
        .await;
    other.line("FUNCTION STATS").await;
    let text = format!("{:?}", other.frame().await);
    assert!(
        text.contains("duration_ms") && text.contains("arg"),
        "{text}"
    );
    other.ask("FUNCTION KILL", "+OK").await;
    slow.expect(
        "-ERR Script killed by user with FUNCTION KILL... script: f, on @user_function:2.\r\n",
    )
    .await;
    server.stop().await;
}
