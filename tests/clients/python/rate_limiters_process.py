"""A process of rate_limiters.py: hits a limit until it is refused, and counts how often it was let through."""

import os
import sys

import redis
from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from pyrate_limiter import Duration, Limiter, Rate, RedisBucket

PORT = int(os.environ["CHECK_PORT"])
URL = f"redis://127.0.0.1:{PORT}"
LIMIT = 1_000

if __name__ == "__main__":
    library, name, protocol = sys.argv[1:]
    with redis.Redis(port=PORT, protocol=int(protocol)) as r:
        if library == "limits":
            moving = MovingWindowRateLimiter(storage_from_string(URL, key_prefix=name, protocol=int(protocol)))
            hour = RateLimitItemPerHour(LIMIT)

            def hit():
                return moving.hit(hour, "a")
        else:
            limiter = Limiter(RedisBucket.init([Rate(LIMIT, Duration.HOUR)], r, f"{name}:bucket"))

            def hit():
                return limiter.try_acquire(name, blocking=False)

        while hit():
            r.incr(f"{name}:passed:{os.getpid()}")
