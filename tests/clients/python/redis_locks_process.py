"""A process of redis_locks.py that works under a lock, or holds it until it is killed."""

import os
import sys
import time

import redis
import redis_lock

PORT = int(os.environ["CHECK_PORT"])


def redis_py(r, name, seconds):
    return r.lock(name, timeout=seconds, sleep=0.005)


def python_redis_lock(r, name, seconds):
    return redis_lock.Lock(r, name, expire=seconds)


if __name__ == "__main__":
    kind, protocol, name, work, argument = sys.argv[1:]
    with redis.Redis(port=PORT, protocol=int(protocol)) as r:
        lock = globals()[kind](r, name, 60 if work == "add" else int(argument))
        if work == "add":
            for _ in range(int(argument)):
                with lock:
                    # Two steps, which only the lock makes one.
                    value = int(r.get(f"{name}:counter") or 0)
                    r.set(f"{name}:counter", value + 1)
        else:
            # A wait of python-redis-lock lasts until somebody releases the lock, or for so long.
            while not lock.acquire(**({"timeout": 1} if kind == "python_redis_lock" else {})):
                pass
            r.rpush(f"{name}:holders", os.getpid())
            while True:
                time.sleep(1)
