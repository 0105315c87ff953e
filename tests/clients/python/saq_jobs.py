"""saq: jobs at once, later and again, aborted jobs, and a worker process that is killed."""

import contextlib
import sys
import time

from saq.job import Status
from saq.queue.base import JobError

from harness import WAIT_LIMIT, async_wait_until, check, expect, run, unique
from processes import worker_process
from saq_tasks import connect

BOTH = (2, 3)


@contextlib.asynccontextmanager
async def application(protocol):
    """A queue; leaves no key behind."""
    queue = connect(unique("saq"), protocol)
    try:
        # One of a queue's workers sweeps it once a minute. It takes a job that another has just fetched, and not yet marked,
        # for one that was left; hence a worker that begins doesn't sweep here.
        await queue.sweep()
        yield queue
    finally:
        async for key in queue.redis.scan_iter(f"*{queue.name}*"):
            await queue.redis.delete(key)
        await queue.disconnect()


def worker(queue, protocol):
    """A worker process, killed at the end unless it has ended before."""
    command = [sys.executable, "-m", "saq", "saq_tasks.settings"]
    return worker_process("saq", command, {"CHECK_QUEUE": queue.name, "CHECK_PROTOCOL": str(protocol)})


async def ended(job):
    """The job as it is when it has ended."""
    async def is_over():
        await job.refresh()
        return job.status in (Status.COMPLETE, Status.FAILED, Status.ABORTED)

    await async_wait_until(is_over, "the job's end")
    return job


async def log(queue, key, count):
    """Waits for so many entries of the log, and returns every one: a text, the process that wrote it, and when."""
    async def reached():
        return await queue.redis.llen(key) >= count

    await async_wait_until(reached, f"{count} notes")
    return [(text, int(pid), float(when)) for text, pid, when in (entry.decode().split() for entry in await queue.redis.lrange(key, 0, -1))]


async def nothing_left(queue):
    expect([await queue.count(kind) for kind in ("queued", "active", "incomplete")], [0, 0, 0])


@check("jobs wait for a worker; results and errors come back", BOTH)
async def results(protocol):
    async with application(protocol) as queue:
        key = f"{queue.name}:log"
        jobs = [await queue.enqueue("note", log=key, text=str(value), key=f"n{value}") for value in range(20)]
        expect((await queue.enqueue("note", log=key, text="again", key="n7"), await queue.count("queued")), (None, 20))
        with worker(queue, protocol) as process:
            expect([(await ended(job)).result for job in jobs], [str(value) for value in range(20)])
            expect([entry[:2] for entry in await log(queue, key, 20)], [(str(value), process.pid) for value in range(20)])
            # These wait for what the worker publishes.
            expect(await queue.apply("divide", a=1, b=4, timeout=WAIT_LIMIT), 0.25)
            expect(await queue.map("divide", [{"a": value, "b": 2} for value in range(10)], timeout=WAIT_LIMIT),
                   [value / 2 for value in range(10)])
            try:
                await queue.apply("divide", a=1, b=0, timeout=WAIT_LIMIT)
            except JobError as error:
                assert "ZeroDivisionError: division by zero" in error.job.error, error.job.error
            else:
                raise AssertionError("no error")
        await nothing_left(queue)


@check("scheduled jobs run when they are due; retries", BOTH)
async def scheduled(protocol):
    async with application(protocol) as queue:
        key, tries = f"{queue.name}:log", f"{queue.name}:tries"
        with worker(queue, protocol):
            second = int(time.time())
            never = await queue.enqueue("note", log=key, text="never", scheduled=second + 3600)
            for text, after in (("late", 2), ("soon", 1)):
                await queue.enqueue("note", log=key, text=text, scheduled=second + after)
            expect((await queue.count("queued"), await queue.count("incomplete")), (0, 3))
            right = await queue.enqueue("third_time", log=tries, retries=5, retry_delay=0.1)
            wrong = await queue.enqueue("third_time", log=f"{tries}:wrong", retries=2)
            for (text, _, when), (wanted, after) in zip(await log(queue, key, 2), (("soon", 1), ("late", 2)), strict=True):
                expect(text, wanted)
                assert when >= second + after, (text, when - second)
            expect(((await ended(right)).result, right.attempts), ("right", 3))
            expect([entry[0] for entry in await log(queue, tries, 3)], ["1", "2", "3"])
            expect(((await ended(wrong)).status, wrong.attempts, await queue.redis.llen(f"{tries}:wrong")), (Status.FAILED, 2, 2))
            await never.abort("no more")
            await never.refresh()
            expect((never.status, await queue.count("incomplete")), (Status.ABORTING, 0))
        await nothing_left(queue)


@check("a job that runs is aborted", BOTH)
async def aborted(protocol):
    async with application(protocol) as queue:
        key, gate = f"{queue.name}:log", f"{queue.name}:gate"
        with worker(queue, protocol):
            job = await queue.enqueue("hold", log=key, gate=gate, timeout=0)
            await log(queue, key, 1)
            await job.abort("enough")
            expect(((await ended(job)).status, job.error), (Status.ABORTED, "enough"))
            expect(await queue.apply("divide", a=1, b=4, timeout=WAIT_LIMIT), 0.25)
        await nothing_left(queue)


@check("a killed worker's job is swept up and done again by the next one, every other is done once", BOTH)
async def killed(protocol):
    async with application(protocol) as queue:
        key, gate = f"{queue.name}:log", f"{queue.name}:gate"
        held = await queue.enqueue("hold", log=key, gate=gate, timeout=0, heartbeat=1, retries=2)
        for value in range(100):
            await queue.enqueue("note", log=key, text=str(value))
        with worker(queue, protocol) as first:
            expect([entry[:2] for entry in await log(queue, key, 1)], [("hold", first.pid)])
        expect((await queue.count("active"), await queue.count("queued")), (1, 100))

        async def stuck():
            await held.refresh()
            return held.stuck

        await async_wait_until(stuck, "the heartbeat to be missed")
        await queue.redis.delete(queue.namespace("sweep"))  # a minute is over
        expect(await queue.sweep(), [held.id])
        await queue.redis.set(gate, "open")
        with worker(queue, protocol) as second:
            expect((await ended(held)).result, 2)
            notes = [entry[:2] for entry in await log(queue, key, 102)]
            expect(notes[1:], [(text, second.pid) for text in [*map(str, range(100)), "hold"]])
            await nothing_left(queue)


run("saq")
