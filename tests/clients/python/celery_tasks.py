"""The application of celery_workers.py: its tasks, for its own process and for `celery --app celery_tasks worker`."""

import os
import time

import redis
from celery import Celery

PORT = int(os.environ["CHECK_PORT"])
# Celery's keys have fixed names: a database of its own, which is flushed.
DATABASE = 11
URL = f"redis://127.0.0.1:{PORT}/{DATABASE}"

app = Celery("celery_tasks", broker=URL, backend=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "priority_steps": list(range(10)),
        "queue_order_strategy": "priority",
        # A message that nobody has acknowledged in this time is given to the next worker. Only one that looks for such
        # messages has need of it: a worker that will be killed has Celery's default of an hour.
        "visibility_timeout": float(os.environ.get("CHECK_VISIBILITY", "3600")),
        "unacked_restore_interval": 0.2,
        "unacked_restore_throttle": 1,
    },
    task_track_started=True,
    worker_prefetch_multiplier=1,
)


def note(text):
    """Notes that a task has begun, where and when."""
    with redis.Redis(port=PORT, db=DATABASE) as r:
        r.rpush("log", f"{text} {os.getppid()} {time.time()}")


@app.task
def divide(a, b):
    note("divide")
    return a / b


@app.task
def say(text):
    note(text)
    return text


@app.task(acks_late=True)
def number(value):
    """Is done again if its worker is killed before it has ended."""
    note(value)
    return value


@app.task
def total(numbers):
    note("total")
    return sum(numbers)


@app.task(bind=True)
def third_time(self):
    """Asks twice to be tried again."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return self.request.retries


@app.task(autoretry_for=(ArithmeticError,), max_retries=3, default_retry_delay=0)
def never_right(text):
    note(text)
    return 1 / 0


@app.task(acks_late=True)
def hold(value):
    """Ends when the gate is open. Is done again if its worker is killed before that."""
    note(f"hold-{value}")
    with redis.Redis(port=PORT, db=DATABASE) as r:
        while not r.exists("gate"):
            time.sleep(0.02)
    return value
