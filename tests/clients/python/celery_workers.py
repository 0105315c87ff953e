"""Celery, with Redis as broker and for results: tasks at once, later and again, chords, priorities, and workers that are killed."""

import contextlib
import datetime
import json
import os
import signal
import sys
import time

import redis
from celery import chain, chord, group
from celery.exceptions import ChordError, TaskRevokedError
from celery.result import AsyncResult

from celery_tasks import DATABASE, PORT, app, divide, hold, never_right, number, say, third_time, total
from harness import WAIT_LIMIT, check, expect, run, wait_until
from processes import kill, worker_process

# For the worker that takes up what a killed one has left.
TAKES_UP = {"CHECK_VISIBILITY": "2"}


@contextlib.contextmanager
def application():
    """A client to look at the database, which is empty before and after."""
    with redis.Redis(port=PORT, db=DATABASE, decode_responses=True) as r:
        r.flushdb()
        try:
            yield r
        finally:
            r.flushdb()


def worker(name, concurrency=2, **environment):
    """A worker with processes of its own, which are killed at the end unless they have ended before."""
    command = [sys.executable, "-m", "celery", "--app", "celery_tasks", "worker", "--concurrency", str(concurrency),
               "--hostname", f"{name}@check", "--without-mingle"]
    return worker_process("celery", command, environment)


def freeze(process, r, results):
    """Stops a worker at a moment at which it can be killed. kombu takes a message off the queue first, and then notes
    that it has it: a message that it has in hand between the two is lost with it, whatever the server is."""
    given = {result.id for result in results}

    def nothing_in_hand():
        waiting = [json.loads(message) for message in r.lrange("celery", 0, -1)]
        taken = [json.loads(entry)[0] for entry in r.hvals("unacked")]
        done = {result.id for result in results if result.ready()}
        return given <= done | {message["headers"]["id"] for message in waiting + taken}

    def frozen():
        os.kill(process.pid, signal.SIGSTOP)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            if nothing_in_hand():
                return True
        os.kill(process.pid, signal.SIGCONT)
        return False

    wait_until(frozen, "a moment without a message in hand")


def stop(process):
    process.terminate()
    process.wait()
    expect(process.returncode, 0)


def get(result):
    return result.get(timeout=WAIT_LIMIT, interval=0.02)


def failure(result):
    try:
        value = get(result)
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError(f"got {value!r} instead of an error")


def log(r, count):
    """Waits for so many entries of the log, and returns every one: a text, the worker that wrote it, and when."""
    wait_until(lambda: r.llen("log") >= count, f"{count} notes")
    return [(text, int(worker), float(when)) for text, worker, when in map(str.split, r.lrange("log", 0, -1))]


def texts(r, count):
    return [text for text, _, _ in log(r, count)]


def nothing_left(r):
    wait_until(lambda: not r.exists("unacked", "unacked_index"), "every message to be acknowledged")
    # Results stay for a day, and so does what is left of a chord.
    expect([key for key in r.scan_iter("celery*") if not 0 < r.ttl(key) <= 86400], [])


@check("tasks wait for a worker, results and errors come back, chains and groups")
def results():
    with application() as r:
        waiting = [divide.delay(value, 4) for value in range(20)]
        expect((r.llen("celery"), waiting[0].state), (20, "PENDING"))
        with worker("one") as process:
            expect([get(result) for result in waiting], [value / 4 for value in range(20)])
            expect(failure(divide.delay(1, 0)), ("ZeroDivisionError", "division by zero"))
            expect(get(chain(divide.s(80, 2), divide.s(4), divide.s(5))()), 2.0)
            expect(get(group(say.s(f"g{value}") for value in range(10))()), [f"g{value}" for value in range(10)])
            expect({pid for _, pid, _ in log(r, 34)}, {process.pid})
            again = AsyncResult(waiting[7].id, app=app)
            expect((again.state, again.result, again.successful()), ("SUCCESS", 1.75, True))
            assert 86000 < r.ttl(f"celery-task-meta-{again.id}") <= 86400
            stop(process)
        nothing_left(r)


@check("countdown and eta: tasks run when they are due, in the order of their times")
def deferred():
    with application() as r, worker("one", concurrency=1):
        get(say.delay("first"))
        begin = time.time()
        late = say.apply_async(("late",), countdown=1.5)
        eta = datetime.datetime.fromtimestamp(begin + 1, datetime.timezone.utc)
        middle = say.apply_async(("middle",), eta=eta)
        soon = say.apply_async(("soon",), countdown=0.5)
        expect([get(result) for result in (late, middle, soon)], ["late", "middle", "soon"])
        for (text, _, when), (wanted, after) in zip(log(r, 4)[1:], (("soon", 0.5), ("middle", 1), ("late", 1.5)), strict=True):
            expect(text, wanted)
            assert when >= begin + after - 0.002, (text, when - begin)  # an eta has whole milliseconds or less
        nothing_left(r)


@check("retries: until it succeeds, and until there were too many")
def retries():
    with application() as r, worker("one"):
        right = [third_time.delay() for _ in range(5)]
        wrong = never_right.delay("wrong")
        expect([get(result) for result in right], [2] * 5)
        expect(failure(wrong), ("ZeroDivisionError", "division by zero"))
        expect(texts(r, 4), ["wrong"] * 4)
        nothing_left(r)


