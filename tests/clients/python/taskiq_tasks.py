"""The application of taskiq_redis_brokers.py: its tasks and brokers, for its own process and for `taskiq worker`."""

import asyncio
import os

import redis.asyncio
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

URL = f"redis://127.0.0.1:{os.environ['CHECK_PORT']}"


def create(kind, queue, protocol, takes_up=600_000):
    """A broker with the tasks, as each process of an application has one. A worker of the stream broker takes up what another
    one has had in hand for `takes_up` ms."""
    results = RedisAsyncResultBackend(URL, result_ex_time=100, prefix_str=queue, protocol=protocol)
    options = {"protocol": protocol}
    if kind is RedisStreamBroker:
        # With protocol=3 redis-py returns a dictionary for XREADGROUP, which the broker doesn't expect. By default it speaks
        # RESP3 too, but returns the lists of RESP2.
        options = {"consumer_id": "0", "idle_timeout": takes_up} | ({"protocol": 2} if protocol == 2 else {})
    broker = kind(URL, queue_name=queue, **options).with_result_backend(results)

    @broker.task(task_name="divide")
    async def divide(a: int, b: int) -> float:
        return a / b

    @broker.task(task_name="note")
    async def note(log: str, number: int) -> int:
        """Notes that it has run, and tells where."""
        async with redis.asyncio.Redis.from_url(URL) as r:
            await r.rpush(log, number)
        return os.getpid()

    @broker.task(task_name="hold")
    async def hold(log: str, gate: str) -> int:
        """Ends when the gate is open."""
        async with redis.asyncio.Redis.from_url(URL) as r:
            await r.rpush(log, os.getpid())
            while not await r.exists(gate):
                await asyncio.sleep(0.02)
        return os.getpid()

    @broker.task(task_name="meet")
    async def meet(mine: str, theirs: str) -> int:
        """Ends only while the other one runs too."""
        async with redis.asyncio.Redis.from_url(URL, socket_timeout=None) as r:
            await r.lpush(mine, "here")
            await r.brpop(theirs, 30)
        return os.getpid()

    return broker


def list_broker():
    """What `taskiq worker taskiq_tasks:list_broker` runs."""
    return create(ListQueueBroker, os.environ["CHECK_QUEUE"], int(os.environ["CHECK_PROTOCOL"]))


def stream_broker():
    """What `taskiq worker taskiq_tasks:stream_broker` runs."""
    return create(RedisStreamBroker, os.environ["CHECK_QUEUE"], int(os.environ["CHECK_PROTOCOL"]))
