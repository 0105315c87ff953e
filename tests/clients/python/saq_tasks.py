"""The application of saq_jobs.py: its queue and jobs, for its own process and for `saq saq_tasks.settings`."""

import asyncio
import os
import time

import redis.asyncio
from saq.queue.redis import RedisQueue

URL = f"redis://127.0.0.1:{os.environ['CHECK_PORT']}"


def connect(name, protocol):
    return RedisQueue(redis.asyncio.from_url(URL, protocol=protocol), name=name)


async def divide(_ctx, *, a, b):
    return a / b


async def note(ctx, *, log, text):
    """Notes that it has run, where and when."""
    await ctx["worker"].queue.redis.rpush(log, f"{text} {os.getpid()} {time.time()}")
    return text


async def third_time(ctx, *, log):
    await note(ctx, log=log, text=ctx["job"].attempts)
    if ctx["job"].attempts < 3:
        raise ValueError("not yet")
    return "right"


async def hold(ctx, *, log, gate):
    """Ends when the gate is open."""
    await note(ctx, log=log, text="hold")
    while not await ctx["worker"].queue.redis.exists(gate):
        await asyncio.sleep(0.02)
    return ctx["job"].attempts


if "CHECK_QUEUE" in os.environ:
    settings = {
        "queue": connect(os.environ["CHECK_QUEUE"], int(os.environ["CHECK_PROTOCOL"])),
        "functions": [divide, note, third_time, hold],
        "concurrency": 1,
        "timers": {"abort": 0.1},
    }
