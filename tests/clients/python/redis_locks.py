"""redis-py's Lock and python-redis-lock: contention between processes, a holder that is killed, time that is extended, locks that are lost."""

import asyncio
import contextlib
import functools
import logging
import os
import subprocess
import sys
import threading

import redis
import redis.asyncio
import redis_lock
from redis.exceptions import LockError, LockNotOwnedError

from harness import PORT, check, expect, refused, run, unique, wait_until
from redis_locks_process import python_redis_lock, redis_py

BOTH = (2, 3)
# For `reset_all`, which takes away everybody's locks.
DATABASE = 12


@contextlib.contextmanager
def application(protocol, db=0):
    """A name for a lock, and a client; leaves no key behind."""
    name = unique("lock")
    with redis.Redis(port=PORT, db=db, protocol=protocol, decode_responses=True) as r:
        try:
            yield name, r
        finally:
            for key in r.scan_iter(f"*{name}*"):
                r.delete(key)


@contextlib.contextmanager
def process(kind, protocol, name, work, argument):
    """A process that wants the lock, killed at the end unless it has ended before."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "redis_locks_process.py")
    child = subprocess.Popen([sys.executable, program, kind.__name__, str(protocol), name, work, str(argument)],
                             stdin=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def each(title):
    """Registers a check for both libraries, each under one protocol."""

    def register(function):
        for kind, protocol in ((redis_py, 3), (python_redis_lock, 2)):
            check(f"{kind.__name__}: {title}", [protocol])(functools.partial(function, kind))

    return register


@each("four processes add 200 in two steps each")
def contention(kind, protocol):
    with application(protocol) as (name, r), contextlib.ExitStack() as stack:
        for child in [stack.enter_context(process(kind, protocol, name, "add", 50)) for _ in range(4)]:
            expect(child.wait(), 0)
        expect(r.get(f"{name}:counter"), "200")
        expect([key for key in r.scan_iter(f"*{name}*") if "signal" not in key], [f"{name}:counter"])


@each("a killed process' lock is free when its time is over")
def killed(kind, protocol):
    with application(protocol) as (name, r):
        with process(kind, protocol, name, "hold", 1):
            wait_until(lambda: r.llen(f"{name}:holders") == 1, "the process to hold the lock")
        with process(kind, protocol, name, "hold", 60) as second:
            wait_until(lambda: r.llen(f"{name}:holders") == 2, "the next one to hold it")
            expect(r.lrange(f"{name}:holders", -1, -1), [str(second.pid)])
            lock = kind(r, name, 1)
            expect((lock.locked(), lock.acquire(blocking=False)), (True, False))


@check("redis_py: acquire, extend, reacquire and release, each of which tells a lock that was lost", BOTH)
def lost(protocol):
    with application(protocol) as (name, r):
        lock, other = r.lock(name, timeout=10), r.lock(name, timeout=10)
        expect((lock.acquire(), lock.owned(), other.acquire(blocking=False), other.owned()), (True, True, False, False))
        expect(other.acquire(blocking_timeout=0.2), False)
        expect(lock.extend(50), True)
        assert 55_000 < r.pttl(name) <= 60_000, r.pttl(name)
        expect(lock.extend(20, replace_ttl=True), True)
        assert 15_000 < r.pttl(name) <= 20_000, r.pttl(name)
        expect(lock.extend(0.5), True)  # milliseconds count
        assert 15_500 < r.pttl(name) <= 20_500, r.pttl(name)
        expect(lock.reacquire(), True)
        assert 5_000 < r.pttl(name) <= 10_000, r.pttl(name)
        r.persist(name)
        refused("Cannot extend a lock that's no longer owned", lock.extend, 1)  # it has no time to extend
        refused("Cannot extend an unlocked lock", other.extend, 1)
        # It goes to the other one.
        r.delete(name)
        expect(other.acquire(blocking=False), True)
        for wanted, call in (("Cannot extend a lock that's no longer owned", functools.partial(lock.extend, 5)),
                             ("Cannot reacquire a lock that's no longer owned", lock.reacquire),
                             ("Cannot release a lock that's no longer owned", lock.release)):
            try:
                call()
            except LockNotOwnedError as error:
                expect(str(error), wanted)
            else:
                raise AssertionError(wanted)
        expect((other.owned(), other.release(), r.exists(name)), (True, None, 0))
        refused("Cannot release a lock that's not owned or is already unlocked.", other.release)


@check("redis_py: the time is over in the middle; who waits for the lock has it", BOTH)
def expired(protocol):
    with application(protocol) as (name, r):
        short = r.lock(name, timeout=0.1, thread_local=False)
        try:
            with short:
                with r.lock(name, timeout=10, sleep=0.01, blocking_timeout=20) as long:
                    expect((short.owned(), long.owned(), r.get(name)), (False, True, long.local.token.decode()))
        except LockError as error:
            expect((type(error), str(error)), (LockNotOwnedError, "Cannot release a lock that's no longer owned"))
        else:
            raise AssertionError("the lock that was lost could be released")
        expect(r.exists(name), 0)


@check("redis_py: 20 asyncio tasks add in two steps each", BOTH)
async def asynchronous(protocol):
    name = unique("lock")
    async with redis.asyncio.Redis(port=PORT, protocol=protocol) as r:
        async def add():
            for _ in range(5):
                async with r.lock(name, timeout=60, sleep=0.002) as lock:
                    value = int(await r.get(f"{name}:counter") or 0)
                    await r.set(f"{name}:counter", value + 1)
                    await lock.extend(1)

        await asyncio.gather(*(add() for _ in range(20)))
        expect((await r.get(f"{name}:counter"), await r.exists(name)), (b"100", 0))
        await r.delete(f"{name}:counter")


@check("python_redis_lock: who waits is woken by the script that releases the lock", BOTH)
def woken(protocol):
    with application(protocol) as (name, r):
        first, got = redis_lock.Lock(r, name), []
        first.acquire()

        def wait():
            with redis.Redis(port=PORT, protocol=protocol) as mine:
                got.append(redis_lock.Lock(mine, name).acquire())

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        wait_until(lambda: [client for client in r.client_list() if client["cmd"] == "blpop" and "b" in client["flags"]],
                   "the other one to block")
        expect(got, [])
        first.release()
        thread.join(30)
        expect((got, r.exists(f"lock-signal:{name}")), ([True], 0))
        refused(f"Lock(lock:{name}) is not acquired or it already expired.", first.release)
        expect(first.locked(), True)
        first.reset()
        expect((first.locked(), r.lrange(f"lock-signal:{name}", 0, -1)), (False, ["1"]))


@check("python_redis_lock: extended by hand and by itself; lost; all are reset", BOTH)
def extended(protocol):
    with application(protocol, DATABASE) as (name, r):
        lock = redis_lock.Lock(r, name, expire=10)
        refused(f"Lock lock:{name} is not acquired or it already expired.", lock.extend)
        expect((lock.acquire(), lock.extend(100)), (True, None))
        assert 90 < r.ttl(f"lock:{name}") <= 100
        refused("Already acquired from this Lock instance.", lock.acquire)
        endless = redis_lock.Lock(r, f"{name}:endless")
        expect(endless.acquire(), True)
        refused(f"Lock lock:{name}:endless has no assigned expiration time", endless.extend, 5)
        with redis_lock.Lock(r, f"{name}:renewed", expire=1, auto_renewal=True) as renewed:
            renewals = []
            # Without renewal it would be over after a second.
            wait_until(lambda: renewals.append(r.pttl(f"lock:{name}:renewed")) or rises(renewals) >= 2, "two renewals")
            expect(renewed.id, renewed.get_owner_id())
        expect(sorted(r.scan_iter(f"lock:{name}*")), [f"lock:{name}", f"lock:{name}:endless"])
        redis_lock.reset_all(r)
        expect([*r.scan_iter("lock:*")], [])
        refused(f"Lock(lock:{name}) is not acquired or it already expired.", lock.release)


def rises(values):
    return sum(later > earlier for earlier, later in zip(values, values[1:]))


logging.disable()  # python-redis-lock reports each lock that it can't have
run("locks")
