"""redis-py, the blocking client, as one uses it for queues: lists and blocking pops."""

from harness import check, expect, refused, run, unique, wait_until
from redis_py_blocked import ONCE, Blocked, connect

BOTH = (2, 3)
EVERY_BYTE = bytes(range(256))
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


@check("lists", BOTH)
def lists(protocol):
    key, other, none = unique("list"), unique("list"), unique("none")
    with connect(protocol) as r:
        expect(r.rpush(key, "b", "c"), 2)
        expect(r.lpush(key, "a", "z"), 4)
        expect(r.lrange(key, 0, -1), ["z", "a", "b", "c"])
        expect((r.lpushx(none, "x"), r.rpushx(none, "x"), r.rpushx(key, "d")), (0, 0, 5))
        expect((r.llen(key), r.llen(none)), (5, 0))
        expect((r.lindex(key, 0), r.lindex(key, -1), r.lindex(key, 9)), ("z", "d", None))
        expect((r.lpop(key), r.rpop(key), r.lpop(none)), ("z", "d", None))
        expect((r.lpop(key, 2), r.rpop(key, 9), r.lpop(key, 1)), (["a", "b"], ["c"], None))
        expect((r.exists(key), r.type(key)), (0, "none"))

        expect(r.rpush(key, *"abcab"), 5)
        expect((r.type(key), r.object("encoding", key)), ("list", "listpack" if not old(r) else "quicklist"))
        expect(r.lset(key, 2, "C"), True)
        refused("index out of range", r.lset, key, 9, "x")
        refused("no such key", r.lset, none, 0, "x")
        expect((r.linsert(key, "BEFORE", "C", "1"), r.linsert(key, "AFTER", "C", "2")), (6, 7))
        expect((r.linsert(key, "BEFORE", "nowhere", "x"), r.linsert(none, "AFTER", "a", "x")), (-1, 0))
        expect(r.lrange(key, 0, -1), ["a", "b", "1", "C", "2", "a", "b"])
        expect((r.lpos(key, "a"), r.lpos(key, "a", rank=-1), r.lpos(key, "nowhere")), (0, 5, None))
        expect((r.lpos(key, "b", count=0), r.lpos(key, "b", count=0, maxlen=3)), ([1, 6], [1]))
        expect((r.lrem(key, -1, "b"), r.lrem(key, 0, "a"), r.lrem(key, 1, "nowhere")), (1, 2, 0))
        expect(r.lrange(key, -100, 100), ["b", "1", "C", "2"])
        expect(r.ltrim(key, 1, -2), True)
        expect(r.lrange(key, 0, -1), ["1", "C"])
        expect(r.ltrim(key, 5, 9), True)
        expect(r.exists(key), 0)

        r.rpush(key, "1", "2", "3")
        expect(r.lmove(key, other), "1")  # from the left to the right
        expect(r.lmove(key, other, src="RIGHT", dest="LEFT"), "3")
        expect(r.rpoplpush(other, other), "1")
        expect((r.lrange(key, 0, -1), r.lrange(other, 0, -1)), (["2"], ["1", "3"]))
        expect(r.lmove(none, other), None)
        expect(list(r.lmpop(3, none, other, key, direction="RIGHT", count=5)), [other, ["3", "1"]])
        expect(r.lmpop(1, none, direction="LEFT"), None)
        r.set(other, "text")
        refused(WRONG_TYPE, r.lpush, other, "x")
        refused(WRONG_TYPE, r.lmove, key, other)
        expect(r.lrange(key, 0, -1), ["2"])
        expect(r.delete(key, other, none), 2)


def old(r):
    """Before 7.2, Redis called every list a quicklist."""
    major, minor, _ = r.info("server")["redis_version"].split(".")
    return (int(major), int(minor)) < (7, 2)


@check("elements and keys of any bytes, one of 1 MiB, 10,000 in one list", BOTH)
def binary(protocol):
    key = unique("binary").encode() + b"\x00\r\n\xff"
    with connect(protocol, decode_responses=False) as r:
        large = EVERY_BYTE * 4096
        expect(r.rpush(key, EVERY_BYTE, b"", large), 3)
        expect((r.lpos(key, EVERY_BYTE), r.lpos(key, b"")), (0, 1))
        assert r.lrange(key, 0, -1) == [EVERY_BYTE, b"", large]
        expect(tuple(r.blpop(key, 1)), (key, EVERY_BYTE))
        expect(r.lpop(key), b"")
        assert r.lpop(key) == large
        numbers = [b"%d" % i for i in range(10_000)]
        expect(r.rpush(key, *numbers), 10_000)
        assert r.lrange(key, 0, -1) == numbers
        assert r.lrange(key, 4_000, 4_099) == numbers[4_000:4_100]
        assert r.lpop(key, 10_000) == numbers
        expect(r.exists(key), 0)


