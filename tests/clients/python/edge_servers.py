"""A hub, which is a redis-server or a fanfare, and two edges of it. The hub can be killed, and started again on its port."""

import contextlib
import os
import signal
import socket

import redis

from harness import wait_until
from processes import kill, worker_process

HUBS = ("redis-server", "fanfare")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Servers:
    """`hub`, `a` and `b` are ports."""

    def __init__(self, kind, options, stack):
        self._kind, self._stack = kind, stack
        self.hub = free_port()
        self.start_hub()
        self.a, self.b = (self._start_edge(options) for _ in range(2))
        for edge in (self.a, self.b):
            self.wait_for_hub(edge)

    def _start(self, name, command, port):
        process = self._stack.enter_context(worker_process(name, command, {}))
        with redis.Redis(port=port) as r:
            wait_until(lambda: answers(r), f"{name} to answer")
        return process

    def start_hub(self):
        if self._kind == "fanfare":
            command = [os.environ["CHECK_BINARY"]]
        else:
            command = ["redis-server", "--save", "", "--appendonly", "no"]
        self._hub_process = self._start("the hub", [*command, "--port", str(self.hub)], self.hub)

    def _start_edge(self, options):
        port = free_port()
        command = [os.environ["CHECK_BINARY"], "--port", str(port), "--upstream", f"redis://127.0.0.1:{self.hub}"]
        self._start("an edge", [*command, *options], port)
        return port

    def kill_hub(self):
        kill(self._hub_process)

    def wait_for_hub(self, edge, is_up=1):
        with redis.Redis(port=edge) as r:
            wait_until(lambda: r.info("upstream")["upstream_up"] == is_up, f"upstream_up to be {is_up}")


def answers(r):
    try:
        return r.ping()
    except redis.ConnectionError:
        return False


@contextlib.contextmanager
def edges(kind, *options):
    """The servers, for one check. The options are the edges'."""
    with contextlib.ExitStack() as stack:
        yield Servers(kind, options, stack)
