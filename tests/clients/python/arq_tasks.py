"""The application of arq_jobs.py: its jobs, and the worker process that `python arq_tasks.py` runs."""

import asyncio
import logging
import os

from arq import Retry
from arq.connections import ArqRedis
from arq.worker import Worker

# How many jobs one worker has in hand at the same time.
MAX_JOBS = 10


def connect(queue, protocol):
    """arq's `create_pool` cannot ask for a protocol."""
    return ArqRedis(host="127.0.0.1", port=int(os.environ["CHECK_PORT"]), protocol=protocol, default_queue_name=queue)


async def note(ctx, log, number):
    """Notes that it has run, and which try that was."""
    await ctx["redis"].rpush(log, f"{number} {ctx['job_try']}")
    return number


async def divide(ctx, a, b):
    return a / b


async def third_time(ctx):
    """Asks twice to be tried again."""
    if ctx["job_try"] < 3:
        raise Retry(defer=0.1)
    return ctx["job_try"]


async def never_right(ctx, log):
    await ctx["redis"].rpush(log, ctx["job_try"])
    raise Retry()


async def wait(ctx, log, gate):
    """Notes who has begun, and ends when the gate exists."""
    await ctx["redis"].rpush(log, os.getpid())
    while not await ctx["redis"].exists(gate):
        await asyncio.sleep(0.02)
    return ctx["job_try"]


def main():
    logging.disable()  # arq reports each job that fails
    protocol = int(os.environ["CHECK_PROTOCOL"])
    worker = Worker([note, divide, third_time, never_right, wait], redis_pool=connect(os.environ["CHECK_QUEUE"], protocol),
                    queue_name=None, poll_delay=0.02, max_jobs=MAX_JOBS, allow_abort_jobs=True)
    # A killed worker's jobs are free when this time is over. arq makes it ten seconds more than the longest job may take.
    worker.in_progress_timeout_s = float(os.environ.get("CHECK_IN_PROGRESS", worker.in_progress_timeout_s))
    worker.run()


if __name__ == "__main__":
    main()
