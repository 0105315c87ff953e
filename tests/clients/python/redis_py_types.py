"""redis-py's own calls for hashes, sets, sorted sets, bits, HyperLogLog and places, and blocking pops of sorted sets."""

import redis

from harness import check, expect, refused, run, unique
from redis_py_blocked import Blocked, connect

BOTH = (2, 3)
EVERY_BYTE = bytes(range(256))
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
INFINITY = float("inf")


def pairs(reply):
    """Members and scores: RESP2 has tuples, RESP3 has lists."""
    return [tuple(pair) for pair in reply]


@check("hashes", BOTH)
def hashes(protocol):
    key, none, text = unique("hash"), unique("none"), unique("text")
    with connect(protocol) as r:
        expect(r.hset(key, "a", "1"), 1)
        expect(r.hset(key, mapping={"a": "2", "b": "x", "": "empty"}), 2)
        expect((r.hsetnx(key, "a", "9"), r.hsetnx(key, "new", "9")), (False, True))
        expect((r.hget(key, "a"), r.hget(key, "none"), r.hget(none, "a")), ("2", None, None))
        expect((r.hgetall(key), r.hgetall(none)), ({"a": "2", "b": "x", "": "empty", "new": "9"}, {}))
        expect((r.hmget(key, ["b", "none", "a"]), r.hmget(none, "a", "b")), (["x", None, "2"], [None, None]))
        expect((sorted(r.hkeys(key)), sorted(r.hvals(key)), r.hlen(key)), (["", "a", "b", "new"], ["2", "9", "empty", "x"], 4))
        expect((r.hexists(key, ""), r.hexists(key, "none"), r.hstrlen(key, ""), r.hstrlen(key, "none")), (True, False, 5, 0))
        expect((r.hincrby(key, "a", 40), r.hincrby(key, "count", -3), r.hincrbyfloat(key, "a", 0.5)), (42, -3, 42.5))
        refused("hash value is not an integer", r.hincrby, key, "b")
        refused("hash value is not a float", r.hincrbyfloat, key, "b", 1.5)
        expect((r.hdel(key, "a", "b", "none"), r.hdel(none, "a"), r.hlen(key)), (2, 0, 3))
        assert r.hrandfield(key) in ("", "new", "count")
        expect((sorted(r.hrandfield(key, 9)), len(r.hrandfield(key, -9))), (["", "count", "new"], 9))
        random = r.hrandfield(key, 9, withvalues=True)
        random = dict(random) if protocol == 3 else dict(zip(random[::2], random[1::2]))
        expect(random, {"": "empty", "new": "9", "count": "-3"})
        expect((r.hrandfield(none), r.hrandfield(none, 2), r.type(key)), (None, [], "hash"))
        r.set(text, "x")
        refused(WRONG_TYPE, r.hget, text, "a")
        refused(WRONG_TYPE, r.hset, text, "a", "b")
        expect((r.hdel(key, "", "new", "count"), r.exists(key), r.delete(text)), (3, 0, 1))


@check("sets", BOTH)
def sets(protocol):
    a, b, to, none = (unique(name) for name in ("a", "b", "to", "none"))
    with connect(protocol) as r:
        expect((r.sadd(a, *"12345"), r.sadd(a, "5", "6"), r.sadd(b, *"56789")), (5, 1, 5))
        expect((r.scard(a), r.smembers(a), r.smembers(none)), (6, set("123456"), set()))
        expect((r.sismember(a, "1"), r.sismember(a, "9"), r.smismember(a, "1", "9", "2")), (1, 0, [1, 0, 1]))
        expect((r.sinter(a, b), r.sunion(a, b, none), r.sdiff(a, b)), (set("56"), set("123456789"), set("1234")))
        expect((r.sintercard(2, [a, b]), r.sintercard(2, [a, b], limit=1), r.sintercard(1, [none])), (2, 1, 0))
        expect((r.sinterstore(to, a, b), r.smembers(to)), (2, set("56")))
        expect((r.sunionstore(to, a, b), r.sdiffstore(to, b, a), r.smembers(to)), (9, 3, set("789")))
        expect((r.sinterstore(to, a, none), r.exists(to)), (0, 0))
        expect((r.smove(a, to, "1"), r.smove(a, to, "1"), r.smembers(to)), (True, False, {"1"}))
        expect((r.srem(a, "2", "9"), r.srandmember(to), r.srandmember(none)), (1, "1", None))
        expect((sorted(r.srandmember(a, 9)), len(r.srandmember(a, -9)), r.srandmember(none, 2)), (list("3456"), 9, []))
        popped = {r.spop(a)}
        popped |= set(r.spop(a, 2))
        expect((len(popped), r.smembers(a) | popped, r.scard(a)), (3, set("3456"), 1))
        expect((set(r.spop(a, 9)) | popped, r.spop(a), r.exists(a)), (set("3456"), None, 0))
        expect((r.object("encoding", b), r.type(b)), ("intset", "set"))
        expect(r.sort(b, desc=True, start=0, num=2), ["9", "8"])
        r.set(a, "x")
        refused(WRONG_TYPE, r.sadd, a, "x")
        refused(WRONG_TYPE, r.sinter, b, a)
        expect(r.delete(a, b, to), 3)


