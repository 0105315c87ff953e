"""FastStream's Redis streams: groups whose consumers share messages, batches, errors, and a consumer that is killed."""

import contextlib
import logging
import os
import signal
import subprocess
import sys

import redis.asyncio
from faststream.redis import RedisBroker, StreamSub

from faststream_consumer import SERVER, create
from harness import PORT, async_wait_until, check, expect, run, unique

BOTH = (2, 3)
logging.getLogger("quiet").setLevel(logging.CRITICAL + 1)  # it reports each message that fails


@contextlib.asynccontextmanager
async def application(protocol, *groups):
    """A broker to publish with, a stream that has these groups, and a client to look at it; leaves no key behind."""
    stream = unique("faststream")
    async with RedisBroker(SERVER, logger=None) as broker, redis.asyncio.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        try:
            for group in groups:
                await r.xgroup_create(stream, group, "0", mkstream=True)
            yield broker, stream, r
        finally:
            async for key in r.scan_iter(f"{stream}*", count=1000):
                await r.delete(key)


@contextlib.asynccontextmanager
async def consumers(*brokers):
    """Consumers in this process."""
    try:
        for broker in brokers:
            await broker.start()
        yield
    finally:
        for broker in brokers:
            await broker.stop()


@contextlib.contextmanager
def consumer_process(*arguments):
    """A consumer in a process of its own, which is killed at the end."""
    process = subprocess.Popen([sys.executable, "faststream_consumer.py", *map(str, arguments)],
                               cwd=os.path.dirname(os.path.abspath(__file__)), stdin=subprocess.DEVNULL)
    try:
        yield
        expect(process.poll(), None)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def log(r, stream, group, count):
    """Waits for so many entries of the log, and returns every one: a text, and the consumer that noted it."""

    async def enough():
        return await r.llen(f"{stream}:{group}:log") >= count

    await async_wait_until(enough, f"{count} notes")
    return [tuple(entry.split()) for entry in await r.lrange(f"{stream}:{group}:log", 0, -1)]


async def done(r, stream, group, results):
    """Every message is acknowledged, and has so many results."""

    async def all_done():
        [state] = [one for one in await r.xinfo_groups(stream) if one["name"] == group]
        return (state["pending"], state["lag"], await r.xlen(f"{stream}:{group}:results")) == (0, 0, results)

    await async_wait_until(all_done, f"{results} results of {group}")


@check("groups: each gets all that was published before and after, and its consumers share it; batches", BOTH)
async def groups(protocol):
    async with application(protocol, "g", "h") as (broker, stream, r):
        texts = [f"n{number}" for number in range(60)]
        for text in texts[:30]:
            await broker.publish(text, stream=stream)
        batches, reader = [], RedisBroker(SERVER, logger=None)

        @reader.subscriber(stream=StreamSub(stream, batch=True, max_records=8, last_id="0"))
        async def read(batch: list[str]):
            batches.append(batch)

        async with consumers(create(stream, "g", "a", protocol), create(stream, "g", "b", protocol), create(stream, "h", "a", protocol), reader):
            for text in texts[30:]:
                await broker.publish(text, stream=stream)
            for group in ("g", "h"):
                await done(r, stream, group, 60)
                expect(sorted(text for text, _ in await log(r, stream, group, 60)), sorted(texts))

            async def all_read():
                return sum(map(len, batches)) == 60

            await async_wait_until(all_read, "the batches")
        expect([text for batch in batches for text in batch], texts)
        expect([text for text, _ in await log(r, stream, "h", 60)], texts)
        expect({consumer for _, consumer in await log(r, stream, "h", 60)}, {"a"})
        assert max(map(len, batches)) <= 8, batches


@check("a message that fails stays pending, and is claimed until it succeeds", BOTH)
async def failing(protocol):
    async with application(protocol, "g") as (broker, stream, r):
        async with consumers(create(stream, "g", "a", protocol)):
            await broker.publish("thirdTime", stream=stream)
            await broker.publish("next", stream=stream)
            expect(await log(r, stream, "g", 2), [("thirdTime", "a"), ("next", "a")])

            async def one_pending():
                return (await r.xpending(stream, "g"))["pending"] == 1

            await async_wait_until(one_pending, "the other message to be acknowledged")
        async with consumers(create(stream, "g", "b", protocol, claims=100)):
            await done(r, stream, "g", 2)
        expect((await log(r, stream, "g", 4))[2:], [("thirdTime", "b")] * 2)


@check("what a killed consumer had in hand is claimed by another one, each message once more", BOTH)
async def killed(protocol):
    async with application(protocol, "g") as (broker, stream, r):
        with consumer_process(stream, "g", "victim", protocol):
            await broker.publish("hold", stream=stream)
            expect(await log(r, stream, "g", 1), [("hold", "victim")])
            for number in range(20):
                await broker.publish(f"n{number}", stream=stream)
            expect((await r.xpending(stream, "g"))["consumers"], [{"name": "victim", "pending": 1}])
        await r.set(f"{stream}:gate", "open")
        async with consumers(create(stream, "g", "heir", protocol, claims=2000), create(stream, "g", "other", protocol)):
            await done(r, stream, "g", 21)
        rest = (await log(r, stream, "g", 22))[1:]
        expect(sorted(text for text, _ in rest), sorted(["hold", *(f"n{number}" for number in range(20))]))
        expect([consumer for text, consumer in rest if text == "hold"], ["heir"])


run("FastStream")
