"""redis-cli and redis-benchmark on keys and lists, as a person at a shell uses them."""

import re

from harness import PORT, check, expect, run, unique, wait_until
from shell import background, benchmark, cli, execute, interactive, type_line, wait_for_output


@check("lists, strings and keys, printed for people")
def printed():
    key, text = unique("list"), unique("text")
    expect(cli("--no-raw", "rpush", key, "a", "b"), "(integer) 2\n")
    expect(cli("--no-raw", "lrange", key, "0", "-1"), '1) "a"\n2) "b"\n')
    expect(cli("lpop", key, "9"), "a\nb\n")
    expect(cli("--no-raw", "lpop", key), "(nil)\n")
    expect(cli("--no-raw", "lpop", key, "9"), "(nil)\n")
    expect(cli("-3", "--no-raw", "lrange", key, "0", "-1"), "(empty array)\n")
    expect(cli("-x", "set", text, stdin=b"from\nstdin"), "OK\n")
    expect(cli("--no-raw", "get", text), '"from\\nstdin"\n')
    expect(cli("--no-raw", "lpush", text, "x"),
           "(error) WRONGTYPE Operation against a key holding the wrong kind of value\n")
    expect(cli("--no-raw", "ttl", text), "(integer) -1\n")
    expect(cli("del", key, text), "1\n")


@check("-r, with a pause between")
def repeated():
    key = unique("counter")
    expect(cli("-r", "5", "incr", key), "1\n2\n3\n4\n5\n")
    expect(cli("-r", "3", "-i", "0.01", "--no-raw", "incrby", key, "10"), "(integer) 15\n(integer) 25\n(integer) 35\n")
    expect(cli("del", key), "1\n")


@check("blocking pops: one at a time, and again and again")
def blocking():
    key, done = unique("queue"), unique("done")
    for protocol in ((), ("-3",)):
        with background("-p", str(PORT), *protocol, "--raw", "-r", "3", "blpop", key, "0") as so_far:
            for number in range(3):
                expect(cli("rpush", key, str(number)), "1\n")
                wait_for_output(so_far, "".join(f"{key}\n{i}\n" for i in range(number + 1)))
        with background("-p", str(PORT), *protocol, "--raw", "blmove", key, done, "right", "left", "0") as so_far:
            expect(cli("lpush", key, "x"), "1\n")
            wait_for_output(so_far, "x\n")
        expect(cli("lpop", done), "x\n")
        expect(cli(*protocol, "--no-raw", "blmpop", "0.01", "2", key, done, "left"), "(nil)\n")


@check("interactive: MULTI, EXEC and a blocking pop")
def at_the_prompt():
    key, text = unique("list"), unique("text")
    for protocol in ((), ("-3",)):
        with interactive(*protocol) as terminal:
            type_line(terminal, "multi")
            terminal.expect_exact(f"127.0.0.1:{PORT}(TX)> ")
            for line in (f"rpush {key} a b", f"set {text} 1"):
                terminal.send(line + "\r")
                terminal.expect_exact("QUEUED")
                terminal.expect_exact(f"127.0.0.1:{PORT}(TX)> ")
            terminal.send("exec\r")
            terminal.expect_exact("1) (integer) 2\r\n2) OK")
            type_line(terminal, f"blpop {key} {text} 0")
            terminal.expect_exact(f'1) "{key}"\r\n2) "a"\r\n')
            type_line(terminal, f"del {key}")
            terminal.expect_exact("(integer) 1")
            type_line(terminal, f"brpop {key} 0")
            terminal.expect(r"brpop.*\r\n")
            wait_until(lambda: "blocked_clients:0" not in cli("info", "clients"), "the pop to wait")
            expect(cli("rpush", key, "at last"), "1\n")
            terminal.expect(rf'1\) "{key}"\r\n2\) "at last"\r\n')
            type_line(terminal, "quit")
    expect(cli("del", text), "1\n")