@check("sorted sets: members, scores and ranks", BOTH)
def sorted_sets(protocol):
    key, none = unique("zset"), unique("none")
    with connect(protocol) as r:
        expect(r.zadd(key, {"a": 1, "b": 2.5, "c": 3, "top": INFINITY, "bottom": -INFINITY}), 5)
        expect((r.zadd(key, {"a": 1.5, "new": 1}, nx=True), r.zadd(key, {"a": 1.5, "none": 1}, xx=True)), (1, 0))
        expect((r.zadd(key, {"a": 1.75, "x": 9}, ch=True), r.zadd(key, {"x": 5}, gt=True, ch=True)), (2, 0))
        expect((r.zadd(key, {"x": 5}, lt=True, ch=True), r.zadd(key, {"x": 0.1}, incr=True)), (1, 5.1))
        expect((r.zadd(key, {"x": 1}, incr=True, nx=True), r.zincrby(key, 2, "x")), (None, 7.1))
        expect((r.zscore(key, "b"), r.zscore(key, "top"), r.zscore(key, "none"), r.zscore(none, "a")), (2.5, INFINITY, None, None))
        expect((r.zmscore(key, ["a", "none", "bottom"]), r.zcard(key)), ([1.75, None, -INFINITY], 7))
        order = ["bottom", "new", "a", "b", "c", "x", "top"]
        expect((r.zrange(key, 0, -1), r.zrevrange(key, 0, 1), r.zrange(none, 0, -1)), (order, ["top", "x"], []))
        expect((r.zrank(key, "a"), r.zrevrank(key, "a"), r.zrank(key, "none")), (2, 4, None))
        expect(pairs(r.zrange(key, 1, 3, withscores=True)), [("new", 1.0), ("a", 1.75), ("b", 2.5)])
        expect(pairs(r.zrevrange(key, 1, 2, withscores=True)), [("x", 7.1), ("c", 3.0)])
        expect(r.zrange(key, "(1", 3, byscore=True), ["a", "b", "c"])
        expect(r.zrange(key, "+inf", "(1", byscore=True, desc=True, offset=1, num=2), ["x", "c"])
        expect(pairs(r.zrangebyscore(key, "-inf", 2, start=1, num=2, withscores=True)), [("new", 1.0), ("a", 1.75)])
        expect((r.zrevrangebyscore(key, 3, "(1"), r.zcount(key, "(1", 3), r.zcount(key, "-inf", "+inf")), (["c", "b", "a"], 3, 7))
        refused("min or max is not a float", r.zcount, key, "one", 2)
        expect((r.zrem(key, "x", "none"), r.zremrangebyrank(key, 0, 0), r.zremrangebyscore(key, 2, 3)), (1, 1, 2))
        expect(r.zrange(key, 0, -1), ["new", "a", "top"])
        expect(r.zpopmin(key), ["new", 1.0] if protocol == 3 else [("new", 1.0)])
        expect((pairs(r.zpopmax(key, 9)), r.zpopmin(key), r.zpopmax(key, 2)), ([("top", INFINITY), ("a", 1.75)], [], []))
        expect((r.exists(key), r.type(key)), (0, "none"))

        expect(r.zadd(key, dict.fromkeys("abcdefg", 0)), 7)
        expect((r.zrangebylex(key, "[b", "(d"), r.zrevrangebylex(key, "+", "[e", start=1, num=1)), (["b", "c"], ["f"]))
        expect((r.zlexcount(key, "-", "+"), r.zremrangebylex(key, "-", "[c"), r.zrange(key, "-", "+", bylex=True)), (7, 3, list("defg")))
        assert r.zrandmember(key) in "defg"
        expect((sorted(r.zrandmember(key, 9)), len(r.zrandmember(key, -9)), r.zrandmember(none)), (list("defg"), 9, None))
        r.set(none, "x")
        refused(WRONG_TYPE, r.zadd, none, {"a": 1})
        expect(r.delete(key, none), 2)


