"""redis-py through edges: two fanfares with one hub. Only against fanfare; the hub may be a redis-server."""

import asyncio
import functools
import threading

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from edge_servers import HUBS, edges
from harness import async_wait_until, check, expect, refused, run, wait_until

EVERY_BYTE = bytes(range(256))
ONCE = Retry(NoBackoff(), 0)  # redis-py tries ten times by default
NO_HUB = "NOUPSTREAM no connection to the upstream"


def behind(title):
    """Registers a check for each kind of hub, with one RESP version each."""

    def register(function):
        for hub, protocol in zip(HUBS, (2, 3)):
            check(f"{title}, hub {hub}", [protocol])(functools.partial(function, hub))

    return register


def connect(port, protocol, **options):
    options.setdefault("decode_responses", True)
    return redis.Redis(port=port, protocol=protocol, **options)


def next_message(pubsub):
    return wait_until(lambda: pubsub.get_message(timeout=1), "a pub/sub frame")


def next_or_closed(pubsub):
    """The next frame, or None if the connection has ended."""
    try:
        return pubsub.get_message(timeout=1)
    except redis.ConnectionError:
        return None


def frames(pubsub, count):
    return [next_message(pubsub) for _ in range(count)]


def frame(type, channel, data, pattern=None):
    return {"type": type, "pattern": pattern, "channel": channel, "data": data}


@behind("one order for subscribers at both edges and at the hub")
def one_order(hub, protocol):
    publishers, batches, size = 3, 5, 100
    with edges(hub) as servers:
        ports = (servers.hub, servers.a, servers.b)
        clients = [connect(port, protocol) for port in ports]
        subscribers = [r.pubsub() for r in clients]
        for p in subscribers:
            p.subscribe("orders")
            expect(next_message(p), frame("subscribe", "orders", 1))
        replies = []

        def publish(number):
            with connect(ports[number], protocol) as r:
                for batch in range(batches):
                    with r.pipeline(transaction=False) as pipe:
                        for i in range(size):
                            pipe.publish("orders", f"{number} {batch * size + i}")
                        replies.append(pipe.execute())

        threads = [threading.Thread(target=publish, args=(number,)) for number in range(publishers)]
        for thread in threads:
            thread.start()
        received = [[f["data"] for f in frames(p, publishers * batches * size)] for p in subscribers]
        for thread in threads:
            thread.join()
        expect(received[1] == received[0], True)
        expect(received[2] == received[0], True)
        for number in range(publishers):
            own = [data for data in received[0] if data.startswith(f"{number} ")]
            expect(own, [f"{number} {i}" for i in range(batches * size)])
        expect(replies, [[3] * size] * (publishers * batches))
        for p, r in zip(subscribers, clients):
            p.close()
            r.close()


@behind("a channel, patterns that match it, and how many receivers PUBLISH tells")
def patterns_and_counts(hub, protocol):
    with edges(hub) as servers:
        with connect(servers.a, protocol) as a, connect(servers.b, protocol) as b, connect(servers.hub, protocol) as direct:
            with a.pubsub() as p, a.pubsub() as q, b.pubsub() as s:
                expect([b.publish("news.art", "x"), a.pubsub_numsub("news.art")], [0, [("news.art", 0)]])
                p.subscribe("news.art")
                p.psubscribe("news.*", "news.[a-b]?t")
                frames(p, 3)
                s.subscribe("news.art")
                frames(s, 1)
                for publisher in (a, b, direct):
                    expect(publisher.publish("news.art", "hi"), 4)
                for _ in range(3):
                    expect(next_message(p), frame("message", "news.art", "hi"))
                    expect(sorted(f["pattern"] for f in frames(p, 2)), ["news.*", "news.[a-b]?t"])
                expect(frames(s, 3), [frame("message", "news.art", "hi")] * 3)
                # A second client at an edge counts there. For others, the edge is still one subscriber.
                q.subscribe("news.art")
                frames(q, 1)
                expect([r.publish("news.art", "more") for r in (a, b, direct)], [5, 4, 4])
                numbers = [r.pubsub_numsub("news.art", "nobody") for r in (a, b, direct)]
                expect(numbers, [[("news.art", number), ("nobody", 0)] for number in (3, 2, 2)])
                assert "news.art" in b.pubsub_channels("news.*")
                expect(b.pubsub_numpat(), 2)


@behind("sharded pub/sub")
def sharded(hub, protocol):
    with edges(hub) as servers, connect(servers.a, protocol) as a, connect(servers.b, protocol) as b:
        with a.pubsub() as p:
            p.ssubscribe("shard")
            expect(next_message(p), frame("ssubscribe", "shard", 1))
            expect(b.publish("shard", "not for shards"), 0)
            expect(b.spublish("shard", "for shards"), 1)
            expect(next_message(p), frame("smessage", "shard", "for shards"))
            expect(b.pubsub_shardchannels(), ["shard"])
            expect(b.pubsub_shardnumsub("shard"), [("shard", 1)])
            p.sunsubscribe("shard")
            expect(next_message(p), frame("sunsubscribe", "shard", 0))
            expect(a.spublish("shard", "nobody"), 0)


