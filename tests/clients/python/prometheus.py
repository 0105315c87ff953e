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

HTTP_PORT = int(os.environ["CHECK_HTTP_PORT"])
METRICS = f"http://127.0.0.1:{HTTP_PORT}/metrics"
CONFIGURATION = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: fanfare
    basic_auth: {{username: default, password: {password}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: bearer
    authorization: {{credentials: {password}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: stranger
    basic_auth: {{username: default, password: wrong}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def connect(**options):
    return redis.Redis(port=AUTH_PORT, password=PASSWORD, **options)


def scrape(password=PASSWORD):
    login = base64.b64encode(f"default:{password}".encode()).decode()
    return fetch(METRICS, {"Authorization": f"Basic {login}"})


@contextlib.contextmanager
def prometheus():
    """A Prometheus that scrapes the server; yields a function that gets what its API has for a path."""
    with tempfile.TemporaryDirectory() as directory:
        configuration = os.path.join(directory, "prometheus.yml")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION.format(password=PASSWORD, port=HTTP_PORT))
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


@check("promtool finds nothing to complain of but names that redis_exporter has chosen")
def lint():
    status, text = scrape()
    expect(status, 200)
    linted = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    complaints = [line for line in (linted.stdout + linted.stderr).splitlines() if not line.startswith("redis_")]
    expect(complaints, [])


@check("who may see it")
def access():
    client = connect()
    user = unique("user")
    expect(scrape("wrong")[0], 401)
    expect(fetch(METRICS)[0], 401)
    client.execute_command("ACL", "SETUSER", user, "on", ">secret", "-@all", "+info")
    login = base64.b64encode(f"{user}:secret".encode()).decode()
    status, text = fetch(METRICS, {"Authorization": f"Basic {login}"})
    expect((status, parse(text)[("redis_up",)]), (200, 1))
    client.execute_command("ACL", "SETUSER", user, "-info")
    status, text = fetch(METRICS, {"Authorization": f"Basic {login}"})
    expect(status, 403)
    assert "no permissions to run the 'info' command" in text, text
    client.execute_command("ACL", "DELUSER", user)


run("prometheus")