@check("sorted sets: several keys", BOTH)
def several(protocol):
    a, b, members, to, none = (unique(name) for name in ("a", "b", "members", "to", "none"))
    with connect(protocol) as r:
        r.zadd(a, {"x": 1, "y": 2, "z": 3})
        r.zadd(b, {"y": 10, "z": 20, "w": 30})
        r.sadd(members, "y")
        expect((r.zunion([a, b]), r.zinter([a, b]), r.zdiff([a, b])), (["x", "y", "z", "w"], ["y", "z"], ["x"]))
        expect(pairs(r.zunion([a, b], withscores=True)), [("x", 1.0), ("y", 12.0), ("z", 23.0), ("w", 30.0)])
        expect(pairs(r.zinter({a: 2, b: 0.5}, aggregate="MAX", withscores=True)), [("y", 5.0), ("z", 10.0)])
        expect(pairs(r.zunion([a, members, none], aggregate="MIN", withscores=True)), [("x", 1.0), ("y", 1.0), ("z", 3.0)])
        expect((r.zintercard(2, [a, b]), r.zintercard(2, [a, b], limit=1)), (2, 1))
        expect((r.zunionstore(to, {a: 1, b: -1}), pairs(r.zrange(to, 0, 1, withscores=True))), (4, [("w", -30.0), ("z", -17.0)]))
        expect((r.zinterstore(to, [a, b]), r.zdiffstore(to, [b, a]), pairs(r.zrange(to, 0, -1, withscores=True))), (2, 1, [("w", 30.0)]))
        expect((r.zrangestore(to, a, 1, 2), r.zrange(to, 0, -1), r.zdiffstore(to, [a, a]), r.exists(to)), (2, ["y", "z"], 0, 0))
        name, popped = r.zmpop(2, [none, a], min=True, count=2)
        expect((name, [(member, float(score)) for member, score in popped]), (a, [("x", 1.0), ("y", 2.0)]))
        expect((r.zmpop(1, [none], max=True), r.delete(a, b, members)), (None, 3))


@check("blocking pops of sorted sets: at once, in vain, and waiting for a member", BOTH)
def blocking(protocol):
    a, b = unique("a"), unique("b")
    with connect(protocol) as r:
        r.zadd(b, {"x": 1, "y": 2.5, "z": 3})
        expect((tuple(r.bzpopmin([a, b], 1)), tuple(r.bzpopmax([a, b], 1))), ((b, "x", 1.0), (b, "z", 3.0)))
        name, popped = r.bzmpop(1, 2, [a, b], min=True, count=9)
        expect((name, pairs(popped) if protocol == 3 else [(m, float(s)) for m, s in popped]), (b, [("y", 2.5)]))
        expect((r.bzpopmin(a, 0.01), r.bzpopmax([a], 0.01), r.bzmpop(0.01, 1, [a], max=True)), (None, None, None))
        refused("timeout is negative", r.bzpopmin, a, -1)

        waiter = Blocked(protocol, "bzpopmin", [b, a], 0)
        expect(r.zadd(a, {"big": 2, "small": 1}), 2)
        expect(tuple(waiter.result()), (a, "small", 1.0))
        r.delete(a)
        first, second = (Blocked(protocol, "bzpopmax", a, 0) for _ in range(2))
        with r.pipeline() as pipe:
            expect(pipe.zadd(a, {"low": 1}).zincrby(a, 9, "high").zadd(a, {"middle": 5}).execute(), [1, 9.0, 1])
        expect((tuple(first.result()), tuple(second.result())), ((a, "high", 9.0), (a, "middle", 5.0)))
        expect(r.zrange(a, 0, -1), ["low"])
        r.delete(a)
        # A set whose key changes its type, and a union that is stored.
        waiter = Blocked(protocol, "bzmpop", 0, 2, [b, a], max=True, count=2)
        r.sadd(a, "not sorted")
        r.delete(a)
        r.zadd(f"{a}:source", {"x": 1, "y": 2, "z": 3})
        expect(r.zunionstore(a, [f"{a}:source"]), 3)
        name, popped = waiter.result()
        expect((name, [(member, float(score)) for member, score in popped]), (a, [("z", 3.0), ("y", 2.0)]))
        expect(r.delete(a, f"{a}:source"), 2)


