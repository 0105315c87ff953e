"""The scheduler process of apscheduler_store.py, and its jobs."""

import logging
import os
import sys
import time

import redis
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.blocking import BlockingScheduler

PORT = int(os.environ["CHECK_PORT"])
JOBS = "apscheduler_process:"  # where the store finds the functions


def store(stem, protocol):
    return RedisJobStore(jobs_key=f"{stem}:jobs", run_times_key=f"{stem}:run-times", host="127.0.0.1", port=PORT,
                         protocol=protocol)


def note(log, text):
    """Notes that it has run, where and when."""
    with redis.Redis(port=PORT) as r:
        r.rpush(log, f"{text} {os.getpid()} {time.time()}")


def hold(log, text):
    """Notes that it has begun, and never ends."""
    note(log, text)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    stem, protocol = sys.argv[1:]
    logging.disable()  # a job that comes late is reported
    scheduler = BlockingScheduler()
    scheduler.add_jobstore(store(stem, int(protocol)))
    scheduler.start()
