"""The application of faststream_streams.py: a consumer of a group, for its own process and for a process of its own."""

import asyncio
import logging
import os
import sys

import redis.asyncio
from faststream import AckPolicy, FastStream
from faststream.redis import RedisBroker, StreamSub

SERVER = f"redis://127.0.0.1:{os.environ['CHECK_PORT']}"


def create(stream, group, consumer, protocol, claims=None):
    """A broker whose consumer takes part in the group. With `claims` it also takes up what others have had in hand for so
    many ms. It notes each message in the stream's log, and answers in the stream of results."""
    # With protocol=3 redis-py returns a dictionary for XREADGROUP, which FastStream doesn't expect. By default it speaks RESP3
    # too, but returns the lists of RESP2.
    broker = RedisBroker(SERVER + ("?protocol=2" if protocol == 2 else ""), logger=logging.getLogger("quiet"))

    async def work(text: str) -> str:
        async with redis.asyncio.Redis.from_url(SERVER) as r:
            times = await r.rpush(f"{stream}:{group}:{text}", consumer)
            await r.rpush(f"{stream}:{group}:log", f"{text} {consumer}")
            while text.startswith("hold") and not await r.exists(f"{stream}:gate"):
                await asyncio.sleep(0.02)
        if text == "thirdTime" and times < 3:
            raise ValueError("not yet")
        return text.upper()

    work = broker.publisher(stream=f"{stream}:{group}:results")(work)
    work = broker.subscriber(stream=StreamSub(stream, group=group, consumer=consumer), ack_policy=AckPolicy.NACK_ON_ERROR)(work)
    if claims is not None:
        claiming = StreamSub(stream, group=group, consumer=consumer, min_idle_time=claims)
        broker.subscriber(stream=claiming, ack_policy=AckPolicy.NACK_ON_ERROR)(work)
    return broker


if __name__ == "__main__":
    logging.getLogger("quiet").setLevel(logging.CRITICAL + 1)
    name, its_group, its_consumer, version = sys.argv[1:]
    asyncio.run(FastStream(create(name, its_group, its_consumer, int(version)), logger=None).run())
