"""Debian's Prometheus scrapes the HTTP port with a password, and answers queries about what it has found."""

import base64
import contextlib
import json
import os
import subprocess
import tempfile
import urllib.parse

import redis

from debian import fetch, free_port, parse, program
from harness import AUTH_PORT, PASSWORD, check, expect, run, unique, wait_until
from processes import worker_process

ADDRESS = os.environ["CHECK_AUTH_HTTP"]
METRICS = f"{ADDRESS}/metrics"
CONFIGURATION = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: fanfare
    basic_auth: {{username: default, password: {password}}}
    static_configs: [{{targets: ["{target}"]}}]
  - job_name: bearer
    authorization: {{credentials: {password}}}
    static_configs: [{{targets: ["{target}"]}}]
  - job_name: stranger
    basic_auth: {{username: default, password: wrong}}
    static_configs: [{{targets: ["{target}"]}}]
"""


def connect(**options):
    return redis.Redis(port=AUTH_PORT, password=PASSWORD, **options)


def scrape(password=PASSWORD, query="", user="default"):
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return fetch(METRICS + query, {"Authorization": f"Basic {login}"})


@contextlib.contextmanager
def prometheus():
    """A Prometheus that scrapes the server; yields a function that gets what its API has for a path."""
    with tempfile.TemporaryDirectory() as directory:
        configuration = os.path.join(directory, "prometheus.yml")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION.format(password=PASSWORD, target=ADDRESS.removeprefix("http://")))
        port = free_port()
        command = [program("prometheus"), "--config.file", configuration, "--storage.tsdb.path", os.path.join(directory, "data"),
                   "--web.listen-address", f"127.0.0.1:{port}"]
        with worker_process("prometheus", command, {}):

            def api(path, **query):
                url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
                status, text = wait_until(lambda: fetch(url), "Prometheus")
                return json.loads(text)["data"] if status == 200 else None

            wait_until(lambda: api("targets"), "Prometheus' start")
            yield api


@check("Prometheus finds the series")
def series():
    client, channel = connect(), unique("channel")
    with client.pubsub() as subscriber, prometheus() as api:

        def value(query):
            found = api("query", query=query)["result"]
            return float(found[0]["value"][1]) if found else None

        def health(job):
            found = {target["labels"]["job"]: target for target in api("targets")["activeTargets"]}
            return found.get(job, {}).get("health"), found.get(job, {}).get("lastError")

        for job in ("fanfare", "bearer"):
            wait_until(lambda: health(job) == ("up", ""), f"a scrape by {job}")
        wait_until(lambda: health("stranger")[0] == "down", "a refused scrape")
        assert "401" in health("stranger")[1], health("stranger")

        def wait_for(query, wanted):
            wait_until(lambda: value(query) == wanted, f"{query} == {wanted}, not {value(query)}")

        published = 'fanfare_messages_published_total{job="fanfare",kind="channel"}'
        unreceived = 'fanfare_messages_unreceived_total{job="fanfare",kind="channel"}'
        receivers = 'fanfare_fanout_receivers_bucket{job="fanfare",kind="channel",le="1"}'
        queries = (published, unreceived, receivers)
        before = [value(query) for query in queries]
        subscriber.subscribe(channel)
        expect(subscriber.get_message(timeout=30)["type"], "subscribe")
        for _ in range(5):
            expect(client.publish(channel, "x"), 1)
        expect(client.publish(channel + "2", "x"), 0)
        for query, first, more in zip(queries, before, (6, 1, 6)):
            wait_for(query, first + more)
        wait_for('redis_pubsub_channels{job="fanfare"}', 1)
        wait_for('redis_up{job="fanfare"}', 1)
        wait_for('redis_memory_max_bytes{job="fanfare"}', 0)
        wait_for('redis_commands_total{job="fanfare",cmd="publish"}', value(published))
        slowest = value('histogram_quantile(1, fanfare_delivery_seconds_bucket{job="fanfare"})')
        assert 0 < slowest < 64, slowest
        # Prometheus knows the types and what the families mean.
        metadata = api("metadata")
        expect(metadata["fanfare_fanout_receivers"][0]["type"], "histogram")
        expect(metadata["fanfare_messages_published_total"][0]["type"], "counter")
        expect(metadata["redis_connected_clients"][0]["help"], "Connected clients")


@check("the longest lists and the groups with the most to do")
def queues():
    client = connect(db=14)
    client.flushdb()
    names = [unique("queue"), b"\xff" + unique("queue").encode(), unique("short")]
    for name, length in zip(names, (30_003, 30_002, 30_001)):
        client.rpush(name, *range(length))
    expect(client.lpop(names[0]), b"0")
    stream = unique("stream")
    for number in range(5):
        client.xadd(stream, {"number": number})
    client.xgroup_create(stream, "readers", id="0")
    client.xreadgroup("readers", "one", {stream: ">"}, count=2)
    status, text = scrape(query="?queues=2")
    expect(status, 200)
    found = parse(text)
    db = ("db", "db14")
    first, second = ("key", names[0]), ("key_base64", base64.b64encode(names[1]).decode())
    lengths = {series[1:]: value for series, value in found.items() if series[0] == "fanfare_list_length"}
    expect(lengths, {(db, first): 30_002, (db, second): 30_002})
    expect(found[("fanfare_list_popped_total", db, first)], 1)
    expect(found[("fanfare_list_pushed_total", db, first)], 30_003)
    expect(found[("fanfare_list_waiting_clients", db, first)], 0)
    assert found[("fanfare_list_oldest_seconds", db, first)] < 60
    group = (db, ("group", "readers"), ("key", stream))
    for figure, wanted in (("pending", 2), ("lag", 3), ("consumers", 1)):
        expect(found[(f"fanfare_group_{figure}", *group)], wanted)
    lint_complains_of_nothing(text)
    assert "fanfare_list_length" not in scrape()[1]
    expect(scrape(query="?queues=0")[0], 400)
    user = unique("user").replace(":", "-")
    client.execute_command("ACL", "SETUSER", user, "on", ">secret", "-@all", "+info")
    expect(scrape("secret", "?queues=2", user)[0], 403)
    client.execute_command("ACL", "DELUSER", user)
    client.flushdb()


def lint_complains_of_nothing(text):
    linted = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    expect((linted.returncode, linted.stdout + linted.stderr), (0, ""))


@check("promtool finds nothing to complain of")
def lint():
    status, text = scrape()
    expect(status, 200)
    lint_complains_of_nothing(text)


@check("who may see it")
def access():
    client = connect()
    user = unique("user").replace(":", "-")
    expect(scrape("wrong")[0], 401)
    expect(fetch(METRICS)[0], 401)
    client.execute_command("ACL", "SETUSER", user, "on", ">secret", "-@all", "+info")
    status, text = scrape("secret", user=user)
    expect((status, parse(text)[("redis_up",)]), (200, 1))
    client.execute_command("ACL", "SETUSER", user, "-info")
    status, text = scrape("secret", user=user)
    expect(status, 403)
    assert "no permissions to run the 'info' command" in text, text
    client.execute_command("ACL", "DELUSER", user)


run("prometheus")