@check("bits", BOTH)
def bits(protocol):
    a, b, to = unique("a"), unique("b"), unique("to")
    with connect(protocol, decode_responses=False) as r:
        expect((r.setbit(a, 7, 1), r.setbit(a, 7, 1), r.getbit(a, 7), r.getbit(a, 1000), r.get(a)), (0, 1, 1, 0, b"\x01"))
        r.set(a, b"\xff\xf0\x00")
        r.set(b, b"\x0f\x0f")
        expect((r.bitcount(a), r.bitcount(a, 1, -1), r.bitcount(a, 4, 11, "BIT"), r.bitcount(to)), (12, 4, 8, 0))
        expect((r.bitpos(a, 0), r.bitpos(a, 1, 2), r.bitpos(a, 0, 1, -1), r.bitpos(a, 0, 0, 11, "BIT")), (12, -1, 12, -1))
        for operation, wanted in (("AND", b"\x0f\x00\x00"), ("OR", b"\xff\xff\x00"), ("XOR", b"\xf0\xff\x00")):
            expect((r.bitop(operation, to, a, b), r.get(to)), (3, wanted))
        expect((r.bitop("NOT", to, b), r.get(to)), (2, b"\xf0\xf0"))
        field = r.bitfield(to, default_overflow="SAT")
        expect(field.set("u8", 0, 255).incrby("u8", 0, 10).get("i8", 0).set("i5", "#3", -1).execute(), [240, 255, -1, 0])
        expect(r.bitfield(to).incrby("u8", 0, 1, overflow="FAIL").execute(), [None])
        expect(r.bitfield_ro(to, "u4", 0, items=[("u8", 0)]), [15, 255])
        refused("bit offset is not an integer or out of range", r.setbit, a, -1, 1)
        expect(r.delete(a, b, to), 3)


@check("LCS", BOTH)
def common(protocol):
    a, b = unique("a"), unique("b")
    with connect(protocol) as r:
        r.mset({a: "ohmytext", b: "mynewtext"})
        expect((r.lcs(a, b), r.lcs(a, b, len=True)), ("mytext", 6))
        found = r.lcs(a, b, idx=True, minmatchlen=4, withmatchlen=True)
        found = found if protocol == 3 else {found[0]: found[1], found[2]: found[3]}
        expect(found, {"matches": [[[4, 7], [5, 8], 4]], "len": 6})
        expect(r.delete(a, b), 2)


@check("HyperLogLog", BOTH)
def hyperloglog(protocol):
    a, b, to = unique("a"), unique("b"), unique("to")
    with connect(protocol) as r:
        expect((r.pfadd(a, *"abcde"), r.pfadd(a, "a"), r.pfadd(b, *"defg"), r.pfcount(a), r.pfcount(a, b), r.pfcount(to)), (1, 0, 1, 5, 7, 0))
        expect((r.pfmerge(to, a, b), r.pfcount(to), r.type(to)), (True, 7, "string"))
        with r.pipeline() as pipe:
            for first in range(0, 100_000, 1_000):
                pipe.pfadd(to, *range(first, first + 1_000))
            pipe.execute()
        assert abs(r.pfcount(to) - 100_007) < 3_000, r.pfcount(to)  # its error is 0.81 %
        r.set(a, "x")
        refused("WRONGTYPE Key is not a valid HyperLogLog string value.", r.pfadd, a, "x")
        expect(r.delete(a, b, to), 3)


