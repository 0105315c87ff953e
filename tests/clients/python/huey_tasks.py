"""The application of huey_queues.py: its tasks, for its own process and for `huey_consumer huey_tasks.huey`."""

import os
import time
import types

import huey as library
import redis

PORT = int(os.environ["CHECK_PORT"])


def create(kind, name, protocol):
    """A queue and its tasks, as each process of an application has them. `kind` is the name of a class of Huey's."""
    huey = getattr(library, kind)(name, host="127.0.0.1", port=PORT, protocol=protocol, notify_result=True)
    r = redis.Redis(port=PORT)

    @huey.task()
    def divide(a, b):
        return a / b

    @huey.task()
    def note(log, text):
        """Notes that it has run, where and when."""
        r.rpush(log, f"{text} {os.getpid()} {time.time()}")
        return text

    @huey.task(retries=2, context=True)
    def last_time(log, text, right, task=None):
        """Fails while there are retries left, and then too unless it is right."""
        r.rpush(log, f"{text}-{task.retries} {os.getpid()} {time.time()}")
        if task.retries > 0 or not right:
            raise ValueError("not yet")
        return text

    # A try that finds the lock held comes again at once: a busy machine sees hundreds of them.
    @huey.task(retries=10_000, retry_delay=0)
    def add_locked(counter):
        """Adds one in two steps, which only a lock makes one."""
        with huey.lock_task("add"):
            value = int(r.get(counter) or 0)
            time.sleep(0.005)
            r.set(counter, value + 1)

    @huey.task()
    @huey.lock_task("hold")
    def hold(log, gate):
        """Ends when the gate is open."""
        r.rpush(log, f"hold {os.getpid()} {time.time()}")
        while not r.exists(gate):
            time.sleep(0.02)
        return "held"

    return huey, types.SimpleNamespace(divide=divide, note=note, last_time=last_time, add_locked=add_locked, hold=hold)


if "CHECK_QUEUE" in os.environ:
    huey, _ = create(os.environ["CHECK_KIND"], os.environ["CHECK_QUEUE"], int(os.environ["CHECK_PROTOCOL"]))
