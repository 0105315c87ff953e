"""Huey: RedisHuey and PriorityRedisHuey with consumer processes; scheduled tasks, retries, locks, and a consumer that is killed."""

import contextlib
import functools
import sys
import time

import redis
from huey.exceptions import TaskException

from harness import PORT, WAIT_LIMIT, check, expect, run, unique, wait_until
from processes import kill, worker_process
from huey_tasks import create

VARIANTS = (("RedisHuey", 2), ("PriorityRedisHuey", 3))


def each(title):
    """Registers a check for both kinds, one of which speaks RESP2 and the other RESP3."""

    def register(function):
        for kind, protocol in VARIANTS:
            check(f"{kind}: {title} [RESP{protocol}]")(functools.partial(function, kind, protocol))

    return register


@contextlib.contextmanager
def application(kind, protocol):
    """A queue, its tasks, and a client to look at it; leaves no key behind."""
    name = unique("huey").replace(":", "")  # Huey takes only letters and digits
    huey, tasks = create(kind, name, protocol)
    with redis.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        try:
            yield huey, tasks, r
        finally:
            for key in r.scan_iter(f"*{name}*"):
                r.delete(key)
            huey.storage.pool.disconnect()


def consumer(huey, kind, protocol, *options):
    """A consumer, killed at the end, with the processes of its workers, unless it has ended before."""
    environment = {"CHECK_KIND": kind, "CHECK_QUEUE": huey.name, "CHECK_PROTOCOL": str(protocol)}
    command = [sys.executable, "-m", "huey.bin.huey_consumer", "huey_tasks.huey", "--no-periodic", *options]
    return worker_process("huey_consumer", command, environment)


def get(result):
    return result.get(blocking=True, timeout=WAIT_LIMIT)


def failure(result):
    try:
        value = get(result)
    except TaskException as error:
        return error.metadata["error"]
    raise AssertionError(f"got {value!r} instead of an error")


def outcome(huey, result):
    try:
        return huey.result(result.id, preserve=True)
    except TaskException:
        return None


def log(r, key, count):
    """Waits for so many entries of the log, and returns every one: a text, the process that wrote it, and when."""
    wait_until(lambda: r.llen(key) >= count, f"{count} notes")
    return [(text, int(pid), float(when)) for text, pid, when in map(str.split, r.lrange(key, 0, -1))]


@each("tasks wait for a consumer, which does them in order; results and errors come back")
def results(kind, protocol):
    with application(kind, protocol) as (huey, tasks, r):
        divide, note, key = tasks.divide, tasks.note, f"{huey.name}log"
        given = [divide(value, 4) for value in range(20)]
        expect((huey.pending_count(), [task.args for task in huey.pending(3)]), (20, [(0, 4), (1, 4), (2, 4)]))
        noted = [note(key, str(value)) for value in range(20)]
        expect(noted[7].revoke(), None)
        if kind == "PriorityRedisHuey":
            noted += [note(key, "urgent", priority=9), note(key, "soon", priority=5)]
        with consumer(huey, kind, protocol) as process:
            expect([get(result) for result in given], [value / 4 for value in range(20)])
            expect(failure(divide(1, 0)), "ZeroDivisionError('division by zero')")
            expect([get(result) for result in huey.enqueue(divide.s(80, 2).then(divide, 80))], [40, 2])
            wanted = ["urgent", "soon"] if kind == "PriorityRedisHuey" else []
            wanted += [str(value) for value in range(20) if value != 7]
            expect([entry[:2] for entry in log(r, key, len(wanted))], [(text, process.pid) for text in wanted])
        expect((huey.pending_count(), huey.scheduled_count()), (0, 0))