@check("places", BOTH)
def places(protocol):
    key, to, none = unique("geo"), unique("to"), unique("none")
    sicily = (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")
    with connect(protocol) as r:
        expect((r.geoadd(key, sicily), r.geoadd(key, (13.5, 38, "Palermo"), nx=True)), (2, 0))
        expect((r.geoadd(key, (12.5, 38.0, "Trapani"), ch=True), r.type(key)), (1, "zset"))
        expect((r.geodist(key, "Palermo", "Catania"), r.geodist(key, "Palermo", "Catania", "km"), r.geodist(key, "Palermo", "none")),
               (166274.1516, 166.2742, None))
        expect(r.geohash(key, "Palermo", "none"), ["sqc8b49rny0", None])
        (longitude, latitude), nowhere = r.geopos(key, "Palermo", "none")
        expect((round(longitude, 6), round(latitude, 6), nowhere), (13.361389, 38.115556, None))
        near = {"longitude": 15, "latitude": 37}
        expect(r.geosearch(key, **near, radius=200, unit="km", sort="ASC"), ["Catania", "Palermo"])
        expect(r.geosearch(key, member="Palermo", width=200, height=100, unit="km", sort="DESC"), ["Trapani", "Palermo"])
        expect(r.geosearch(key, **near, radius=200, unit="km", sort="ASC", count=1), ["Catania"])
        (name, distance, number, (longitude, latitude)), = r.geosearch(key, **near, radius=100, unit="km", withdist=True, withhash=True, withcoord=True)
        expect((name, distance, number, round(longitude, 6), round(latitude, 6)), ("Catania", 56.4413, 3479447370796909, 15.087267, 37.502668))
        expect(pairs(r.georadius(key, 15, 37, 200, "km", withdist=True, sort="ASC")), [("Catania", 56.4413), ("Palermo", 190.4424)])
        expect(r.georadiusbymember(key, "Palermo", 100, "km", sort="ASC"), ["Palermo", "Trapani"])
        expect((r.geosearchstore(to, key, **near, radius=200, unit="km", storedist=True), r.zrange(to, 0, -1)), (2, ["Catania", "Palermo"]))
        assert abs(r.zscore(to, "Catania") - 56.4413) < 0.001
        expect((r.geosearch(none, **near, radius=1, unit="m"), r.zrem(key, "Trapani"), r.delete(key, to)), ([], 1, 2))
        refused("invalid longitude,latitude pair 200.000000,10.000000", r.geoadd, key, (200, 10, "x"))


@check("HSCAN, SSCAN and ZSCAN see each of 1,000 members once", BOTH)
def scans(protocol):
    names = [f"member:{number}" for number in range(1000)]
    with connect(protocol) as r:
        for options in ({}, {"count": 7}, {"match": "member:1*"}):
            key, wanted = unique("scan"), [name for name in names if name.startswith("member:1") or "match" not in options]
            r.hset(key, mapping={name: name[7:] for name in names})
            expect(sorted(r.hscan_iter(key, **options)), sorted((name, name[7:]) for name in wanted))
            r.delete(key)
            r.sadd(key, *names)
            expect(sorted(r.sscan_iter(key, **options)), sorted(wanted))
            r.delete(key)
            r.zadd(key, {name: int(name[7:]) / 4 for name in names})
            expect(sorted(pairs(r.zscan_iter(key, **options))), sorted((name, int(name[7:]) / 4) for name in wanted))
            expect((set(r.scan_iter(f"{key}*", _type="zset")), set(r.scan_iter(f"{key}*", _type="hash"))), ({key}, set()))
            r.delete(key)


@check("members and values of any bytes, one of 1 MiB", BOTH)
def binary(protocol):
    key, large = unique("binary").encode() + EVERY_BYTE, EVERY_BYTE * 4096
    with connect(protocol, decode_responses=False) as r:
        expect((r.hset(key, mapping={EVERY_BYTE: large, b"": b"\r\n"}), r.hgetall(key) == {EVERY_BYTE: large, b"": b"\r\n"}), (2, True))
        r.delete(key)
        expect((r.sadd(key, EVERY_BYTE, large, b""), r.smembers(key) == {EVERY_BYTE, large, b""}), (3, True))
        r.delete(key)
        expect((r.zadd(key, {EVERY_BYTE: 2, large: 3, b"": 1}), r.zrange(key, 0, -1) == [b"", EVERY_BYTE, large]), (3, True))
        expect((r.zscore(key, large), r.delete(key)), (3.0, 1))


@check("WATCH on a hash and a sorted set, and pipelines over every type", BOTH)
def transactions(protocol):
    user, board, tags = unique("user"), unique("board"), unique("tags")
    with connect(protocol) as r, connect(protocol) as rival:
        with r.pipeline(transaction=True) as pipe:
            pipe.hset(user, mapping={"name": "ada", "points": 5}).zadd(board, {"ada": 5}).sadd(tags, "new").hgetall(user)
            pipe.smembers(tags).zrange(board, 0, -1, withscores=True).zscore(board, "ada").hincrbyfloat(user, "points", 0.5)
            replies = pipe.execute()
        expect((*replies[:5], pairs(replies[5]), *replies[6:]),
               (2, 1, 1, {"name": "ada", "points": "5"}, {"new"}, [("ada", 5.0)], 5.0, 5.5))
        for change, again in ((lambda: rival.hset(user, "name", "eve"), True), (lambda: rival.zincrby(board, 1, "ada"), True),
                              (lambda: rival.hget(user, "name"), False)):
            with r.pipeline() as pipe:
                pipe.watch(user, board)
                pipe.multi()
                pipe.hincrby(user, "tries", 1)
                change()
                try:
                    expect((pipe.execute(), again), ([1], False))
                except redis.WatchError:
                    expect(again, True)
        expect((r.hget(user, "tries"), r.delete(user, board, tags)), ("1", 3))


run("redis-py types")
