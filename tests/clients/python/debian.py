"""Programs of Debian that run.sh has unpacked: Prometheus, and redis_exporter with what it shows."""

import contextlib
import os
import re
import socket
import urllib.error
import urllib.request

from harness import wait_until
from processes import worker_process

PROGRAMS = os.environ["CHECK_DEBIAN_PROGRAMS"]
SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def program(name):
    return os.path.join(PROGRAMS, name)


def free_port():
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url, headers=None):
    """The status and the text of an answer; `None` while nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


def parse(text):
    """The series of an exposition: `{(name, (label, value), ...): number}`."""
    series = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SERIES.fullmatch(line).groups()
            series[(name, *sorted(LABEL.findall(labels or "")))] = float(value)
    return series


@contextlib.contextmanager
def exporter(address, *options):
    """redis_exporter on a server; yields a function that scrapes it."""
    port = free_port()
    command = [program("prometheus-redis-exporter"), "-redis.addr", address, "-web.listen-address", f"127.0.0.1:{port}", *options]
    with worker_process("redis_exporter", command, {}):
        url = f"http://127.0.0.1:{port}/metrics"
        wait_until(lambda: fetch(url), "redis_exporter")
        yield lambda: parse(fetch(url)[1])
