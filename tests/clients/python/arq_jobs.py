"""arq: deferred jobs, retries, aborted jobs, and worker processes that are stopped or killed in the middle of one."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from datetime import timedelta

from arq.jobs import JobStatus
from arq.worker import JobExecutionFailed

from arq_tasks import MAX_JOBS, connect
from harness import WAIT_LIMIT, async_wait_until, check, expect, run, unique

BOTH = (2, 3)
# For a worker that will be killed: its jobs are free after two seconds.
SHORT_LIVED = {"CHECK_IN_PROGRESS": "2"}


@contextlib.asynccontextmanager
async def application(protocol):
    """A queue's name and a client to give it jobs; leaves no key behind."""
    queue = unique("arq")
    arq = connect(queue, protocol)
    try:
        yield queue, arq
    finally:
        async for key in arq.scan_iter(f"*{queue}*"):
            await arq.delete(key)
        await arq.aclose()


@contextlib.contextmanager
def worker(queue, protocol, **more):
    """A worker process, killed at the end unless it has ended before."""
    environment = os.environ | {"CHECK_QUEUE": queue, "CHECK_PROTOCOL": str(protocol)} | more
    process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "arq_tasks.py")],
                               env=environment, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Queue:
    """Gives jobs. Their ids begin with the queue's name, so that every key can be found, and sort as they were given."""

    def __init__(self, queue, arq):
        self.queue, self.arq, self.given = queue, arq, 0

    async def give(self, function, *arguments, **options):
        self.given += 1
        return await self.arq.enqueue_job(function, *arguments, _job_id=f"{self.queue}:{self.given:03}", **options)


async def result(job):
    return await job.result(timeout=WAIT_LIMIT, poll_delay=0.02)


async def failure(job):
    try:
        value = await result(job)
    except (Exception, asyncio.CancelledError) as error:
        return type(error), str(error)
    raise AssertionError(f"got {value!r} instead of an error")


async def nothing_left(arq, queue):
    expect(await arq.exists(queue), 0)
    left = [key async for key in arq.scan_iter(f"arq:*{queue}*")]
    assert all(key.startswith(b"arq:result:") for key in left), left
    members = await arq.zrange("arq:abort", 0, -1)
    assert not [member for member in members if member.startswith(queue.encode())], members


async def length(arq, log, wanted):
    async def reached():
        return await arq.llen(log) >= wanted

    await async_wait_until(reached, f"{wanted} notes")


@check("jobs wait for a worker, results and errors come back", BOTH)
async def results(protocol):
    async with application(protocol) as (queue, arq):
        give = Queue(queue, arq).give
        jobs = [await give("divide", number, 4) for number in range(20)]
        expect(await arq.enqueue_job("divide", 1, 1, _job_id=jobs[0].job_id), None)  # an id is taken only once
        expect([job.job_id for job in await arq.queued_jobs()], [job.job_id for job in jobs])
        expect(await jobs[0].status(), JobStatus.queued)
        with worker(queue, protocol):
            expect([await result(job) for job in jobs], [number / 4 for number in range(20)])
            expect(await failure(await give("divide", 1, 0)), (ZeroDivisionError, "division by zero"))
            expect(await failure(await give("nothing")), (JobExecutionFailed, "function 'nothing' not found"))
            expect(await jobs[0].status(), JobStatus.complete)
            info = await jobs[7].result_info()
            expect((info.function, info.args, info.success, info.result, info.job_try), ("divide", (7, 4), True, 1.75, 1))
            assert 3500 < await arq.ttl(f"arq:result:{jobs[0].job_id}") <= 3600
        await nothing_left(arq, queue)


@check("deferred jobs run when they are due, in the order of their times", BOTH)
async def deferred(protocol):
    async with application(protocol) as (queue, arq):
        give, log = Queue(queue, arq).give, f"{queue}:log"
        with worker(queue, protocol):
            expect(await result(await give("divide", 4, 2)), 2)
            never = await give("note", log, "never", _defer_by=timedelta(hours=1))
            late = await give("note", log, "late", _defer_by=1.2)
            soon = await give("note", log, "soon", _defer_by=0.4)
            now = await give("note", log, "now")
            expect([await job.status() for job in (never, late)], [JobStatus.deferred, JobStatus.deferred])
            expect([await result(job) for job in (late, soon, now)], ["late", "soon", "now"])
            expect(await arq.lrange(log, 0, -1), [b"now 1", b"soon 1", b"late 1"])
            for job, after in ((late, 1.2), (soon, 0.4), (now, 0)):
                info = await job.result_info()
                assert info.start_time - info.enqueue_time >= timedelta(seconds=after), info
            info = await never.info()
            assert 3500 < info.score / 1000 - info.enqueue_time.timestamp() < 3700, info
            expect([job.job_id for job in await arq.queued_jobs()], [never.job_id])


