"""redis-py, the blocking client: strings, expiry, keys, SCAN, transactions, keyspace notifications."""

import time

import redis

from harness import PORT, check, expect, refused, run, unique, wait_until

BOTH = (2, 3)
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


def connect(protocol, **options):
    options.setdefault("decode_responses", True)
    return redis.Redis(host="127.0.0.1", port=PORT, protocol=protocol, **options)


@check("strings, and the options of SET", BOTH)
def strings(protocol):
    key, other, none = unique("text"), unique("text"), unique("none")
    with connect(protocol) as r:
        expect((r.set(key, "1"), r.get(key), r.get(none)), (True, "1", None))
        expect((r.set(key, "2", nx=True), r.set(none, "2", xx=True), r.set(other, "2", nx=True)), (None, None, True))
        expect((r.set(key, "3", get=True), r.set(none, "3", get=True)), ("1", None))
        expect(r.set(key, "4", ex=100), True)
        assert 0 < r.ttl(key) <= 100
        expect((r.set(key, "5", keepttl=True), r.ttl(key) > 0), (True, True))
        expect((r.set(key, "6"), r.ttl(key)), (True, -1))
        expect(r.set(key, "7", px=100_000, xx=True, get=True), "6")
        assert 0 < r.pttl(key) <= 100_000
        expect(r.set(key, "8", exat=int(time.time()) + 100), True)
        assert 0 < r.ttl(key) <= 101
        refused("invalid expire time in 'set' command", r.set, key, "9", ex=0)
        refused("syntax error", r.execute_command, "SET", key, "9", "NX", "XX")
        expect((r.execute_command("SETEX", key, 100, "a"), r.psetex(key, 100_000, "b"), r.setnx(key, "c")),
               (True, True, False))
        expect(r.getex(key, persist=True), "b")
        expect((r.ttl(key), r.getdel(key), r.getdel(key)), (-1, "b", None))
        expect((r.incr(key), r.incrby(key, 41), r.decr(key), r.decrby(key, 2)), (1, 42, 41, 39))
        expect((r.append(key, "th"), r.strlen(key), r.get(key)), (4, 4, "39th"))
        refused("value is not an integer or out of range", r.incr, key)
        expect(r.mset({key: "x", other: "y"}), True)
        expect(r.mget(key, none, other), ["x", "3", "y"])
        r.rpush(f"{none}:list", "x")
        refused(WRONG_TYPE, r.get, f"{none}:list")
        expect(r.mget(f"{none}:list", key), [None, "x"])
        expect((r.set(f"{none}:list", "a string now"), r.type(f"{none}:list")), (True, "string"))
        expect(r.unlink(key, other, none, f"{none}:list"), 4)


@check("expiry", BOTH)
def expiry(protocol):
    key, none = unique("expiry"), unique("none")
    with connect(protocol) as r:
        expect((r.ttl(none), r.pttl(none), r.expire(none, 10)), (-2, -2, False))
        r.rpush(key, "x")
        expect((r.ttl(key), r.expire(key, 100), r.expire(key, 50, gt=True)), (-1, True, False))
        expect((r.expire(key, 50, lt=True), r.expire(key, 70, nx=True), r.expire(key, 70, xx=True)), (True, False, True))
        assert 0 < r.ttl(key) <= 70
        at = int(time.time()) + 1_000
        expect((r.expireat(key, at), r.expiretime(key), r.pexpiretime(key)), (True, at, at * 1_000))
        expect((r.rpush(key, "y"), r.persist(key), r.persist(key), r.ttl(key)), (2, True, False, -1))
        expect((r.pexpireat(key, 1), r.exists(key)), (True, 0))  # it is past already
        r.rpush(key, "x")
        expect((r.expire(key, -1), r.exists(key)), (True, 0))
        for command in (lambda: r.set(key, "x", px=20), lambda: r.rpush(key, "x") and r.pexpire(key, 20)):
            expect(command(), True)
            wait_until(lambda: r.exists(key) == 0, "the key's end")
            expect((r.get(key), r.llen(key), r.type(key), r.ttl(key)), (None, 0, "none", -2))


@check("keys: EXISTS, TYPE, RENAME, KEYS, TOUCH", BOTH)
def keys(protocol):
    stem = unique("keys")
    a, b, none = f"{stem}:a", f"{stem}:b", f"{stem}:none"
    with connect(protocol) as r:
        r.set(a, "x", ex=100)
        r.rpush(b, "y")
        expect((r.exists(a, b, a, none), r.touch(a, none), r.type(a), r.type(b)), (3, 1, "string", "list"))
        expect(sorted(r.keys(f"{stem}:[ab]")), [a, b])
        assert r.dbsize() >= 2 and r.randomkey() is not None
        expect((r.renamenx(a, b), r.rename(a, b), r.get(b), r.ttl(b) > 0), (False, True, "x", True))
        refused("no such key", r.rename, a, b)
        expect((r.renamenx(b, a), r.exists(b), r.delete(a, b)), (True, 0, 1))


