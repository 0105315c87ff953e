"""taskiq-redis: the list, stream and pub/sub brokers and the result backend, in one process and in several, some of which are killed."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys

import redis.asyncio
from taskiq.api import run_receiver_task
from taskiq_redis import ListQueueBroker, PubSubBroker, RedisStreamBroker

from harness import PORT, WAIT_LIMIT, async_wait_until, check, expect, run, unique
from taskiq_tasks import create

BOTH = (2, 3)
logging.getLogger("taskiq").setLevel(logging.CRITICAL)  # it reports each task that fails and each worker that stops


@contextlib.asynccontextmanager
async def application(kind, protocol):
    """A broker to give tasks to, its queue's name, and a client to look at the server; leaves no key behind."""
    queue = unique("taskiq")
    broker = create(kind, queue, protocol)
    await broker.startup()
    async with redis.asyncio.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        try:
            yield broker, queue, r
        finally:
            await broker.shutdown()
            await broker.result_backend.shutdown()
            async for key in r.scan_iter(f"{queue}*"):
                await r.delete(key)


@contextlib.asynccontextmanager
async def workers(count, kind, queue, protocol, **options):
    """Workers in this process, each with a broker of its own."""
    brokers = [create(kind, queue, protocol, **options) for _ in range(count)]
    running = [asyncio.create_task(run_receiver_task(broker, run_startup=True)) for broker in brokers]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for broker in brokers:
            await broker.shutdown()


