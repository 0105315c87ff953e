"""redis-py, the asyncio client."""

import asyncio

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from harness import AUTH_PORT, PASSWORD, PORT, async_wait_until, check, expect, run, unique

BOTH = (2, 3)
EVERY_BYTE = bytes(range(256))


def connect(protocol, **options):
    options.setdefault("port", PORT)
    options.setdefault("decode_responses", True)
    return redis.asyncio.Redis(host="127.0.0.1", protocol=protocol, **options)


async def next_message(pubsub):
    """The next frame, confirmations included."""
    return await async_wait_until(lambda: pubsub.get_message(timeout=1), "a pub/sub frame")


def frame(type, channel, data, pattern=None):
    return {"type": type, "pattern": pattern, "channel": channel, "data": data}


@check("publish and listen()", BOTH)
async def listen(protocol):
    channel = unique("listen")
    async with connect(protocol) as r, r.pubsub() as p:
        await p.subscribe(channel)
        received = []
        async for message in p.listen():
            if message["type"] == "subscribe":
                expect(message, frame("subscribe", channel, 1))
                for word in ("Hello", "World"):
                    expect(await r.publish(channel, word), 1)
                continue
            received.append(message["data"])
            if len(received) == 2:
                break
        expect(received, ["Hello", "World"])


@check("patterns with a handler, run() as a task", BOTH)
async def handlers(protocol):
    stem, seen = unique("handled"), asyncio.Queue()
    async with connect(protocol) as r, r.pubsub() as p:
        await p.psubscribe(**{f"{stem}.*": seen.put_nowait})
        task = asyncio.create_task(p.run(poll_timeout=0.05))

        async def published():
            return await r.publish(f"{stem}.probe", "probe")

        await async_wait_until(published, "the subscription")
        expect(await r.publish(f"{stem}.x", "hi"), 1)
        while (message := await seen.get())["data"] == "probe":
            pass
        expect(message, frame("pmessage", f"{stem}.x", "hi", f"{stem}.*"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@check("unsubscribe, PING and sharded channels", BOTH)
async def subscriptions(protocol):
    channel, shard = unique("channel"), unique("shard")
    async with connect(protocol, decode_responses=False) as r, r.pubsub() as p:
        await p.subscribe(channel)
        await p.ssubscribe(shard)
        expect(await next_message(p), frame("subscribe", channel.encode(), 1))
        expect(await next_message(p), frame("ssubscribe", shard.encode(), 1))
        await p.ping("hi")
        expect(await next_message(p), frame("pong", None, b"hi"))
        expect(await r.spublish(shard, EVERY_BYTE), 1)
        expect(await next_message(p), frame("smessage", shard.encode(), EVERY_BYTE))
        await p.unsubscribe()
        expect(await next_message(p), frame("unsubscribe", channel.encode(), 0))
        await p.sunsubscribe(shard)
        expect(await next_message(p), frame("sunsubscribe", shard.encode(), 0))
        expect(await r.publish(channel, "nobody"), 0)


@check("a payload of 1 MiB", BOTH)
async def large_payload(protocol):
    channel, payload = unique("large"), EVERY_BYTE * 4096
    async with connect(protocol, decode_responses=False) as r, r.pubsub() as p:
        await p.subscribe(channel)
        await next_message(p)
        expect(await r.publish(channel, payload), 1)
        assert (await next_message(p))["data"] == payload


@check("a pipeline of 1,000 PUBLISH", BOTH)
async def pipeline(protocol):
    channel = unique("pipeline")
    async with connect(protocol) as r, r.pubsub() as p:
        await p.subscribe(channel)
        await next_message(p)
        async with r.pipeline(transaction=False) as pipe:
            for i in range(1000):
                pipe.publish(channel, i)
            expect(await pipe.execute(), [1] * 1000)
        expect([(await next_message(p))["data"] for _ in range(1000)], [str(i) for i in range(1000)])


@check("AUTH with a right and a wrong password", BOTH)
async def authentication(protocol):
    async with connect(protocol, port=AUTH_PORT, password=PASSWORD) as r:
        expect(await r.ping(), True)
    async with connect(protocol, port=AUTH_PORT, password="wrong", retry=Retry(NoBackoff(), 0)) as r:
        try:
            await r.ping()
            raise AssertionError("connected with a wrong password")
        except redis.AuthenticationError:
            pass


@check("CLIENT KILL of a subscriber, who reconnects and subscribes again", BOTH)
async def kill_and_resubscribe(protocol):
    channel, name = unique("kill"), unique("victim")
    async with connect(protocol) as r, connect(protocol, client_name=name) as other, other.pubsub() as p:
        await p.subscribe(channel)
        await next_message(p)
        victim, = [c for c in await r.client_list(_type="pubsub") if c["name"] == name]
        expect(await r.client_kill_filter(_id=victim["id"]), 1)
        expect(await next_message(p), frame("subscribe", channel, 1))

        async def alone():
            return await r.pubsub_numsub(channel) == [(channel, 1)]

        await async_wait_until(alone, "the dead subscription's end")
        expect(await r.publish(channel, "again"), 1)
        expect(await next_message(p), frame("message", channel, "again"))


@check("20 subscribers see 5 publishers' 5,000 messages in one order", BOTH)
async def one_order(protocol):
    publishers, subscribers, each = 5, 20, 1000
    channel = unique("order")

    async def collect(p):
        seen = []
        async for message in p.listen():
            seen.append(message["data"])
            if len(seen) == publishers * each:
                return seen

    async def publish(r, number):
        for start in range(0, each, 50):
            async with r.pipeline(transaction=False) as pipe:
                for i in range(start, start + 50):
                    pipe.publish(channel, f"{number}:{i}")
                expect(await pipe.execute(), [subscribers] * 50)

    async with connect(protocol, max_connections=publishers + subscribers) as r:
        pubsubs = [r.pubsub(ignore_subscribe_messages=True) for _ in range(subscribers)]
        for p in pubsubs:
            await p.subscribe(channel)

        async def everybody_there():
            return await r.pubsub_numsub(channel) == [(channel, subscribers)]

        await async_wait_until(everybody_there, "the subscriptions")
        collectors = [asyncio.create_task(collect(p)) for p in pubsubs]
        await asyncio.gather(*(publish(r, number) for number in range(publishers)))
        orders = await asyncio.gather(*collectors)
        for p in pubsubs:
            await p.aclose()
    assert all(order == orders[0] for order in orders), "subscribers disagree about the order"
    for number in range(publishers):
        own = [m for m in orders[0] if m.startswith(f"{number}:")]
        expect(own, [f"{number}:{i}" for i in range(each)])


@check("5 producers, 20 workers: each of 2,000 elements is taken once, in the producer's order", BOTH)
async def shared_queue(protocol):
    producers, workers, each = 5, 20, 400
    queue, taken = unique("queue"), unique("taken")

    async def produce(r, number):
        for i in range(each):
            await r.lpush(queue, f"{number}:{i}")

    async def collect(r):
        collected = []
        while (element := await r.blmove(queue, taken, 0, src="RIGHT", dest="LEFT")) != "end":
            collected.append(element)
        return collected

    async with connect(protocol, max_connections=producers + workers, socket_timeout=None) as r:
        collectors = [asyncio.create_task(collect(r)) for _ in range(workers)]
        await asyncio.gather(*(produce(r, number) for number in range(producers)))
        await r.lpush(queue, *["end"] * workers)
        everything = [element for collected in await asyncio.gather(*collectors) for element in collected]
        wanted = [f"{number}:{i}" for number in range(producers) for i in range(each)]
        expect(sorted(everything), sorted(wanted))
        order = (await r.lrange(taken, workers, -1))[::-1]
        for number in range(producers):
            own = [element for element in order if element.startswith(f"{number}:")]
            expect(own, [f"{number}:{i}" for i in range(each)])
        expect((await r.exists(queue), await r.delete(taken)), (0, 1))


@check("a cancelled BLPOP takes nothing", BOTH)
async def cancelled_pop(protocol):
    queue, name = unique("queue"), unique("impatient")
    async with connect(protocol) as r, connect(protocol, client_name=name) as impatient:

        async def waiting():
            return any(c["name"] == name and "b" in c["flags"] for c in await r.client_list())

        async def gone():
            return all(c["name"] != name for c in await r.client_list())

        pop = asyncio.create_task(impatient.blpop(queue, 0))
        await async_wait_until(waiting, "the pop to wait")
        pop.cancel()
        await asyncio.gather(pop, return_exceptions=True)
        await async_wait_until(gone, "its connection's end")
        expect(await r.rpush(queue, "stays"), 1)
        expect(list(await impatient.blpop(queue, 1)), [queue, "stays"])


@check("transactions, and WATCH that sees a change", BOTH)
async def transactions(protocol):
    key, log = unique("stock"), unique("log")
    async with connect(protocol) as r, connect(protocol) as rival:
        async with r.pipeline() as pipe:
            expect(await pipe.set(key, 10).rpush(log, "new").lrange(log, 0, -1).execute(), [True, 1, ["new"]])
        attempts = []

        async def take_one(pipe):
            left = int(await pipe.get(key))
            attempts.append(left)
            if len(attempts) == 1:
                await rival.decr(key)
            pipe.multi()
            pipe.set(key, left - 1).rpush(log, left - 1)

        expect(await r.transaction(take_one, key), [True, 2])
        expect((attempts, await r.get(key), await r.lrange(log, 0, -1)), ([10, 9], "8", ["new", "8"]))
        expect(await r.delete(key, log), 2)


run("redis-py asyncio")