@check("SCAN sees each of 1,000 keys", BOTH)
def scan(protocol):
    stem = unique("scan")
    names = {f"{stem}:{i}" for i in range(1_000)}
    with connect(protocol) as r:
        with r.pipeline(transaction=False) as pipe:
            for i, name in enumerate(sorted(names)):
                pipe.rpush(name, "x") if i % 2 else pipe.set(name, "x")
            pipe.execute()
        for count in (None, 7, 5_000):
            expect(set(r.scan_iter(f"{stem}:*", count=count)), names)
        lists, strings = (set(r.scan_iter(f"{stem}:*", _type=kind)) for kind in ("list", "string"))
        expect((len(lists), len(strings), lists | strings), (500, 500, names))
        cursor, page = r.scan(0, match=f"{stem}:none*", count=10_000_000)
        expect((cursor, page), (0, []))
        refused("invalid cursor", r.execute_command, "SCAN", "x")
        # Keys that are there all the time are seen, however much else comes and goes.
        kept = set(sorted(names)[::2])
        seen = set()
        for i, name in enumerate(r.scan_iter(f"{stem}:*", count=10)):
            seen.add(name)
            gone = sorted(names - kept)[i % 500]
            r.delete(gone) if i % 3 else r.set(gone, "again")
        assert kept <= seen, kept - seen
        r.delete(*names)


@check("pipelines with and without a transaction", BOTH)
def pipelines(protocol):
    key, text = unique("pipe"), unique("text")
    with connect(protocol) as r:
        with r.pipeline() as pipe:
            pipe.rpush(key, "a", "b").lrange(key, 0, -1).set(text, "1").incr(text).lpop(key).blpop(unique("none"), 0)
            expect(pipe.execute(), [2, ["a", "b"], True, 2, "a", None])
        with r.pipeline() as pipe:
            pipe.rpush(key, "c").lpush(text, "x").rpush(key, "d")
            results = pipe.execute(raise_on_error=False)
            expect((results[0], results[2], str(results[1])), (2, 3, WRONG_TYPE))  # the others are carried out
        with r.pipeline() as pipe:
            pipe.rpush(key, "e").execute_command("RPUSH", key)
            refused(f"Command # 2 (RPUSH {key}) of pipeline caused error: wrong number of arguments for 'rpush' command",
                    pipe.execute)  # and nothing is carried out
        expect(r.lrange(key, 0, -1), ["b", "c", "d"])
        with r.pipeline(transaction=False) as pipe:
            for i in range(1_000):
                pipe.rpush(key, i)
            pipe.ltrim(key, 3, -1)
            expect(pipe.execute(), [*range(4, 1_004), True])
        expect(r.lrange(key, 0, -1), [str(i) for i in range(1_000)])
        r.delete(key, text)


@check("WATCH, and again when somebody was faster", BOTH)
def watch(protocol):
    key, log = unique("stock"), unique("log")
    with connect(protocol) as r, connect(protocol) as rival:
        r.set(key, 10)
        attempts = []

        def take_one(pipe):
            left = int(pipe.get(key))
            attempts.append(left)
            if len(attempts) == 1:
                rival.decr(key)
            pipe.multi()
            pipe.set(key, left - 1).rpush(log, left - 1)

        expect(r.transaction(take_one, key), [True, 1])
        expect((attempts, r.get(key), r.lrange(log, 0, -1)), ([10, 9], "8", ["8"]))
        for change in (lambda: rival.rpush(log, "x"), lambda: rival.delete(key), lambda: rival.expire(log, 100)):
            with r.pipeline() as pipe:
                pipe.watch(key, log)
                change()
                pipe.multi()
                pipe.set(key, "too late")
                try:
                    pipe.execute()
                    raise AssertionError("EXEC did not see the change")
                except redis.WatchError:
                    pass
        with r.pipeline() as pipe:
            pipe.watch(key)
            rival.set(key, "x")
            pipe.unwatch()
            pipe.multi()
            expect(pipe.set(key, "in time").execute(), [True])
        expect(r.delete(key, log), 2)


@check("keyspace notifications", BOTH)
def notifications(protocol):
    key, to = unique("events"), unique("events")
    with connect(protocol) as r, r.pubsub() as p:
        before = r.config_get("notify-keyspace-events")["notify-keyspace-events"]
        expect(r.config_set("notify-keyspace-events", "KEA"), True)
        try:
            p.psubscribe(f"__key*__:{key}", f"__keyspace@0__:{to}")
            p.subscribe("__keyevent@0__:expired")
            events = []

            def next_event():
                message = wait_until(lambda: p.get_message(timeout=1), "a notification")
                if message["type"].endswith("subscribe"):
                    return next_event()
                return message["channel"].removeprefix("__key"), message["data"]

            wait_until(lambda: r.pubsub_numsub("__keyevent@0__:expired")[0][1] >= 1, "the subscription")
            r.rpush(key, "a", "b")
            r.lmove(key, to)
            r.lpop(key)
            r.set(key, "x", px=20)
            wait_until(lambda: not r.exists(key), "the key's end")
            while events[-1:] != [("event@0__:expired", key)]:
                events.append(next_event())
            # The event is published to the key's channel first, then to its own.
            expect(events, [(f"space@0__:{key}", "rpush"), (f"space@0__:{to}", "rpush"), (f"space@0__:{key}", "lpop"),
                            (f"space@0__:{key}", "lpop"), (f"space@0__:{key}", "del"), (f"space@0__:{key}", "set"),
                            (f"space@0__:{key}", "expire"), (f"space@0__:{key}", "expired"),
                            ("event@0__:expired", key)])
        finally:
            r.config_set("notify-keyspace-events", before)
        r.delete(to)
        expect(p.get_message(timeout=0.01), None)


run("redis-py keys")