@check("blocking pops that need not wait, and that wait in vain", BOTH)
def blocking_at_once(protocol):
    a, b, to = unique("a"), unique("b"), unique("to")
    with connect(protocol) as r:
        r.rpush(b, *"12345678")
        expect(tuple(r.blpop([a, b], 1)), (b, "1"))
        expect(tuple(r.brpop([a, b], 1)), (b, "8"))
        expect(r.blmove(b, to, 1), "2")
        expect(r.brpoplpush(b, to, 1), "7")
        expect(r.lrange(to, 0, -1), ["7", "2"])
        expect(list(r.blmpop(1, 2, a, b, direction="LEFT", count=2)), [b, ["3", "4"]])
        r.rpush(a, "first")
        expect(tuple(r.brpop([a, b], 1)), (a, "first"))
        for call in (lambda: r.blpop(a, 0.01), lambda: r.brpop([a], 0.01), lambda: r.blmove(a, to, 0.01),
                     lambda: r.brpoplpush(a, to, 0.01), lambda: r.blmpop(0.01, 1, a, direction="LEFT")):
            expect(call(), None)
        refused("timeout is negative", r.blpop, a, -1)
        refused("timeout is not a float or out of range", r.blpop, a, "soon")
        r.set(a, "text")
        refused(WRONG_TYPE, r.blpop, [a, b], 1)
        expect(r.delete(a, b, to), 3)


@check("blocking pops that wait for a push", BOTH)
def blocking(protocol):
    key, other, to = unique("key"), unique("other"), unique("to")
    with connect(protocol) as r:
        waiter = Blocked(protocol, "blpop", [other, key], 0)
        expect(r.rpush(key, "x"), 1)
        expect(tuple(waiter.result()), (key, "x"))
        waiter = Blocked(protocol, "brpop", [key, other], 30)
        expect(r.rpush(other, "1", "2"), 2)
        expect(tuple(waiter.result()), (other, "2"))
        r.delete(other)
        waiter = Blocked(protocol, "blmpop", 0, 2, key, other, direction="LEFT", count=10)
        expect(r.lpush(key, "1", "2", "3"), 3)
        expect(list(waiter.result()), [key, ["3", "2", "1"]])
        expect(r.exists(key, other), 0)
        # A chain: what one waiter moves is what the next one waits for.
        last = Blocked(protocol, "brpop", to, 0)
        middle = Blocked(protocol, "blmove", other, to, 0, src="RIGHT", dest="LEFT")
        first = Blocked(protocol, "brpoplpush", key, other, 0)
        expect(r.lpush(key, "through"), 1)
        expect((first.result(), middle.result(), tuple(last.result())), ("through", "through", (to, "through")))
        expect(r.exists(key, other, to), 0)


@check("who waits longest is served first, after the push or EXEC is complete", BOTH)
def first_come(protocol):
    key = unique("turns")
    with connect(protocol) as r:
        waiters = [Blocked(protocol, "blpop", key, 0) for _ in range(3)]
        expect(r.rpush(key, "a", "b", "c", "d"), 4)
        expect([waiter.result()[1] for waiter in waiters], ["a", "b", "c"])
        expect(r.lrange(key, 0, -1), ["d"])
        r.delete(key)
        waiters = [Blocked(protocol, "blpop", key, 0) for _ in range(2)]
        with r.pipeline() as pipe:
            expect(pipe.rpush(key, "1").lpush(key, "0").rpush(key, "2").execute(), [1, 2, 3])
        expect([waiter.result()[1] for waiter in waiters], ["0", "1"])
        expect(r.lpop(key), "2")
        # A key that becomes another type, or is filled and emptied in one transaction, wakes nobody.
        waiter = Blocked(protocol, "blpop", key, 0)
        with r.pipeline() as pipe:
            expect(pipe.rpush(key, "x").lpop(key).execute(), [1, "x"])
        r.set(key, "text")
        r.delete(key)
        r.rpush(key, "at last")
        expect(tuple(waiter.result()), (key, "at last"))


@check("a waiter whose connection is gone gets nothing", BOTH)
def waiter_gone(protocol):
    key, name = unique("gone"), unique("impatient")
    with connect(protocol) as r:
        with connect(protocol, client_name=name, socket_timeout=0.2, retry=ONCE) as impatient:
            refused("Timeout reading from socket", impatient.blpop, key, 0)
        killed = Blocked(protocol, "blpop", key, 0)
        patient = Blocked(protocol, "blpop", key, 0)
        expect(r.client_kill_filter(_id=killed.id), 1)
        refused("Connection closed by server.", killed.result)
        gone = {name, killed.name}
        wait_until(lambda: not gone & {c["name"] for c in r.client_list()}, "the two to be gone")
        expect(r.rpush(key, "1", "2"), 2)
        expect(tuple(patient.result()), (key, "1"))
        expect(r.lrange(key, 0, -1), ["2"])
        r.delete(key)


@check("CLIENT UNBLOCK, with a time-out and with an error", BOTH)
def unblock(protocol):
    key = unique("unblock")
    with connect(protocol) as r:
        waiter = Blocked(protocol, "blpop", key, 0)
        expect(r.client_unblock(waiter.id), 1)
        expect(waiter.result(), None)
        waiter = Blocked(protocol, "blmove", key, key, 0)
        expect(r.client_unblock(waiter.id, error=True), 1)
        refused("UNBLOCKED client unblocked via CLIENT UNBLOCK", waiter.result)
        expect(r.client_unblock(r.client_id()), 0)
        expect(r.rpush(key, "nobody waits"), 1)
        r.delete(key)


run("redis-py queue")
