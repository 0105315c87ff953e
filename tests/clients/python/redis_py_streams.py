"""redis-py's own calls for streams and their groups: the shapes that it makes of replies, and what blocks."""

import redis

from harness import check, expect, refused, run, unique
from redis_py_blocked import Blocked, connect

BOTH = (2, 3)
EVERY_BYTE = bytes(range(256))


def found(reply):
    """What XREAD and XREADGROUP have found, by stream: RESP2 has lists of names and entries, RESP3 has dictionaries."""
    if isinstance(reply, dict):
        return {name: entries for name, (entries,) in reply.items()}
    return {name: entries for name, entries in reply}


def fill(r, key, *ids):
    """Adds an entry for each id; its field `n` holds the number before the dash."""
    for id in ids:
        expect(r.xadd(key, {"n": id.split("-")[0]}, id=id), id)


def entry(id):
    return (id, {"n": id.split("-")[0]})


@check("streams: adding, ranges, trimming, deleting", BOTH)
def streams(protocol):
    key, none, text = unique("stream"), unique("none"), unique("text")
    with connect(protocol) as r:
        expect((r.xlen(none), r.xrange(none), r.xadd(none, {"a": 1}, nomkstream=True), r.exists(none)), (0, [], None, 0))
        fill(r, key, "1-1", "1-2", "2-0", "3-0")
        expect((r.xadd(key, {"n": "3"}, id="3-*"), r.xlen(key), r.type(key)), ("3-1", 5, "stream"))
        refused("The ID specified in XADD is equal or smaller than the target stream top item", r.xadd, key, {"a": 1}, id="3-1")
        refused("The ID specified in XADD must be greater than 0-0", r.xadd, none, {"a": 1}, id="0-0")
        expect(r.xrange(key), [entry(id) for id in ("1-1", "1-2", "2-0", "3-0", "3-1")])
        expect((r.xrange(key, "2"), r.xrange(key, "(1-1", "2", count=1)), ([entry(id) for id in ("2-0", "3-0", "3-1")], [entry("1-2")]))
        expect(r.xrevrange(key, "(3-1", "1", count=3), [entry("3-0"), entry("2-0"), entry("1-2")])
        expect((r.xdel(key, "2-0", "9-9"), r.xrange(key, "2-0", "2-0"), r.xlen(key)), (1, [], 4))
        now = r.xadd(key, {"first": "x", "second": "", "third": "y" * 1000})
        assert int(now.split("-")[0]) > 1_600_000_000_000, now
        expect(r.xrevrange(key, count=1), [(now, {"first": "x", "second": "", "third": "y" * 1000})])
        expect((r.xtrim(key, maxlen=4, approximate=False), r.xtrim(key, minid="3-1", approximate=False), r.xlen(key)), (1, 2, 2))
        r.xadd(key, {"n": "last"}, maxlen=1, approximate=False)
        expect([fields for _, fields in r.xrange(key)], [{"n": "last"}])
        expect((r.xtrim(key, maxlen=0, approximate=False), r.xlen(key), r.exists(key)), (1, 0, 1))

        with r.pipeline(transaction=False) as pipe:
            for number in range(1, 1001):
                pipe.xadd(key, {"number": number, "text": "same"}, id=f"{2**50 + number}-0")
            pipe.execute()
        # So many fit in a node, and only whole ones go.
        expect((r.xtrim(key, maxlen=450), r.xlen(key)), (500, 500))
        expect((r.xtrim(key, minid=f"{2**50 + 750}", limit=100), r.xlen(key)), (100, 400))
        expect([fields["number"] for _, fields in r.xrange(key, count=2)], ["601", "602"])
        r.set(text, "x")
        refused("WRONGTYPE Operation against a key holding the wrong kind of value", r.xadd, text, {"a": 1})
        expect(r.delete(key, text), 2)