@each("scheduled tasks run when they are due, in the order of their times, also when the consumer was killed before")
def scheduled(kind, protocol):
    with application(kind, protocol) as (huey, tasks, r):
        note, key = tasks.note, f"{huey.name}log"
        with consumer(huey, kind, protocol, "--scheduler-interval", "60") as first:
            get(tasks.divide(1, 2))
            begin = time.time()
            never, revoked, late, soon = (note.schedule((key, text), delay=delay) for text, delay in
                                          (("never", 3600), ("revoked", 0.6), ("late", 1.6), ("soon", 0.4)))
            wait_until(lambda: huey.scheduled_count() == 4, "the consumer to schedule them")
            revoked.revoke()
            kill(first)
        with consumer(huey, kind, protocol) as second:
            expect([get(late), get(soon)], ["late", "soon"])
            for (text, pid, when), (wanted, after) in zip(log(r, key, 2), (("soon", 0.4), ("late", 1.6)), strict=True):
                expect((text, pid), (wanted, second.pid))
                assert when >= begin + after - 0.001, (text, when - begin)
        expect([task.id for task in huey.scheduled()], [never.id])
        expect((never.revoke(), never.is_revoked()), (None, True))


@each("retries, at once and later, until it succeeds and until none is left")
def retries(kind, protocol):
    with application(kind, protocol) as (huey, tasks, r), consumer(huey, kind, protocol, "--workers", "2"):
        key, begin = f"{huey.name}log", time.time()
        right, wrong = tasks.last_time(key, "right", True), tasks.last_time(key, "wrong", False)
        later = huey.enqueue(tasks.last_time.s(key, "later", True, retries=1, retry_delay=0.2))
        notes = log(r, key, 8)
        expect(sorted(text for text, _, _ in notes),
               ["later-0", "later-1", "right-0", "right-1", "right-2", "wrong-0", "wrong-1", "wrong-2"])
        [again] = [when for text, _, when in notes if text == "later-0"]
        assert again >= begin + 0.2, again - begin
        # Each try that fails leaves an error, which the next one's result replaces.
        for result, text in ((right, "right"), (later, "later")):
            wait_until(lambda: outcome(huey, result) == text, "the last result")
        expect(failure(wrong), "ValueError('not yet')")
        expect((huey.pending_count(), huey.scheduled_count()), (0, 0))


@each("a lock lets one task at a time through, in two processes with two workers each")
def locks(kind, protocol):
    with application(kind, protocol) as (huey, tasks, r), contextlib.ExitStack() as stack:
        counter = f"{huey.name}counter"
        for _ in range(2):
            stack.enter_context(consumer(huey, kind, protocol, "--workers", "2", "--worker-type", "process"))
        for _ in range(30):
            tasks.add_locked(counter)
        wait_until(lambda: int(r.get(counter) or 0) >= 30, "every task")
        wait_until(lambda: huey.pending_count() == 0 and not huey.is_locked("add"), "the last task's end")
        expect(r.get(counter), "30")


@each("a killed consumer takes with it only the task that it had begun; its lock stays until it is flushed")
def killed(kind, protocol):
    with application(kind, protocol) as (huey, tasks, r):
        note, hold = tasks.note, tasks.hold
        key, gate = f"{huey.name}log", f"{huey.name}gate"
        hold(key, gate)
        for value in range(100):
            note(key, str(value))
        with consumer(huey, kind, protocol) as first:
            expect(log(r, key, 1)[0][:2], ("hold", first.pid))
        expect((huey.pending_count(), huey.is_locked("hold")), (100, True))
        r.set(gate, "open")
        with consumer(huey, kind, protocol) as second:
            expect([entry[:2] for entry in log(r, key, 101)[1:]], [(str(value), second.pid) for value in range(100)])
            assert failure(hold(key, gate)).startswith("TaskLockedException"), "the lock is there"
        with consumer(huey, kind, protocol, "--flush-locks"):
            expect(get(hold(key, gate)), "held")
        expect((r.llen(key), huey.pending_count(), huey.is_locked("hold")), (102, 0, False))


run("Huey")
