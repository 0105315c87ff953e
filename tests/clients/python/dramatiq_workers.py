"""Dramatiq with its Redis broker: delayed messages, retries, results, and killed workers' messages, which the others take up."""

import contextlib
import itertools
import sys
import time

import dramatiq
import redis
from dramatiq.results import ResultFailure

from dramatiq_tasks import broker, divide, hold, never_right, note, results, third_time
from harness import PORT, WAIT_LIMIT, check, expect, run, unique, wait_until
from processes import kill, worker_process

BOTH = (2, 3)
# For the worker that takes up what a killed one has left.
TAKES_UP = {"CHECK_HEARTBEAT": "2000"}
THREADS = 2


@contextlib.contextmanager
def application(protocol):
    """A namespace, and a client to look at its keys; leaves none behind. The broker that sends speaks RESP3, as by default."""
    name = unique("dramatiq")
    broker.namespace, results.namespace = name, f"{name}-results"
    with redis.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        try:
            yield name, r
        finally:
            for key in r.scan_iter(f"*{name}*"):
                r.delete(key)


def worker(namespace, protocol, **environment):
    """A worker, which runs its tasks in a process of its own. Both are killed at the end unless they have ended before."""
    command = [sys.executable, "-m", "dramatiq", "dramatiq_tasks", "--processes", "1", "--threads", str(THREADS)]
    return worker_process("dramatiq", command, {"CHECK_NAMESPACE": namespace, "CHECK_PROTOCOL": str(protocol)} | environment)


def get(message):
    return message.get_result(block=True, timeout=WAIT_LIMIT * 1000)


def log(r, key, count):
    """Waits for so many entries of the log, and returns every one: a text, the worker that wrote it, and when."""
    wait_until(lambda: r.llen(key) >= count, f"{count} notes")
    return [(text, int(pid), float(when)) for text, pid, when in map(str.split, r.lrange(key, 0, -1))]


def nothing_left(r, name):
    """Every message is acknowledged, and none is dead."""
    wait_until(lambda: broker.do_qsize("default") + broker.do_qsize("other") == 0, "every message to be acknowledged")
    left = [key for key in r.scan_iter(f"{name}:*") if not key.endswith(("-results", ":log", ":gate", ":__heartbeats__"))]
    expect(left, [])


@check("finds, by trying, how many values a script can unpack")
def unpack():
    expect(int(broker.scripts["maxstack"]()), 999 * 8)


@check("messages wait for a worker; results, errors, pipelines and groups", BOTH)
def immediate(protocol):
    with application(protocol) as (name, r):
        given = [divide.send(value, 4) for value in range(20)]
        expect((broker.do_qsize("default"), r.llen(f"{name}:default"), r.hlen(f"{name}:default.msgs")), (20, 20, 20))
        with worker(name, protocol):
            expect([get(message) for message in given], [value / 4 for value in range(20)])
            try:
                get(divide.send(1, 0))
            except ResultFailure as error:
                expect(str(error), "actor raised ZeroDivisionError: division by zero")
            else:
                raise AssertionError("no error")
            pipe = dramatiq.pipeline([divide.message(80, 2), divide.message(4)]).run()
            expect(pipe.get_result(block=True, timeout=WAIT_LIMIT * 1000), 0.1)
            group = dramatiq.group(divide.message(value, 1) for value in range(10)).run()
            expect(list(group.get_results(block=True, timeout=WAIT_LIMIT * 1000)), list(range(10)))
            wait_until(lambda: broker.do_qsize("default") == 0, "every message to be acknowledged")
        expect(r.zcard(f"{name}:default.XQ"), 1)  # the one that failed


@check("delayed messages run when they are due, in the order of their times", [3])
def delayed(protocol):
    with application(protocol) as (name, r):
        key = f"{name}:log"
        with worker(name, protocol):
            get(divide.send(1, 2))
            begin = time.time()
            for text, delay in (("late", 1500), ("now", None), ("soon", 500)):
                note.send_with_options(args=(key, text), delay=delay)
            for (text, _, when), (wanted, after) in zip(log(r, key, 3), (("now", 0), ("soon", 0.5), ("late", 1.5)), strict=True):
                expect(text, wanted)
                assert when >= begin + after - 0.002, (text, when - begin)
            nothing_left(r, name)


@check("retries: until it succeeds, and until there were too many", [3])
def retries(protocol):
    with application(protocol) as (name, r), worker(name, protocol):
        key, other = f"{name}:1:log", f"{name}:2:log"
        expect(get(third_time.send(key)), "right")
        expect(r.llen(key), 3)
        sent = never_right.send(other)
        wait_until(lambda: r.zcard(f"{name}:default.XQ") == 1, "the message to be given up")
        expect(r.lrange(other, 0, -1), ["try"] * 4)
        [dead] = map(dramatiq.Message.decode, broker.client.hvals(f"{name}:default.XQ.msgs"))
        expect((dead.message_id, dead.options["retries"]), (sent.message_id, 3))
        broker.flush_all()
        nothing_left(r, name)


@check("a killed worker's messages, delayed ones too, are done by the next one, which misses its heartbeat", BOTH)
def killed(protocol):
    with application(protocol) as (name, r):
        key, gate = f"{name}:log", f"{name}:gate"
        with worker(name, protocol) as first:
            for _ in range(THREADS):
                hold.send(key, gate)
            expect([entry[:2] for entry in log(r, key, THREADS)], [("hold", first.pid)] * THREADS)
            begin = time.time()
            for text in ("later", "latest"):
                note.send_with_options(args=(key, text), delay=3000 + 500 * (text == "latest"))
            for value in range(50):
                note.send(key, str(value))
            wait_until(lambda: fetched(r, name) == {"default": 2 * THREADS, "default.DQ": 2}, "the worker to fetch more")
        expect((broker.do_qsize("default"), fetched(r, name)), (54, {"default": 2 * THREADS, "default.DQ": 2}))
        r.set(gate, "open")
        with worker(name, protocol, **TAKES_UP) as second:
            notes = log(r, key, THREADS + 54)[THREADS:]
            expect(sorted(entry[:2] for entry in notes),
                   sorted((text, second.pid) for text in ["hold"] * THREADS + ["later", "latest", *map(str, range(50))]))
            when = {text: when for text, _, when in notes}
            assert begin + 3 <= when["later"] <= when["latest"] and when["latest"] >= begin + 3.5, (begin, when)
            nothing_left(r, name)


def fetched(r, name):
    """How many messages of each queue a worker has in hand."""
    return {key.split(".", 2)[2]: r.scard(key) for key in r.scan_iter(f"{name}:__acks__.*")}


@check("many messages, two workers, one killed on the way: each done, and again only what it had in hand", [3])
def shared_work(protocol):
    with application(protocol) as (name, r), worker(name, protocol) as first, worker(name, protocol, **TAKES_UP):
        key, numbers = f"{name}:log", itertools.count()

        def both_work():
            note.send(key, str(next(numbers)))
            return any(pid == first.pid for _, pid, _ in log(r, key, 0))

        wait_until(both_work, "the first worker's notes")
        kill(first)
        for _ in range(100):
            note.send(key, str(next(numbers)))
        sent = next(numbers)
        wait_until(lambda: len({text for text, _, _ in log(r, key, 0)}) == sent, "every message to be done")
        nothing_left(r, name)
        done = [int(text) for text, _, _ in log(r, key, sent)]
        expect(sorted(set(done)), list(range(sent)))
        assert len(done) <= sent + 2 * THREADS, (len(done), sent)


run("Dramatiq")