@check("XREAD: several streams, from an id on, and blocked ones", BOTH)
def reading(protocol):
    a, b, none = unique("a"), unique("b"), unique("none")
    with connect(protocol) as r:
        fill(r, a, "1-0", "2-0")
        fill(r, b, "5-0")
        expect(found(r.xread({a: "0", b: "0", none: "0"})), {a: [entry("1-0"), entry("2-0")], b: [entry("5-0")]})
        expect(found(r.xread({a: "1-0", b: "5-0"}, count=1)), {a: [entry("2-0")]})
        expect((found(r.xread({a: "$"})), found(r.xread({none: "0"}, block=1))), ({}, {}))
        waiting = [Blocked(protocol, "xread", {a: "$", b: "$"}, block=0), Blocked(protocol, "xread", {b: "$"}, block=0),
                   Blocked(protocol, "xread", {b: "5-5"}, block=0)]
        fill(r, b, "5-5", "6-0")
        expect([found(one.result()) for one in waiting], [{b: [entry("5-5")]}, {b: [entry("5-5")]}, {b: [entry("6-0")]}])
        with r.pipeline(transaction=True) as pipe:  # those who wait see all that a transaction adds
            later = Blocked(protocol, "xread", {none: "$"}, block=0)
            replies = pipe.xadd(none, {"n": "1"}, id="1-0").xadd(none, {"n": "2"}, id="2-0").xread({none: "1-0"}, block=0).execute()
        expect((replies[:2], found(replies[2])), (["1-0", "2-0"], {none: [entry("2-0")]}))
        expect(found(later.result()), {none: [entry("1-0"), entry("2-0")]})
        expect(r.delete(a, b, none), 3)


@check("groups: reading, history, acknowledging, what is pending, claiming", BOTH)
def groups(protocol):
    key = unique("stream")
    with connect(protocol) as r:
        refused("The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create "
                "an empty stream automatically.", r.xgroup_create, key, "g")
        expect((r.xgroup_create(key, "g", "0", mkstream=True), r.xlen(key)), (True, 0))
        refused("BUSYGROUP Consumer Group name already exists", r.xgroup_create, key, "g")
        refused(f"NOGROUP No such key '{key}' or consumer group 'none' in XREADGROUP with GROUP option", r.xreadgroup, "none", "c", {key: ">"})
        ids = [f"{number}-0" for number in range(1, 9)]
        fill(r, key, *ids)
        expect(found(r.xreadgroup("g", "alice", {key: ">"}, count=3)), {key: [entry(id) for id in ids[:3]]})
        expect(found(r.xreadgroup("g", "bob", {key: ">"}, count=3)), {key: [entry(id) for id in ids[3:6]]})
        expect(found(r.xreadgroup("g", "alice", {key: "1-0"})), {key: [entry("2-0"), entry("3-0")]})
        expect((found(r.xreadgroup("g", "carol", {key: "0"})), found(r.xreadgroup("g", "carol", {key: ">"}, noack=True))),
               ({key: []}, {key: [entry("7-0"), entry("8-0")]}))
        expect(found(r.xreadgroup("g", "carol", {key: ">"})), {})
        expect(r.xpending(key, "g"), {"pending": 6, "min": "1-0", "max": "6-0",
                                      "consumers": [{"name": "alice", "pending": 3}, {"name": "bob", "pending": 3}]})
        expect((r.xack(key, "g", "1-0", "1-0", "8-0"), r.xack(key, "none", "1-0"), r.xdel(key, "2-0")), (1, 0, 1))
        expect(found(r.xreadgroup("g", "alice", {key: "0"})), {key: [("2-0", {}), entry("3-0")]})
        pending = r.xpending_range(key, "g", "-", "+", 10, consumername="alice")
        expect([(one["message_id"], one["consumer"], one["times_delivered"]) for one in pending], [("2-0", "alice", 2), ("3-0", "alice", 3)])
        expect(r.xpending_range(key, "g", "(6-0", "+", 10), [])
        expect(r.xpending_range(key, "g", "-", "+", 10, idle=3_600_000), [])

        expect(r.xclaim(key, "g", "carol", 0, ["3-0", "2-0", "4-0"], idle=60_000, retrycount=7), [entry("3-0"), entry("4-0")])
        expect(r.xclaim(key, "g", "carol", 3_600_000, ["5-0"]), [])
        expect(r.xclaim(key, "g", "carol", 0, ["8-0"], force=True, justid=True), ["8-0"])
        [first] = r.xpending_range(key, "g", "-", "+", 1)
        expect((first["message_id"], first["consumer"], first["times_delivered"]), ("3-0", "carol", 7))
        assert first["time_since_delivered"] >= 60_000, first
        r.xdel(key, "5-0")
        expect(r.xautoclaim(key, "g", "dave", 0, "4-0", count=2), ["6-0", [entry("4-0")], ["5-0"]])
        expect(r.xautoclaim(key, "g", "dave", 0, "0-0", count=100, justid=True), ["3-0", "4-0", "6-0", "8-0"])
        expect(r.xpending(key, "g")["consumers"], [{"name": "dave", "pending": 4}])
        expect((r.xgroup_createconsumer(key, "g", "eve"), r.xgroup_createconsumer(key, "g", "eve"), r.xgroup_delconsumer(key, "g", "dave"),
                r.xpending(key, "g")), (1, 0, 4, {"pending": 0, "min": None, "max": None, "consumers": []}))
        expect((r.xgroup_setid(key, "g", "6-0"), found(r.xreadgroup("g", "eve", {key: ">"}))), (True, {key: [entry("7-0"), entry("8-0")]}))
        expect((r.xgroup_destroy(key, "g"), r.xgroup_destroy(key, "g"), r.delete(key)), (1, 0, 1))


