"""Rate limiters that count in scripts: limits, and pyrate-limiter; each also by several processes at once, one of them killed."""

import contextlib
import os
import subprocess
import sys

import redis
from limits import RateLimitItemPerHour, RateLimitItemPerSecond, strategies
from limits.storage import storage_from_string
from pyrate_limiter import Duration, Limiter, Rate, RedisBucket, RedisStateStore, StateBucket, TokenBucket

from harness import PORT, check, expect, run, unique, wait_until
from rate_limiters_process import LIMIT, URL

BOTH = (2, 3)
FIXED, MOVING, SLIDING = strategies.FixedWindowRateLimiter, strategies.MovingWindowRateLimiter, strategies.SlidingWindowCounterRateLimiter


@contextlib.contextmanager
def application(protocol):
    """A name for keys, and a client; leaves no key behind."""
    name = unique("limits")
    with redis.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        try:
            yield name, r
        finally:
            for key in r.scan_iter(f"*{name}*"):
                r.delete(key)


def keeper(protocol):
    """A client for a bucket. It stays open, because a thread of pyrate-limiter goes on for a while."""
    return redis.Redis(port=PORT, protocol=protocol)


def limiter(strategy, name, protocol):
    return strategy(storage_from_string(URL, key_prefix=name, protocol=protocol))


def hits(limiter, item, count, *who):
    return sum(limiter.hit(item, *who) for _ in range(count))


@check("limits: each strategy lets so many through, per key, and tells what is left", BOTH)
def strategies_of_limits(protocol):
    with application(protocol) as (name, r):
        hour = RateLimitItemPerHour(10)
        for strategy in (FIXED, MOVING, SLIDING):
            limit = limiter(strategy, f"{name}:{strategy.__name__}", protocol)
            now = float(r.time()[0])
            expect((limit.test(hour, "a"), limit.hit(hour, "a", cost=4), limit.test(hour, "a", cost=7)), (True, True, False))
            expect((hits(limit, hour, 20, "a"), hits(limit, hour, 3, "b")), (6, 3))
            expect((limit.test(hour, "a"), limit.test(hour, "b", cost=7), limit.test(hour, "b", cost=8)), (False, True, False))
            window = limit.get_window_stats(hour, "a")
            expect(window.remaining, 0)
            assert now < window.reset_time <= now + 3700, (window, now)
            limit.clear(hour, "a")
            expect((limit.get_window_stats(hour, "a").remaining, limit.hit(hour, "a")), (10, True))
            expect((limit.storage.reset() > 0, [*r.scan_iter(f"{name}:{strategy.__name__}*")]), (True, []))


@check("limits: what has been let through is free again when its time is over", [3])
def windows(protocol):
    with application(protocol) as (name, _):
        second = RateLimitItemPerSecond(5)
        for strategy in (FIXED, MOVING, SLIDING):
            limit = limiter(strategy, f"{name}:{strategy.__name__}", protocol)
            wait_until(lambda: not limit.hit(second, "a"), "the limit")
            wait_until(lambda: limit.hit(second, "a"), "the next window")


@check("limits: 12,000 at once, in parts that a script can unpack", BOTH)
def many(protocol):
    with application(protocol) as (name, r):
        limit, hour = limiter(MOVING, name, protocol), RateLimitItemPerHour(20_000)
        expect((limit.hit(hour, "a", cost=12_000), limit.hit(hour, "a", cost=12_000), limit.hit(hour, "a", cost=8_000)),
               (True, False, True))
        [key] = r.scan_iter(f"{name}*")
        expect((r.llen(key), limit.get_window_stats(hour, "a").remaining), (20_000, 0))
        r.mset({limit.storage.prefixed_key(str(number)): 1 for number in range(6_000)})
        expect((limit.storage.reset(), [*r.scan_iter(f"{name}*")]), (6_001, []))


@check("limits: three processes hit one limit, one is killed; no more than it allows are let through", [3])
def processes_of_limits(protocol):
    with application(protocol) as (name, r):
        hit_until_refused(r, "limits", name, protocol)
        limit = limiter(MOVING, name, protocol)
        expect(limit.get_window_stats(RateLimitItemPerHour(LIMIT), "a").remaining, 0)


@check("pyrate-limiter: two rates at once; a wait for the shorter one, none for the longer one", BOTH)
def two_rates(protocol):
    with application(protocol) as (name, r):
        bucket = RedisBucket.init([Rate(4, 500), Rate(6, Duration.HOUR)], keeper(protocol), f"{name}:bucket")
        with Limiter(bucket) as limiter:
            expect([limiter.try_acquire(name, blocking=False) for _ in range(5)], [True] * 4 + [False])
            expect((limiter.try_acquire(name), limiter.try_acquire(name)), (True, True))
            wait_until(lambda: r.zcount(f"{name}:bucket", float(r.time()[0]) * 1000 - 500, "inf") == 0, "the shorter rate")
            expect((limiter.try_acquire(name, blocking=False), bucket.count(), bucket.failing_rate.limit), (False, 6, 6))


@check("pyrate-limiter: 2,500 at once, in parts that a script can unpack", BOTH)
def heavy(protocol):
    with application(protocol) as (name, _):
        bucket = RedisBucket.init([Rate(3_000, Duration.HOUR)], keeper(protocol), f"{name}:bucket")
        with Limiter(bucket) as limiter:
            expect([limiter.try_acquire(name, weight, blocking=False) for weight in (2_500, 501, 500, 1)],
                   [True, False, True, False])
            expect(bucket.count(), 3_000)


@check("pyrate-limiter: a token bucket, whose state is kept by a script", BOTH)
def token_bucket(protocol):
    with application(protocol) as (name, r):
        bucket = StateBucket([Rate(10, Duration.HOUR, burst=3)], TokenBucket(), RedisStateStore(keeper(protocol), f"{name}:bucket"))
        with Limiter(bucket) as limiter:
            expect([limiter.try_acquire(name, blocking=False) for _ in range(5)], [True] * 3 + [False] * 2)
            expect(bucket.count(), 3)
            assert 0 < r.pttl(f"{name}:bucket") <= 2 * 3_600_000
        fast = StateBucket([Rate(2, 200)], TokenBucket(), RedisStateStore(keeper(protocol), f"{name}:fast"))
        with Limiter(fast) as limiter:
            expect([limiter.try_acquire(name) for _ in range(6)], [True] * 6)  # it waits for each that is not there yet


@check("pyrate-limiter: three processes want one bucket, one is killed; no more than it allows are let through", [2])
def processes_of_pyrate_limiter(protocol):
    with application(protocol) as (name, r):
        hit_until_refused(r, "pyrate_limiter", name, protocol)
        expect(r.zcard(f"{name}:bucket"), LIMIT)


def hit_until_refused(r, library, name, protocol):
    """Starts three processes, and kills one of them while they hit the limit."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rate_limiters_process.py")
    children = [subprocess.Popen([sys.executable, program, library, name, str(protocol)], stdin=subprocess.DEVNULL) for _ in range(3)]
    try:
        killed, *others = children
        wait_until(lambda: r.get(f"{name}:passed:{killed.pid}"), "the first process to be let through")
        killed.kill()
        for child in others:
            expect(child.wait(), 0)
        # The killed one may have been let through once more than it could tell.
        passed = sum(int(r.get(f"{name}:passed:{child.pid}") or 0) for child in children)
        assert LIMIT - 1 <= passed <= LIMIT, passed
    finally:
        for child in children:
            child.kill()
            child.wait()


run("rate limiters")