@contextlib.contextmanager
def worker_processes(count, queue, protocol, broker="list_broker"):
    """`taskiq worker` with processes that do one task at a time. They are killed at the end."""
    environment = os.environ | {"CHECK_QUEUE": queue, "CHECK_PROTOCOL": str(protocol)}
    process = subprocess.Popen(
        [sys.executable, "-m", "taskiq", "worker", f"taskiq_tasks:{broker}", "--workers", str(count),
         "--max-async-tasks", "1", "--log-level", "ERROR"],
        cwd=os.path.dirname(os.path.abspath(__file__)), env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def result(task):
    """What a task has returned, or the error that it has raised."""
    done = await task.wait_result(check_interval=0.05, timeout=WAIT_LIMIT)
    return done.error or done.return_value


def kick(broker, name, *arguments):
    return broker.find_task(name).kiq(*arguments)


@check("list broker: tasks wait for a worker, results come back", BOTH)
async def list_broker(protocol):
    async with application(ListQueueBroker, protocol) as (broker, queue, r):
        waiting = [await kick(broker, "divide", number, 4) for number in range(5)]
        expect((await r.llen(queue), await waiting[0].is_ready()), (5, False))
        async with workers(1, ListQueueBroker, queue, protocol):
            expect([await result(task) for task in waiting], [number / 4 for number in range(5)])
            error = await result(await kick(broker, "divide", 1, 0))
            assert isinstance(error, ZeroDivisionError), error
            expect(await r.exists(queue), 0)
            assert 0 < await r.ttl(f"{queue}:{waiting[0].task_id}") <= 100

        async def nobody_waits():
            return (await r.info("clients"))["blocked_clients"] == 0

        # Without a worker they wait again, and another one finds them.
        await async_wait_until(nobody_waits, "the worker's end")
        task = await kick(broker, "divide", 9, 3)
        expect(await r.llen(queue), 1)
        async with workers(1, ListQueueBroker, queue, protocol):
            expect(await result(task), 3)


@check("list broker: 10 workers do each of 200 tasks once", BOTH)
async def shared_work(protocol):
    async with application(ListQueueBroker, protocol) as (broker, queue, r):
        log = f"{queue}:log"
        async with workers(10, ListQueueBroker, queue, protocol):
            tasks = await asyncio.gather(*(kick(broker, "note", log, number) for number in range(200)))
            expect(await asyncio.gather(*map(result, tasks)), [os.getpid()] * 200)
        expect(sorted(map(int, await r.lrange(log, 0, -1))), list(range(200)))


@check("list broker: worker processes, which do two tasks at the same time", BOTH)
async def processes(protocol):
    async with application(ListQueueBroker, protocol) as (broker, queue, r):
        a, b, log = f"{queue}:a", f"{queue}:b", f"{queue}:log"
        with worker_processes(2, queue, protocol):
            tasks = [await kick(broker, "meet", a, b), await kick(broker, "meet", b, a)]
            pids = {await result(task) for task in tasks}
            assert len(pids) == 2 and os.getpid() not in pids, pids
            tasks = [await kick(broker, "note", log, number) for number in range(100)]
            assert {await result(task) for task in tasks} <= pids
            expect(sorted(map(int, await r.lrange(log, 0, -1))), list(range(100)))


async def acknowledged(r, queue, entries):
    """Every task is acknowledged; their entries stay in the stream."""

    async def none_pending():
        [group] = await r.xinfo_groups(queue)
        return (group["pending"], group["lag"]) == (0, 0)

    await async_wait_until(none_pending, "every task to be acknowledged")
    expect(await r.xlen(queue), entries)


@check("stream broker: tasks wait for a worker, results come back", BOTH)
async def stream_broker(protocol):
    async with application(RedisStreamBroker, protocol) as (broker, queue, r):
        waiting = [await kick(broker, "divide", number, 4) for number in range(5)]
        expect((await r.xlen(queue), (await r.xinfo_groups(queue))[0]["lag"], await waiting[0].is_ready()), (5, 5, False))
        for round in range(2):  # a second worker finds what came after the first one's end
            async with workers(1, RedisStreamBroker, queue, protocol):
                expect([await result(task) for task in waiting], [number / 4 for number in range(5)])
                error = await result(await kick(broker, "divide", 1, 0))
                assert isinstance(error, ZeroDivisionError), error
                await acknowledged(r, queue, 6 * (round + 1))
            waiting = [await kick(broker, "divide", number, 4) for number in range(5)]


@check("stream broker: 10 workers do each of 200 tasks once", BOTH)
async def shared_stream(protocol):
    async with application(RedisStreamBroker, protocol) as (broker, queue, r):
        log = f"{queue}:log"
        async with workers(10, RedisStreamBroker, queue, protocol):
            tasks = await asyncio.gather(*(kick(broker, "note", log, number) for number in range(200)))
            expect(await asyncio.gather(*map(result, tasks)), [os.getpid()] * 200)
            await acknowledged(r, queue, 200)
        expect(sorted(map(int, await r.lrange(log, 0, -1))), list(range(200)))


@check("stream broker: what killed workers had in hand is done by the next one, each once more", BOTH)
async def killed(protocol):
    async with application(RedisStreamBroker, protocol) as (broker, queue, r):
        log, gate = f"{queue}:log", f"{queue}:gate"
        with worker_processes(2, queue, protocol, "stream_broker"):
            held = [await kick(broker, "hold", log, gate) for _ in range(2)]
            begun = await begin(r, log, 1)
            assert os.getpid() not in begun, begun

            async def both_held():
                return (await r.xpending(queue, "taskiq"))["pending"] == 2

            await async_wait_until(both_held, "the tasks to be in hand")

        async def long_ago():
            return all(one["time_since_delivered"] >= 1000 for one in await r.xpending_range(queue, "taskiq", "-", "+", 10))

        begun = len(await begin(r, log, 1))
        await async_wait_until(long_ago, "a second after the worker's end")
        await r.set(gate, "open")
        async with workers(1, RedisStreamBroker, queue, protocol, takes_up=1000):
            # A worker looks for them when it has got something new.
            expect(await result(await kick(broker, "divide", 1, 2)), 0.5)
            expect([await result(task) for task in held], [os.getpid()] * 2)
            await acknowledged(r, queue, 3)
        expect((await begin(r, log, begun + 2))[begun:], [os.getpid()] * 2)


async def begin(r, log, count):
    """Waits for so many entries of the log, and returns every one: the processes that began a task."""

    async def enough():
        return await r.llen(log) >= count

    await async_wait_until(enough, f"{count} notes")
    return list(map(int, await r.lrange(log, 0, -1)))


@check("pub/sub broker: every worker does every task, and nobody one that was sent before", BOTH)
async def pubsub_broker(protocol):
    async with application(PubSubBroker, protocol) as (broker, queue, r):
        log = f"{queue}:log"
        await kick(broker, "note", log, 0)
        async with workers(3, PubSubBroker, queue, protocol):

            async def listening():
                return await r.pubsub_numsub(queue) == [(queue, 3)]

            await async_wait_until(listening, "the workers' subscriptions")
            expect(await result(await kick(broker, "note", log, 1)), os.getpid())
            expect(await result(await kick(broker, "divide", 1, 2)), 0.5)

            async def all_done():
                return await r.llen(log) == 3

            await async_wait_until(all_done, "every worker's note")
            expect(await r.lrange(log, 0, -1), ["1"] * 3)


run("taskiq-redis")