@check("XINFO", BOTH)
def info(protocol):
    key = unique("stream")
    with connect(protocol) as r:
        refused("no such key", r.xinfo_stream, key)
        fill(r, key, "1-0", "2-0", "3-0", "4-0")
        r.xdel(key, "2-0")
        r.xgroup_create(key, "late", "$")
        r.xgroup_create(key, "early", "0")
        r.xreadgroup("early", "alice", {key: ">"}, count=1)
        r.xadd(key, {"n": "5"}, id="5-0")
        stream = r.xinfo_stream(key)
        expect(stream.items() >= {"length": 4, "last-generated-id": "5-0", "max-deleted-entry-id": "2-0", "entries-added": 5,
                                  "recorded-first-entry-id": "1-0", "groups": 2, "radix-tree-keys": 1}.items(), True)
        expect((stream["first-entry"], stream["last-entry"]), (entry("1-0"), entry("5-0")))
        early, late = r.xinfo_groups(key)
        expect(early, {"name": "early", "consumers": 1, "pending": 1, "last-delivered-id": "1-0", "entries-read": None, "lag": None})
        expect((late["name"], late["consumers"], late["pending"], late["last-delivered-id"], late["lag"]), ("late", 0, 0, "4-0", None))
        [alice] = r.xinfo_consumers(key, "early")
        expect((alice["name"], alice["pending"], 0 <= alice["idle"] < 60_000), ("alice", 1, True))
        full = r.xinfo_stream(key, full=True)
        expect((full["length"], full["entries"]), (4, dict(entry(id) for id in ("1-0", "3-0", "4-0", "5-0"))))
        expect([(group["name"], group["pel-count"], len(group["pending"]), [one["name"] for one in group["consumers"]]) for group in full["groups"]],
               [("early", 1, 1, ["alice"]), ("late", 0, 0, [])])
        expect(r.delete(key), 1)


@check("blocked groups: one consumer of each gets an entry; ends of waiting", BOTH)
def blocked(protocol):
    key = unique("stream")
    with connect(protocol) as r:
        for group in ("g", "h"):
            r.xgroup_create(key, group, "$", mkstream=True)
        first, second, other = (Blocked(protocol, "xreadgroup", *who, {key: ">"}, block=0) for who in (("g", "a"), ("g", "b"), ("h", "a")))
        fill(r, key, "1-0")
        expect((found(first.result()), found(other.result())), ({key: [entry("1-0")]},) * 2)
        fill(r, key, "2-0")
        expect(found(second.result()), {key: [entry("2-0")]})
        expect([one["pending"] for one in (r.xpending(key, "g"), r.xpending(key, "h"))], [2, 1])

        waits = Blocked(protocol, "xreadgroup", "g", "a", {key: ">"}, block=0)
        r.client_unblock(waits.id)
        expect(found(waits.result()), {})
        r.xreadgroup("h", "a", {key: ">"})
        # The errors' words differ: Redis 7.2 tells those who waited what it tells those who come.
        for group, end in (("g", lambda: r.xgroup_destroy(key, "g")), ("h", lambda: r.delete(key))):
            waits = Blocked(protocol, "xreadgroup", group, "a", {key: ">"}, block=0)
            expect(end(), 1)
            try:
                raise AssertionError(waits.result())
            except redis.ResponseError as error:
                assert str(error).startswith(("NOGROUP ", "UNBLOCKED ")), error


