"""redis-cli and redis-benchmark, as a person at a shell uses them."""

import re
import subprocess

import pexpect

from harness import AUTH_PORT, PASSWORD, PORT, UNIX_SOCKET, check, expect, run, unique, wait_until
from shell import ENVIRONMENT, background, benchmark, cli, execute, interactive, type_line, wait_for_output


@check("PING, ECHO, TIME, SELECT, QUIT, RESET")
def connection_commands():
    expect(cli("ping"), "PONG\n")
    expect(cli("ping", "hello world"), "hello world\n")
    expect(cli("--no-raw", "echo", "a\tb"), '"a\\tb"\n')
    assert re.fullmatch(r"\d{10,}\n\d{1,6}\n", cli("time"))
    expect(cli("select", "0"), "OK\n")
    expect(cli("reset"), "RESET\n")
    expect(cli("-n", "1", "ping"), "PONG\n")
    expect(cli(stdin=b"ping\necho 'two words'\n"), "PONG\ntwo words\n")


@check("an unknown command")
def unknown_command():
    expect(cli("nosuchcommand", "a", "b"), "ERR unknown command 'nosuchcommand', with args beginning with: 'a' 'b' \n\n")
    failed = execute("redis-cli", "-p", str(PORT), "-e", "nosuchcommand")
    expect((failed.returncode, failed.stderr), (1, b"ERR unknown command 'nosuchcommand', with args beginning with: \n"))


@check("publish without a subscriber")
def publish():
    expect(cli("publish", unique("nobody"), "x"), "0\n")
    expect(cli("--no-raw", "publish", unique("nobody"), "x"), "(integer) 0\n")
    expect(cli("--no-raw", "publish", "only-a-channel"), "(error) ERR wrong number of arguments for 'publish' command\n")


@check("subscribe, raw")
def subscribe():
    a, b = unique("a"), unique("b")
    with background("-p", str(PORT), "--raw", "subscribe", a, b) as so_far:
        confirmed = f"subscribe\n{a}\n1\nsubscribe\n{b}\n2\n"
        wait_for_output(so_far, confirmed)
        expect(cli("publish", b, "hello world"), "1\n")
        expect(cli("publish", a, ""), "1\n")
        wait_for_output(so_far, f"{confirmed}message\n{b}\nhello world\nmessage\n{a}\n\n")


@check("subscribe, RESP3")
def subscribe_resp3():
    channel = unique("news")
    with background("-p", str(PORT), "-3", "--no-raw", "subscribe", channel) as so_far:
        confirmed = f'1) "subscribe"\n2) "{channel}"\n3) (integer) 1\n'
        wait_for_output(so_far, confirmed)
        expect(cli("-3", "publish", channel, "hi"), "1\n")
        wait_for_output(so_far, f'{confirmed}1) "message"\n2) "{channel}"\n3) "hi"\n')


@check("psubscribe")
def psubscribe():
    stem = unique("news")
    with background("-p", str(PORT), "--no-raw", "psubscribe", f"{stem}.*") as so_far:
        confirmed = f'1) "psubscribe"\n2) "{stem}.*"\n3) (integer) 1\n'
        wait_for_output(so_far, confirmed)
        expect(cli("publish", f"{stem}.art", "hi"), "1\n")
        expect(cli("publish", stem, "hi"), "0\n")
        wait_for_output(so_far, f'{confirmed}1) "pmessage"\n2) "{stem}.*"\n3) "{stem}.art"\n4) "hi"\n')


@check("ssubscribe and spublish")
def ssubscribe():
    channel = unique("shard")
    with background("-p", str(PORT), "--raw", "ssubscribe", channel) as so_far:
        wait_for_output(so_far, f"ssubscribe\n{channel}\n1\n")
        expect(cli("publish", channel, "hi"), "0\n")
        expect(cli("spublish", channel, "hi"), "1\n")
        expect(cli("pubsub", "shardnumsub", channel), f"{channel}\n1\n")
        expect(cli("pubsub", "shardchannels", channel), f"{channel}\n")
        wait_for_output(so_far, f"ssubscribe\n{channel}\n1\nsmessage\n{channel}\nhi\n")