@check("retries: until it succeeds, and until there were too many", BOTH)
async def retries(protocol):
    async with application(protocol) as (queue, arq):
        give, log = Queue(queue, arq).give, f"{queue}:log"
        with worker(queue, protocol):
            jobs = [await give("third_time") for _ in range(10)]
            expect([await result(job) for job in jobs], [3] * 10)
            expect(await failure(await give("never_right", log)), (JobExecutionFailed, "max 5 retries exceeded"))
            expect(await arq.lrange(log, 0, -1), [b"1", b"2", b"3", b"4", b"5"])
        await nothing_left(arq, queue)


@check("abort: of a job that runs, and of one that waits for its time", BOTH)
async def abort(protocol):
    async with application(protocol) as (queue, arq):
        give, log, gate = Queue(queue, arq).give, f"{queue}:log", f"{queue}:gate"
        with worker(queue, protocol):
            running = await give("wait", log, gate)
            other = await give("wait", log, gate)
            waiting = await give("note", log, "never", _defer_by=3600)
            await length(arq, log, 2)
            expect(await running.status(), JobStatus.in_progress)
            expect(await running.abort(timeout=WAIT_LIMIT, poll_delay=0.02), True)
            expect(await waiting.abort(timeout=WAIT_LIMIT, poll_delay=0.02), True)
            expect(await other.status(), JobStatus.in_progress)
            await arq.set(gate, "open")
            expect(await result(other), 1)
            expect(await other.abort(timeout=WAIT_LIMIT, poll_delay=0.02), False)  # it has ended
            expect(await failure(running), (asyncio.CancelledError, ""))
            expect(await arq.llen(log), 2)


@check("a worker that is told to stop gives its job to another one", BOTH)
async def stopped(protocol):
    async with application(protocol) as (queue, arq):
        give, log, gate = Queue(queue, arq).give, f"{queue}:log", f"{queue}:gate"
        with worker(queue, protocol) as first:
            job = await give("wait", log, gate)
            await length(arq, log, 1)
            first.send_signal(signal.SIGTERM)
            first.wait()
        expect((await arq.zcard(queue), await arq.exists(f"arq:in-progress:{job.job_id}")), (1, 0))
        await arq.set(gate, "open")
        with worker(queue, protocol) as second:
            expect(await result(job), 2)
            expect(await arq.lrange(log, 0, -1), [b"%d" % first.pid, b"%d" % second.pid])
        await nothing_left(arq, queue)


@check("a killed worker's job is done again by another one", BOTH)
async def killed(protocol):
    async with application(protocol) as (queue, arq):
        give, log, gate = Queue(queue, arq).give, f"{queue}:log", f"{queue}:gate"
        with worker(queue, protocol, **SHORT_LIVED) as first:
            job = await give("wait", log, gate)
            await length(arq, log, 1)
        expect((await arq.zcard(queue), await job.status()), (1, JobStatus.in_progress))
        await arq.set(gate, "open")
        with worker(queue, protocol) as second:
            expect(await result(job), 2)
            expect(await arq.lrange(log, 0, -1), [b"%d" % first.pid, b"%d" % second.pid])
        await nothing_left(arq, queue)


@check("200 jobs, two workers, one killed on the way: each done, and again only what it had in hand", BOTH)
async def shared_work(protocol):
    async with application(protocol) as (queue, arq):
        give, log = Queue(queue, arq).give, f"{queue}:log"
        with worker(queue, protocol, **SHORT_LIVED) as first, worker(queue, protocol):
            jobs = []
            for number in range(200):
                jobs.append(await give("note", log, number))
                if number == 100:
                    await length(arq, log, 30)
                    first.kill()
            expect([await result(job) for job in jobs], list(range(200)))
        notes = [tuple(map(int, note.split())) for note in await arq.lrange(log, 0, -1)]
        expect(len(set(notes)), len(notes))
        expect({number for number, _ in notes}, set(range(200)))
        again = [number for number, attempt in notes if attempt > 1]
        assert len(again) <= MAX_JOBS, again
        await nothing_left(arq, queue)


run("arq")
