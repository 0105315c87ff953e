"""The application of dramatiq_workers.py: its actors, for its own process and for `dramatiq dramatiq_tasks`."""

import os
import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

SERVER = {"host": "127.0.0.1", "port": int(os.environ["CHECK_PORT"])}
PROTOCOL = int(os.environ.get("CHECK_PROTOCOL", "3"))

broker = RedisBroker(
    **SERVER, protocol=PROTOCOL, namespace=os.environ.get("CHECK_NAMESPACE", "dramatiq"),
    # A worker from which nothing was heard in this time is given up, and what it had in hand goes to the next one. Commands
    # look for such workers now and then, and all of them do in a worker that is to find one soon.
    heartbeat_timeout=int(os.environ.get("CHECK_HEARTBEAT", "60000")),
    maintenance_chance=1_000_000 if "CHECK_HEARTBEAT" in os.environ else 1000)
results = RedisBackend(**SERVER, protocol=PROTOCOL, namespace=f"{broker.namespace}-results", use_namespace_prefix_keys=True)
broker.add_middleware(Results(backend=results))
dramatiq.set_broker(broker)
r = redis.Redis(**SERVER)


@dramatiq.actor(store_results=True, max_retries=0)
def divide(a, b):
    return a / b


@dramatiq.actor
def note(log, text):
    """Notes that it has run, where and when."""
    r.rpush(log, f"{text} {os.getppid()} {time.time()}")


@dramatiq.actor(queue_name="other", store_results=True, max_retries=2, min_backoff=50, max_backoff=100)
def third_time(log):
    if r.rpush(log, "try") < 3:
        raise ValueError("not yet")
    return "right"


@dramatiq.actor(max_retries=3, min_backoff=50, max_backoff=100)
def never_right(log):
    r.rpush(log, "try")
    raise ValueError("not yet")


@dramatiq.actor
def hold(log, gate):
    """Ends when the gate is open."""
    r.rpush(log, f"hold {os.getppid()} {time.time()}")
    while not r.exists(gate):
        time.sleep(0.02)