@check("priorities: the urgent ones first, those alike in the order in which they came")
def priorities():
    with application() as r:
        order = [(value * 7) % 10 for value in range(40)]
        given = [say.apply_async((f"{priority}-{value:02}",), priority=priority) for value, priority in enumerate(order)]
        expect(r.llen("celery"), 4)
        expect([r.llen(f"celery\x06\x16{priority}") for priority in range(1, 10)], [4] * 9)
        with worker("one", concurrency=1):
            for result in given:
                get(result)
            nothing_left(r)
        expect(texts(r, 40), sorted(f"{priority}-{value:02}" for value, priority in enumerate(order)))


@check("chords: the callback gets every result, once, also after retries; an error reaches it instead")
def chords():
    with application() as r, worker("one"):
        expect(get(chord((number.s(value) for value in range(50)), total.s())()), sum(range(50)))
        expect(get(chord([third_time.s(), number.s(5), chain(divide.s(8, 2), divide.s(2))], total.s())()), 9)
        # The result of one chord is a part of another.
        expect(get(chord([number.s(1), chord([number.s(2), number.s(3)], total.s())], total.s())()), 6)
        callback = chord([number.s(1), divide.s(1, 0)], total.s())()
        wait_until(lambda: callback.state == "FAILURE", "the callback to fail")
        assert isinstance(callback.result, ChordError), callback.result
        assert "ZeroDivisionError('division by zero')" in str(callback.result), callback.result
        expect(texts(r, 50).count("total"), 4)
        nothing_left(r)


@check("remote control: who is there, what waits for its time, and a task that is terminated")
def control():
    with application() as r, worker("one", concurrency=1), worker("two", concurrency=1):
        both = {"one@check", "two@check"}
        wait_until(lambda: (app.control.inspect(timeout=0.3).ping() or {}).keys() == both, "both workers' answers")
        running = hold.apply_async(("r",), acks_late=False)
        log(r, 1)
        expect(running.state, "STARTED")
        later = say.apply_async(("never",), countdown=3600)
        scheduled = wait_until(lambda: sum((app.control.inspect(timeout=0.3).scheduled() or {}).values(), []), "the later one")
        expect([task["request"]["id"] for task in scheduled], [later.id])
        running.revoke(terminate=True, signal="SIGKILL")
        expect(failure(running), (TaskRevokedError.__name__, "terminated"))
        expect(get(divide.delay(1, 2)), 0.5)
        expect(texts(r, 2), ["hold-r", "divide"])


@check("acks_late: a killed worker's task is done again by the next one, and its others once")
def killed():
    with application() as r:
        with worker("one", concurrency=1) as first:
            held = hold.delay("k")
            expect(log(r, 1)[0][:2], ("hold-k", first.pid))
            others = [number.delay(value) for value in range(20)]
            freeze(first, r, [held, *others])
        # What it had fetched beyond that one lies there too.
        wait_until(lambda: not [c for c in r.client_list() if c["db"] == str(DATABASE) and "b" in c["flags"]], "its end")
        left = r.hlen("unacked")
        expect((left in (1, 2), left + r.llen("celery"), r.zcard("unacked_index")), (True, 21, left))
        r.set("gate", "open")
        with worker("two", concurrency=1, **TAKES_UP) as second:
            expect([get(result) for result in (held, *others)], ["k", *range(20)])
            nothing_left(r)
        notes = [note[:2] for note in log(r, 22)]
        expect(sorted(notes[1:]), sorted([("hold-k", second.pid), *((str(value), second.pid) for value in range(20))]))


@check("many acks_late tasks, two workers, one killed on the way: each done, and again only what it had in hand")
def shared_work():
    with application() as r, worker("one") as first, worker("two", **TAKES_UP):
        given = []

        def both_work():
            given.append(number.delay(len(given)))
            return any(pid == first.pid for _, pid, _ in log(r, 0))

        wait_until(both_work, "the first worker's notes")
        freeze(first, r, given)
        kill(first)
        given += [number.delay(len(given) + more) for more in range(100)]
        expect([get(result) for result in given], list(range(len(given))))
        nothing_left(r)
        done = texts(r, len(given))
        expect(sorted(map(int, set(done))), list(range(len(given))))
        assert len(done) <= len(given) + 2, (len(done), len(given))  # it has two processes


@check("a chord of which a worker is killed: the callback comes once, with every result")
def killed_chord():
    with application() as r:
        with worker("one", concurrency=1) as first:
            result = chord([hold.s(1000), *(number.s(value) for value in range(10))], total.s())()
            expect(log(r, 1)[0][:2], ("hold-1000", first.pid))
            freeze(first, r, result.parent.results)
        r.set("gate", "open")
        with worker("two", concurrency=2, **TAKES_UP):
            expect(get(result), 1000 + sum(range(10)))
            nothing_left(r)
        expect(sorted(texts(r, 13)), sorted(["hold-1000", "hold-1000", "total", *map(str, range(10))]))


run("Celery")