@check("pubsub channels, numsub, numpat")
def pubsub():
    a, b = unique("a"), unique("b")
    patterns = int(cli("pubsub", "numpat"))
    with background("-p", str(PORT), "subscribe", a) as so_far, background("-p", str(PORT), "psubscribe", b) as other:
        wait_until(so_far, "the subscription")
        wait_until(other, "the pattern")
        expect(cli("pubsub", "channels", a), f"{a}\n")
        expect(cli("--no-raw", "pubsub", "numsub", a, b), f'1) "{a}"\n2) (integer) 1\n3) "{b}"\n4) (integer) 0\n')
        expect(cli("-3", "--no-raw", "pubsub", "numsub", a), f'1) "{a}"\n2) (integer) 1\n')
        expect(int(cli("pubsub", "numpat")), patterns + 1)
    wait_until(lambda: cli("pubsub", "numsub", a) == f"{a}\n0\n", "the subscriber's disconnection")
    expect(cli("--no-raw", "pubsub", "channels", a), "(empty array)\n")


@check("a payload of 1 MiB from stdin")
def payload_from_stdin():
    channel = unique("stdin")
    with background("-p", str(PORT), "--raw", "subscribe", channel) as so_far:
        wait_until(so_far, "the subscription")
        expect(cli("-x", "publish", channel, stdin=b"x" * (1 << 20)), "1\n")
        wait_for_output(so_far, f"subscribe\n{channel}\n1\nmessage\n{channel}\n{'x' * (1 << 20)}\n")


@check("--pipe with 1,000 PUBLISH")
def pipe():
    channel = unique("pipe")
    with background("-p", str(PORT), "subscribe", channel) as so_far:
        confirmed = f"subscribe\n{channel}\n1\n"
        wait_for_output(so_far, confirmed)
        commands = "".join(f"PUBLISH {channel} {i}\r\n" for i in range(1000))
        assert "errors: 0, replies: 1000\n" in cli("--pipe", stdin=commands.encode())
        wait_for_output(so_far, confirmed + "".join(f"message\n{channel}\n{i}\n" for i in range(1000)))


@check("-a, --user, -u, REDISCLI_AUTH and a wrong password")
def passwords():
    def ping(*arguments, **environment):
        done = subprocess.run(["redis-cli", *arguments, "ping"], capture_output=True, text=True, timeout=60,
                              env=ENVIRONMENT | environment)
        return done.stdout.strip(), done.stderr.strip()

    warning = "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe."
    port = str(AUTH_PORT)
    expect(ping("-p", port), ("NOAUTH Authentication required.", ""))
    expect(ping("-p", port, "-a", PASSWORD), ("PONG", warning))
    expect(ping("-p", port, "--no-auth-warning", "-a", PASSWORD), ("PONG", ""))
    expect(ping("-p", port, "--no-auth-warning", "--user", "default", "-a", PASSWORD), ("PONG", ""))
    expect(ping("-p", port, "-3", "--no-auth-warning", "-a", PASSWORD), ("PONG", ""))
    expect(ping("-p", port, REDISCLI_AUTH=PASSWORD), ("PONG", ""))
    expect(ping("--no-auth-warning", "-u", f"redis://default:{PASSWORD}@127.0.0.1:{port}"), ("PONG", ""))
    expect(ping("-p", port, "--no-auth-warning", "-a", "wrong"),
           ("NOAUTH Authentication required.",
            "AUTH failed: WRONGPASS invalid username-password pair or user is disabled."))