@check("consumers that are cut off: what they had is claimed, and nothing is lost or had twice", BOTH)
def cut_off(protocol):
    key, count = unique("stream"), 200
    with connect(protocol) as r:
        r.xgroup_create(key, "g", "0", mkstream=True)
        gone = [Blocked(protocol, "xreadgroup", "g", f"gone{number}", {key: ">"}, block=0) for number in range(5)]
        for one in gone:
            expect(r.client_kill_filter(_id=one.id), 1)
        for one in gone:
            try:
                raise AssertionError(one.result())
            except redis.ConnectionError:
                pass
        waiting = [Blocked(protocol, "xreadgroup", "g", f"waits{number}", {key: ">"}, block=0, count=1) for number in range(3)]
        with r.pipeline(transaction=False) as pipe:
            for number in range(count):
                pipe.xadd(key, {"n": number})
            pipe.execute()
        had = [fields["n"] for one in waiting for _, fields in found(one.result())[key]]
        for number in range(4):  # each takes some and is never heard of again
            with connect(protocol) as consumer:
                had += [fields["n"] for _, fields in found(consumer.xreadgroup("g", f"dies{number}", {key: ">"}, count=25))[key]]
        expect((len(had), r.xpending(key, "g")["pending"]), (103, 103))
        claimed, start = [], "0-0"
        while True:
            start, entries, deleted = r.xautoclaim(key, "g", "heir", 0, start, count=30)
            claimed += [fields["n"] for _, fields in entries]
            r.xack(key, "g", *(id for id, _ in entries))
            if start == "0-0":
                break
        expect((sorted(claimed), deleted, r.xpending(key, "g")["pending"]), (sorted(had), [], 0))
        rest = [fields["n"] for _, fields in found(r.xreadgroup("g", "heir", {key: ">"}))[key]]
        expect(sorted(map(int, had + rest)), list(range(count)))
        expect(r.delete(key), 1)


@check("fields and values of any bytes, one of 1 MiB; WATCH; COPY and RENAME", BOTH)
def binary(protocol):
    key, large = unique("binary").encode() + EVERY_BYTE, EVERY_BYTE * 4096
    to = key + b"2"
    with connect(protocol, decode_responses=False) as r:
        id = r.xadd(key, {EVERY_BYTE: large, b"": b"\r\n"})
        expect(r.xrange(key) == [(id, {EVERY_BYTE: large, b"": b"\r\n"})], True)
        r.xgroup_create(key, EVERY_BYTE, "0")
        expect(found(r.xreadgroup(EVERY_BYTE, EVERY_BYTE, {key: ">"})) == {key: [(id, {EVERY_BYTE: large, b"": b"\r\n"})]}, True)
        expect((r.copy(key, to), r.xpending(to, EVERY_BYTE)["pending"], r.xlen(to)), (True, 1, 1))
        r.xack(to, EVERY_BYTE, id)
        expect((r.xpending(key, EVERY_BYTE)["pending"], r.rename(to, key), r.xpending(key, EVERY_BYTE)["pending"]), (1, True, 0))
        with r.pipeline() as pipe:
            pipe.watch(key)
            pipe.multi()
            pipe.xlen(key)
            r.xadd(key, {"a": 1})
            try:
                raise AssertionError(pipe.execute())
            except redis.WatchError:
                pass
        expect(r.delete(key), 1)


run("redis-py streams")
