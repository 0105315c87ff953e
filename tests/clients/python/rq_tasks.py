"""The application of rq_workers.py: its jobs, which `rq worker` runs."""

import os
import signal
import time

import redis

r = redis.Redis(port=int(os.environ["CHECK_PORT"]))


def divide(a, b):
    return a / b


def note(log, text):
    """Notes that it has run, and where: a worker runs each job in a process of its own."""
    r.rpush(log, f"{text} {os.getppid()} {os.getpid()}")
    return text


def succeeded(job, _connection, value, *_):
    note(job.args[0], f"callback:{value}")


def third_time(log):
    if r.rpush(log, "try") < 3:
        raise ValueError("not yet")
    return "right"


def never_right(log):
    r.rpush(log, "try")
    raise ValueError("not yet")


def hold(log, gate):
    """Ends when the gate is open."""
    note(log, "hold")
    while not r.exists(gate):
        time.sleep(0.02)
    return "held"


def die(log):
    note(log, "die")
    os.kill(os.getpid(), signal.SIGKILL)