@check("info, and --stat, which reads it again and again")
def info():
    text = cli("info")
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    for name in ("redis_version", "run_id", "tcp_port", "connected_clients", "maxmemory_policy", "pubsub_channels",
                 "pubsub_patterns"):
        assert name in fields, f"no {name} in INFO"
    expect((fields["redis_mode"], fields["role"], fields["loading"]), ("standalone", "master", "0"))
    sections = [line for line in text.splitlines() if line.startswith("# ")]
    assert {"# Server", "# Clients", "# Memory", "# Stats", "# Replication"} <= set(sections), sections
    assert cli("-3", "info", "clients").startswith("# Clients")
    with interactive("--stat", "-i", "0.05") as terminal:
        requests = []
        while len(requests) < 4:
            # keys, memory, clients, blocked, requests (+since the last line), connections
            terminal.expect(r"\n(\d+) +(\d[\d.]*[BKMG]) +(\d+) +(\d+) +(\d+) \(\+(\d+)\) +(\d+) ")
            assert int(terminal.match[3]) >= 1
            requests.append(int(terminal.match[5]))
        assert requests[0] < requests[-1], requests


@check("client list, info, kill")
def client():
    expect(cli("client", "getname"), "\n")
    fields = dict(pair.split("=", 1) for pair in cli("client", "info").split())
    expect((fields["flags"], fields["resp"], fields["cmd"]), ("N", "2", "client|info"))
    expect(int(fields["laddr"].rsplit(":", 1)[1]), PORT)
    channel = unique("list")
    with background("-p", str(PORT), "subscribe", channel) as so_far:
        wait_until(so_far, "the subscription")
        listed = [dict(pair.split("=", 1) for pair in line.split()) for line in cli("client", "list").splitlines()]
        mine, = [c for c in listed if c["cmd"] == "client|list"]
        expect((mine["sub"], mine["psub"], mine["flags"]), ("0", "0", "N"))
        assert any(c["sub"] == "1" and c["flags"] == "P" and c["cmd"] == "subscribe" for c in listed), listed
    expect(cli("client", "kill", "id", "999999999"), "0\n")
    expect(cli("client", "kill", "127.0.0.1:1"), "ERR No such client\n\n")
    expect(cli("client", "nosuch"), "ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\n\n")


@check("config get, command, hello")
def config():
    name, value = cli("config", "get", "maxclients").splitlines()
    assert name == "maxclients" and int(value) > 0, (name, value)
    expect(cli("-3", "--no-raw", "config", "get", "maxclients"), f'1# "maxclients" => "{value}"\n')
    expect(cli("--no-raw", "config", "get", "no-such-setting"), "(empty array)\n")
    expect(cli("config", "set", "no-such-setting", "1"),
           "ERR Unknown option or number of arguments for CONFIG SET - 'no-such-setting'\n\n")
    names = [name for name in cli("command", "list").split() if "|" not in name]
    expect(int(cli("command", "count")), len(names))
    assert {"publish", "subscribe", "pubsub", "hello"} <= set(names), names
    docs = cli("command", "docs", "publish").splitlines()
    expect((docs[:2], docs[docs.index("group") + 1]), (["publish", "summary"], "pubsub"))
    lines = cli("hello", "2").split("\n")
    expect((lines[:2], lines[4:6], lines[8:]),
           (["server", "redis"], ["proto", "2"], ["mode", "standalone", "role", "master", "modules", "", ""]))
    expect(cli("hello", "4"), "NOPROTO unsupported protocol version\n\n")