@behind("any bytes, 1 MiB, a pipeline and a transaction")
def payloads(hub, protocol):
    name = b"binary\x00\r\n\xff"
    options = {"decode_responses": False}
    with edges(hub) as servers, connect(servers.a, protocol, **options) as a, connect(servers.b, protocol, **options) as b:
        with a.pubsub() as p:
            p.subscribe(name)
            frames(p, 1)
            for payload in (EVERY_BYTE, EVERY_BYTE * 4096, b""):
                expect(b.publish(name, payload), 1)
                received = next_message(p)
                assert received["data"] == payload, f"{len(received['data'])} bytes that differ"
            with b.pipeline(transaction=False) as pipe:
                for i in range(1000):
                    pipe.publish(name, i)
                expect(pipe.execute(), [1] * 1000)
            with b.pipeline(transaction=True) as pipe:
                expect(pipe.publish(name, "one").publish(b"other", "two").publish(name, "three").execute(), [1, 0, 1])
            wanted = [b"%d" % i for i in range(1000)] + [b"one", b"three"]
            expect([f["data"] for f in frames(p, 1002)], wanted)


def subscribe_thrice(p):
    p.subscribe("c")
    p.psubscribe("p*")
    p.ssubscribe("s")
    frames(p, 3)


THRICE = [frame("subscribe", "c", 1), frame("psubscribe", "p*", 2), frame("ssubscribe", "s", 1)]


def reached_by(publisher, p):
    """That the three subscriptions work."""
    expect([publisher.publish("c", "1"), publisher.publish("p1", "2"), publisher.spublish("s", "3")], [1, 1, 1])
    expect([f["data"] for f in frames(p, 3)], ["1", "2", "3"])


@behind("the hub is killed: the subscriber reconnects and subscribes again")
def hub_killed(hub, protocol):
    with edges(hub) as servers, connect(servers.a, protocol) as a, connect(servers.b, protocol) as b, a.pubsub() as p:
        subscribe_thrice(p)
        reached_by(b, p)
        servers.kill_hub()
        for edge in (servers.a, servers.b):
            servers.wait_for_hub(edge, 0)
        for publish in (b.publish, b.spublish):
            refused(NO_HUB, publish, "c", "lost")
        expect([a.ping(), b.info("upstream")["upstream_losses"]], [True, 1])
        # It has been closed, connects and subscribes. That is confirmed when the hub is back.
        expect(p.get_message(timeout=0.2), None)
        servers.start_hub()
        expect(frames(p, 3), THRICE)
        servers.wait_for_hub(servers.b)
        reached_by(b, p)


@behind("the hub is away for longer than a subscriber waits for it")
def hub_away(hub, protocol):
    with edges(hub, "--upstream-timeout", "1") as servers, connect(servers.b, protocol) as b:
        with connect(servers.a, protocol, retry=ONCE) as a, a.pubsub() as p:
            subscribe_thrice(p)
            servers.kill_hub()

            def is_closed():
                try:
                    expect(p.get_message(timeout=1), None)
                except redis.ConnectionError:
                    return True

            # It is closed, and so is each connection on which it has tried in vain to subscribe again.
            for _ in range(2):
                wait_until(is_closed, "the edge to close the connection")
            servers.start_hub()
            expect([wait_until(lambda: next_or_closed(p), "a frame") for _ in range(3)], THRICE)
            servers.wait_for_hub(servers.b)
            reached_by(b, p)


@behind("upstream-loss-policy keep: the subscriber stays connected")
def keep(hub, protocol):
    with edges(hub, "--upstream-loss-policy", "keep") as servers:
        with connect(servers.a, protocol) as a, connect(servers.b, protocol) as b, a.pubsub() as p:
            subscribe_thrice(p)
            before, = a.client_list(_type="pubsub")
            servers.kill_hub()
            servers.wait_for_hub(servers.b, 0)
            refused(NO_HUB, b.publish, "c", "lost")
            expect(p.get_message(timeout=0.2), None)
            servers.start_hub()
            # The edge subscribes again at the hub.
            with connect(servers.hub, protocol) as direct:
                wait_until(lambda: (direct.pubsub_numsub("c"), direct.pubsub_numpat(), direct.pubsub_shardnumsub("s"))
                           == ([("c", 1)], 1, [("s", 1)]), "the edge's subscriptions")
            servers.wait_for_hub(servers.b)
            reached_by(b, p)
            after, = a.client_list(_type="pubsub")
            # CLIENT LIST has the field only where it is not 0.
            expect((after["id"], before.get("gaps"), after["gaps"]), (before["id"], None, "1"))
            assert a.info("upstream")["upstream_gap_millis"] > 0


@behind("asyncio: listen() at one edge, and the hub is killed")
async def listen(hub, protocol):
    with edges(hub) as servers:
        async with redis.asyncio.Redis(port=servers.a, protocol=protocol) as a, \
                redis.asyncio.Redis(port=servers.b, protocol=protocol) as b, a.pubsub() as p:
            await p.subscribe("c")
            received = asyncio.Queue()

            async def read():
                async for message in p.listen():
                    await received.put((message["type"], message["data"]))

            reader = asyncio.create_task(read())
            expect(await received.get(), ("subscribe", 1))
            expect(await b.publish("c", "before"), 1)
            expect(await received.get(), ("message", b"before"))
            servers.kill_hub()
            servers.wait_for_hub(servers.a, 0)
            servers.start_hub()
            expect(await received.get(), ("subscribe", 1))

            async def publish():
                try:
                    return await b.publish("c", "after") == 1
                except redis.ResponseError as error:
                    expect(str(error), NO_HUB)

            await async_wait_until(publish, "the other edge's hub")
            expect(await received.get(), ("message", b"after"))
            reader.cancel()


run("redis-py through edges")