@check("--scan and --pattern")
def scan():
    stem = unique("scan")
    names = sorted(f"{stem}:{i}" for i in range(300))
    expect(cli("mset", *(word for name in names for word in (name, "x"))), "OK\n")
    expect(sorted(cli("--scan", "--pattern", f"{stem}:*").split()), names)
    expect(cli("--scan", "--pattern", f"{stem}:none"), "")
    expect(cli("del", *names), "300\n")


@check("--pipe with 10,000 LPUSH")
def pipe():
    key = unique("pipe")
    commands = b"".join(b"*3\r\n$5\r\nLPUSH\r\n$%d\r\n%s\r\n$%d\r\n%d\r\n" % (len(key), key.encode(), len(str(i)), i)
                        for i in range(10_000))
    assert "errors: 0, replies: 10000\n" in cli("--pipe", stdin=commands)
    expect(cli("llen", key), "10000\n")
    expect(cli("lrange", key, "0", "-1").split(), [str(i) for i in range(9_999, -1, -1)])
    refused = execute("redis-cli", "-p", str(PORT), "--pipe", stdin=f"GET {key}\r\nLPUSH {key} x\r\n".encode())
    expect(refused.returncode, 1)
    assert b"WRONGTYPE" in refused.stdout + refused.stderr and b"errors: 1, replies: 2\n" in refused.stdout, refused
    expect(cli("del", key), "1\n")


@check("--bigkeys, --memkeys and MEMORY USAGE")
def big_keys():
    long, large, short = unique("long"), unique("large"), unique("short")
    cli("rpush", long, *map(str, range(5_000)))
    cli("-x", "set", large, stdin=b"x" * (1 << 20))
    cli("set", short, "x")
    output = cli("--bigkeys")
    assert f'Biggest   list found "{long}" has 5000 items' in unquoted(output), output
    assert f'Biggest string found "{large}" has 1048576 bytes' in unquoted(output), output
    assert re.search(r"\n\d+ lists with \d+ items ", output) and re.search(r"\n\d+ strings with \d+ bytes ", output), output
    output = cli("--memkeys")
    sizes = dict(re.findall(r'Biggest +(\w+) found "[^"]*" has (\d+) bytes', unquoted(output)))
    assert int(sizes["list"]) >= 5_000 and int(sizes["string"]) >= 1 << 20, output
    assert int(cli("memory", "usage", large)) > int(cli("memory", "usage", short)) > 0
    expect(cli("--no-raw", "memory", "usage", unique("none")), "(nil)\n")
    expect(cli("del", long, large, short), "3\n")


def unquoted(output):
    """redis-cli 7.0 prints the keys' names as `"'name'"`, others as `"name"`."""
    return output.replace("\"'", '"').replace("'\"", '"')


@check("--stat counts keys and blocked clients")
def stat():
    key, text = unique("none"), unique("text")
    cli("set", text, "x")
    with background("-p", str(PORT), "blpop", key, "0"), interactive("--stat", "-i", "0.05") as terminal:
        keys = blocked = 0
        while blocked < 1:  # keys, memory, clients, blocked
            terminal.expect(r"\n(\d+) +\d[\d.]*[BKMG] +\d+ +(\d+) ")
            keys, blocked = int(terminal.match[1]), int(terminal.match[2])
        assert keys >= 1
    cli("del", text)


@check("redis-benchmark -P 16: LPUSH RPUSH LPOP RPOP SET GET INCR LRANGE")
def benchmarks():
    for protocol in ((), ("-3",)):
        output = benchmark(*protocol, "-t", "lpush,rpush,lpop,rpop,set,get,incr,lrange_100", "-P", "16", "-n", "20000", "-q")
        for test in ("LPUSH", "RPUSH", "LPOP", "RPOP", "SET", "GET", "INCR", r"LRANGE_100 \(first 100 elements\)"):
            assert re.search(rf"(?:\A|[\n\r]){test}: [\d.]+ requests per second", output), (test, output)
    # 20,000 twice from each end, the pops of it, and what LRANGE is prepared with.
    expect(cli("llen", "mylist"), "40000\n")
    expect(cli("get", "counter:__rand_int__"), "40000\n")
    expect(cli("del", "mylist", "counter:__rand_int__", "key:__rand_int__"), "3\n")


run("redis-cli queue")