@check("inline commands through bash's /dev/tcp")
def inline():
    def say(line, replies=1):
        script = f"exec 3<>/dev/tcp/127.0.0.1/{PORT}; printf '%s\\r\\n' \"$1\" >&3; head -n {replies} <&3"
        done = execute("bash", "-c", script, "inline", line)
        expect((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    channel = unique("inline")
    expect(say("PING"), "+PONG\r\n")
    expect(say('ECHO "two words\\x21"', replies=2), "$10\r\ntwo words!\r\n")
    expect(say("PING\r\nPING", replies=2), "+PONG\r\n+PONG\r\n")
    expect(say('PING "unbalanced'), "-ERR Protocol error: unbalanced quotes in request\r\n")
    expect(say(f"SUBSCRIBE {channel}", replies=6),
           f"*3\r\n$9\r\nsubscribe\r\n${len(channel)}\r\n{channel}\r\n:1\r\n")
    with background("-p", str(PORT), "subscribe", channel) as so_far:
        wait_until(so_far, "the subscription")
        wait_until(lambda: say(f"PUBSUB NUMSUB {channel}", replies=4).endswith(":1\r\n"), "one subscriber")
        expect(say(f"PUBLISH {channel} 'it''s'"), "-ERR Protocol error: unbalanced quotes in request\r\n")
        expect(say(f"PUBLISH {channel} 'two words'"), ":1\r\n")
        wait_for_output(so_far, f"subscribe\n{channel}\n1\nmessage\n{channel}\ntwo words\n")


@check("-s, the Unix socket")
def unix_socket():
    channel = unique("unix")
    expect(execute("redis-cli", "-s", UNIX_SOCKET, "ping").stdout, b"PONG\n")
    with background("-s", UNIX_SOCKET, "subscribe", channel) as so_far:
        wait_until(so_far, "the subscription")
        expect(cli("publish", channel, "from tcp"), "1\n")
        expect(execute("redis-cli", "-s", UNIX_SOCKET, "publish", channel, "from unix").stdout, b"1\n")
        wait_for_output(so_far, f"subscribe\n{channel}\n1\nmessage\n{channel}\nfrom tcp\nmessage\n{channel}\nfrom unix\n")


@check("interactive: HELP PUBLISH and a hint while typing")
def interactive_help():
    style = r"(?:\x1b\[[\d;]*m| )*"
    for protocol in ((), ("-3",)):
        with interactive(*protocol) as terminal:
            type_line(terminal, "HELP PUBLISH")
            terminal.expect(rf"PUBLISH{style}channel message")
            terminal.expect(r"summary:")
            terminal.expect_exact(f"127.0.0.1:{PORT}> ")
            terminal.send("publish ")
            terminal.expect_exact("channel message")
            terminal.send("nobody:interactive hi\r")
            terminal.expect_exact("(integer) 0")
            type_line(terminal, "quit")
            terminal.expect(pexpect.EOF)


@check("interactive: subscribe, a message, Ctrl-C")
def interactive_subscribe():
    channel = unique("news")
    with interactive() as terminal:
        type_line(terminal, f"subscribe {channel}")
        terminal.expect_exact("Reading messages... (press Ctrl-C to quit")
        terminal.expect_exact('"subscribe"')
        terminal.expect_exact("(integer) 1")
        expect(cli("publish", channel, "to a terminal"), "1\n")
        terminal.expect_exact('"message"')
        terminal.expect_exact('"to a terminal"')
        terminal.sendintr()  # up to 7.0 redis-cli exits, since 7.2 it comes back to its prompt
        if terminal.expect([pexpect.EOF, re.escape(f"127.0.0.1:{PORT}> ")]) == 1:
            terminal.send("quit\r")
            terminal.expect(pexpect.EOF)
    wait_until(lambda: cli("pubsub", "numsub", channel) == f"{channel}\n0\n", "the subscription's end")


@check("redis-benchmark -t ping -P 16")
def benchmark_ping():
    output = benchmark("-t", "ping", "-P", "16", "-n", "100000", "-q")
    for test in ("PING_INLINE: ", "PING_MBULK: "):
        assert re.search(test + r"[\d.]+ requests per second", output), output


@check("redis-benchmark -P 16 publish, to a subscriber")
def benchmark_publish():
    channel = unique("benchmark")
    for protocol in ((), ("-3",)):
        with background("-p", str(PORT), "subscribe", channel) as so_far:
            wait_until(lambda: cli("pubsub", "numsub", channel) == f"{channel}\n1\n", "one subscriber")
            output = benchmark(*protocol, "-P", "16", "-n", "50000", "publish", channel, "msg")
            assert "50000 requests completed" in output, output
            wait_for_output(so_far, f"subscribe\n{channel}\n1\n" + f"message\n{channel}\nmsg\n" * 50000)


run("redis-cli")
