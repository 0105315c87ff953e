"""The snippets of README.md and docs/, run as they are printed, but for the port and the path of the binary."""

import contextlib
import glob
import os
import re
import subprocess
import sys
import tempfile

import redis

from harness import PORT, check, expect, run, wait_until

CHANNEL = "test_channel"
PAGES = ["README.md", *glob.glob("docs/*.md")]


def snippets(page, language, section=""):
    """The code blocks of a language on a page, of one `##` section or all, in order, talking to the server under test."""
    with open(page) as file:
        text = file.read()
    if section:
        text = re.search(rf"^## {section}.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[0]
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block.replace("6379", str(PORT)).replace("redis-cli ", f"redis-cli -p {PORT} ") for block in blocks]


BASH = snippets("README.md", "bash", "Try it")
PYTHON = snippets("README.md", "python", "Try it")
QUEUE = snippets("docs/work-queues.md", "python")
LOG = snippets("docs/event-log.md", "python")


def subscribers():
    client = redis.Redis(port=PORT, decode_responses=True)
    try:
        return client.pubsub_numsub(CHANNEL)[0][1]
    finally:
        client.close()


def two_days_ago():
    """In milliseconds, by the server's clock."""
    client = redis.Redis(port=PORT)
    try:
        return (client.time()[0] - 2 * 24 * 60 * 60) * 1000
    finally:
        client.close()


def once(*command):
    """What a program that ends by itself prints."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    expect((done.returncode, done.stderr), (0, ""))
    return done.stdout


@contextlib.contextmanager
def subscribed(*command):
    """A program that has subscribed and goes on; yields a function that returns its output so far."""
    with tempfile.NamedTemporaryFile("r") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output.fileno(),
                                   stderr=subprocess.STDOUT, start_new_session=True)

        def so_far():
            with open(output.name) as file:
                return file.read()

        try:
            wait_until(lambda: subscribers() == 1, f"{command} to subscribe; it printed {so_far()!r}")
            yield so_far
        finally:
            os.killpg(process.pid, 9)
            process.wait()
    wait_until(lambda: subscribers() == 0, "the subscriber to be gone")


@check("redis-cli")
def _():
    with subscribed("bash", "-c", BASH[0]) as output:
        expect(once("bash", "-c", BASH[1]), "1\n")
        wait_until(lambda: output().endswith("message\ntest_channel\nhello\n"), "the message")


@check("bash without redis-cli")
def _():
    with subscribed("bash", "-c", BASH[2]) as output:
        expect(once("bash", "-c", BASH[3]), "")
        message = "*3\n$7\nmessage\n$12\ntest_channel\n$5\nhello\n"
        wait_until(lambda: output().replace("\r", "").endswith(message), "the message")


@check("redis-py")
def _():
    with subscribed(sys.executable, "-c", PYTHON[0]) as output:
        expect(once(sys.executable, "-c", PYTHON[1]), "1\n")
        wait_until(lambda: output() == "test_channel hello\n", "the message")


@check("a server in a Python test")
def _():
    binary = os.environ.get("CHECK_BINARY")
    if not binary:
        return  # the server under test is one that runs already
    names = {}
    server, = snippets("docs/embedding.md", "python")
    exec(server.replace("target/release/fanfare", binary), names)
    with names["fanfare"]() as port:
        client = redis.Redis(port=port, decode_responses=True)
        expect(client.publish(CHANNEL, "hello"), 0)
        client.close()


@check("a server in a Rust test")
def _():
    # It is compiled and run where it comes from.
    test, = snippets("README.md", "rust")
    assert test in open("examples/embedded_test.rs").read()


@check("a queue with redis-cli")
def _():
    queue, = snippets("README.md", "bash", "Queues")
    expect(once("bash", "-c", queue), "1\norders\norder 1\n")


@check("a work queue: producer, consumer, reaper")
def _():
    producer, consumer, reaper, _ = QUEUE
    with redis.Redis(port=PORT, decode_responses=True) as r:
        r.delete("consumer:bob:alive")
        expect(once(sys.executable, "-c", producer), "1\n2\n3\n")
        # Bob takes two orders, finishes neither, and is never heard of again.
        for order in ("order 1", "order 2"):
            expect(r.blmove("orders", "orders:processing:bob", 1, src="RIGHT", dest="LEFT"), order)
        # Ann has one too, and a heartbeat.
        r.set("consumer:ann:alive", 1, ex=60)
        expect(r.blmove("orders", "orders:processing:ann", 1, src="RIGHT", dest="LEFT"), "order 3")
        expect(once(sys.executable, "-c", reaper), "put back order 2\nput back order 1\n")
        expect(r.lrem("orders:processing:ann", 1, "order 3"), 1)
        expect(once(sys.executable, "-c", consumer), "processed order 1\nprocessed order 2\n")
        expect(r.exists("orders", "orders:processing:ann", "orders:processing:bob"), 0)
        expect(r.delete("consumer:ann:alive"), 1)


@check("priorities and fan-out")
def _():
    with redis.Redis(port=PORT) as r:
        expect(once(sys.executable, "-c", QUEUE[3]),
               "['orders:urgent', ['order 5']]\n['orders:normal', ['order 4']]\n[1, 1]\n")
        expect(r.delete("orders:billing", "orders:shipping"), 2)


@check("an event log with redis-cli")
def _():
    log, = snippets("README.md", "bash", "Event logs")
    with redis.Redis(port=PORT) as r:
        try:
            output = once("bash", "-c", log)
            assert re.fullmatch(r"OK\n(\d+-\d+)\nevents\n\1\nuser\nann\n", output), output
        finally:
            r.delete("events")


@check("an event log: producer, group, consumers, audit, retention")
def _():
    producer, group, consumer, reaper, audit, retention = LOG
    users = ("old", "ann", "bob", "eve")
    with redis.Redis(port=PORT, decode_responses=True) as r:
        try:
            old = r.xadd("events", {"service": "web", "kind": "login", "user": "old"}, id=f"{two_days_ago()}-*")
            ids = once(sys.executable, "-c", producer).split()
            expect([old, *ids], [id for id, _ in r.xrange("events")])
            expect(len(ids), 3)
            expect(once(sys.executable, "-c", group), "True\n")

            # Bob reads two events, acknowledges neither, and is never heard of again.
            (_, taken), = r.xreadgroup("analytics", "bob", {"events": ">"}, count=2)
            expect([id for id, _ in taken], [old, ids[0]])
            expect(once(sys.executable, "-c", consumer), "counted login bob\ncounted login eve\n")

            # One of his two is idle for long enough, and then the other one is.
            for id, user in ((old, "old"), (ids[0], "ann")):
                expect(r.xclaim("events", "analytics", "bob", 0, [id], idle=120_000, justid=True), [id])
                expect(once(sys.executable, "-c", reaper), f"claimed login {user}\n")
            expect(r.xpending("events", "analytics")["pending"], 0)

            seen = "".join(f"seen login {user}\n" for user in users)
            counts = "analytics pending 0 unread 0\naudit pending 0 unread 0\n"
            expect(once(sys.executable, "-c", audit), seen + counts)
            expect(once(sys.executable, "-c", retention), "1 removed\n")
            expect([id for id, _ in r.xrange("events")], ids)
        finally:
            r.delete("events")


@check("none is left out")
def _():
    languages = ("bash", "python", "rust", "js")
    counts = [sum(len(snippets(page, language)) for page in PAGES) for language in languages]
    expect((counts, len(BASH), len(PYTHON), len(QUEUE), len(LOG)), ([6, 13, 1, 1], 4, 2, 4, 6))


run("README")
