"""redis-py's client-side caching."""

import threading

import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

from harness import PORT, check, expect, run, unique, wait_until

# redis-py asks for a server that says it is 7.4, to keep other products out. What it uses is in Redis since 6.0.
CacheProxyConnection.MIN_ALLOWED_VERSION = "7.0.0"


def connect(**options):
    return redis.Redis(host="127.0.0.1", port=PORT, protocol=3, decode_responses=True, **options)


def connect_caching(**options):
    return connect(cache_config=CacheConfig(**options))


def hits_and_misses(client):
    stats = client.info("stats")
    return stats["keyspace_hits"], stats["keyspace_misses"]


def is_cached(client, key):
    return any(key in entry.redis_keys for entry in client.get_cache().collection)


@check("a cached value is not asked for again, and goes when it changes")
def caches_and_forgets():
    key = unique("caching")
    with connect_caching() as caching, connect() as other:
        other.set(key, "one")
        expect(caching.get(key), "one")
        assert is_cached(caching, key)
        before = hits_and_misses(other)
        for _ in range(10):
            expect(caching.get(key), "one")
        expect(hits_and_misses(other), before)
        other.set(key, "two")
        wait_until(lambda: caching.get(key) == "two", "the invalidation")
        other.delete(key)
        wait_until(lambda: caching.get(key) is None, "the invalidation of a deleted key")


@check("lists, several keys, expiry and a flush")
def caches_more_than_strings():
    one, two, items = unique("caching"), unique("caching"), unique("caching")
    with connect_caching() as caching, connect() as other:
        other.mset({one: "1", two: "2"})
        other.rpush(items, "a", "b")
        expect(caching.mget(one, two), ["1", "2"])
        expect(caching.lrange(items, 0, -1), ["a", "b"])
        other.set(two, "3")
        wait_until(lambda: caching.mget(one, two) == ["1", "3"], "one of two keys")
        other.rpush(items, "c")
        wait_until(lambda: caching.lrange(items, 0, -1) == ["a", "b", "c"], "a longer list")
        other.pexpire(one, 10)
        wait_until(lambda: caching.get(one) is None, "an expired key")
        expect(caching.get(two), "3")
        other.flushdb()
        wait_until(lambda: caching.get(two) is None, "a flush")


@check("many threads write and read: nobody keeps a stale value")
def threads():
    keys = [unique("caching") for _ in range(8)]
    with connect_caching() as caching, connect() as other:

        def write(number):
            for round in range(100):
                other.set(keys[number], f"{round}")

        def read():
            for _ in range(100):
                for key in keys:
                    caching.get(key)

        workers = [threading.Thread(target=write, args=(number,)) for number in range(len(keys))]
        workers += [threading.Thread(target=read) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for key in keys:
            wait_until(lambda: caching.get(key) == "99", "the last value")
        other.delete(*keys)


run("redis_py_caching")
