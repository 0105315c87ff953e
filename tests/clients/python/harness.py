"""What the Python checks share: a register of checks, their time limit, and waiting for a condition.

A check is a function, plain or `async`, that raises when the server did not do what it must.
`run()` prints `ok NAME` or `FAIL NAME` with the traceback for each, and last `ran N of N checks`,
which run.sh insists on: a file that ends early is a failure, never a silent pass.
"""

import asyncio
import inspect
import itertools
import os
import signal
import sys
import time
import traceback

PORT = int(os.environ["CHECK_PORT"])
AUTH_PORT = int(os.environ["CHECK_AUTH_PORT"])
UNIX_SOCKET = os.environ["CHECK_UNIX_SOCKET"]
PASSWORD = "sesame"

# Long enough for a busy CI machine; no check depends on how fast it is.
CHECK_LIMIT = 60
WAIT_LIMIT = 30

_checks = []
_serial = itertools.count(1)


class OutOfTime(BaseException):
    """Not an Exception, so that no client library retries or swallows it."""


def check(title, protocols=None):
    """Registers a check; with `protocols`, once for each RESP version, which it gets as its argument."""

    def register(function):
        for protocol in protocols or [None]:
            if protocol is None:
                _checks.append((title, function, ()))
            else:
                _checks.append((f"{title} [RESP{protocol}]", function, (protocol,)))
        return function

    return register


def unique(name):
    """A name, of a channel or a key, that no other check and no other file uses."""
    return f"{name}:{os.getpid()}:{next(_serial)}"


def expect(actual, wanted):
    assert actual == wanted, f"\n  got    {actual!r}\n  wanted {wanted!r}"


def refused(wanted, function, *arguments, **options):
    """The call must raise this error."""
    try:
        result = function(*arguments, **options)
    except Exception as error:
        expect(str(error), wanted)
    else:
        raise AssertionError(f"got {result!r} instead of the error {wanted!r}")


def wait_until(condition, what):
    """Polls `condition` until it is truthy and returns its value."""
    deadline = time.monotonic() + WAIT_LIMIT
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_LIMIT} s for {what}")
        time.sleep(0.01)


async def async_wait_until(condition, what):
    """`wait_until` for an `async` condition."""
    deadline = time.monotonic() + WAIT_LIMIT
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_LIMIT} s for {what}")
        await asyncio.sleep(0.01)


def _out_of_time(_signal, _frame):
    raise OutOfTime(f"no end after {CHECK_LIMIT} s")


def run(client):
    """Runs every registered check and exits: 0 when all passed, else 1."""
    signal.signal(signal.SIGALRM, _out_of_time)
    passed = 0
    for title, function, arguments in _checks:
        name = f"{client}: {title}"
        signal.alarm(CHECK_LIMIT)
        try:
            outcome = function(*arguments)
            if inspect.isawaitable(outcome):
                asyncio.run(outcome)
            print(f"ok {name}", flush=True)
            passed += 1
        except (Exception, OutOfTime) as error:
            signal.alarm(0)
            print(f"FAIL {name}", flush=True)
            traceback.print_exception(error, limit=-6, chain=False, file=sys.stdout)
            sys.stdout.flush()
        finally:
            signal.alarm(0)
    print(f"ran {len(_checks)} of {len(_checks)} checks", flush=True)
    # A check that failed may have left a thread blocked on a socket: don't join it.
    os._exit(0 if passed == len(_checks) else 1)
