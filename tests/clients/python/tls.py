"""redis-cli, redis-benchmark and redis-py under TLS, with certificates that run.sh has made."""

import asyncio
import os
import shutil
import socket
import ssl

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import check, expect, run, unique, wait_until
from shell import background, execute, wait_for_output

BOTH = (2, 3)
PORT = int(os.environ["CHECK_TLS_PORT"])
DIRECTORY = os.environ["CHECK_TLS_DIRECTORY"]


def file(name):
    return os.path.join(DIRECTORY, name)


AUTHORITY = ("--tls", "--cacert", file("ca.pem"))
TLS = (*AUTHORITY, "--cert", file("client.pem"), "--key", file("client.key"))


def cli(*arguments, stdin=b""):
    ended = execute("redis-cli", "-p", str(PORT), *TLS, *arguments, stdin=stdin)
    expect((ended.returncode, ended.stderr), (0, b""))
    return ended.stdout.decode()


def options(**more):
    return {
        "host": "127.0.0.1",
        "port": PORT,
        "ssl": True,
        "ssl_ca_certs": file("ca.pem"),
        "ssl_certfile": file("client.pem"),
        "ssl_keyfile": file("client.key"),
        "decode_responses": True,
        "retry": Retry(NoBackoff(), 0),
        **more,
    }


@check("redis-cli: commands")
def commands():
    expect(cli("ping"), "PONG\n")
    expect(cli("-3", "ping"), "PONG\n")
    key = unique("key")
    expect(cli("-x", "set", key, stdin=b"x" * (1 << 20)), "OK\n")
    expect(cli("get", key), "x" * (1 << 20) + "\n")
    expect(cli("del", key), "1\n")


@check("redis-cli: subscribe and publish")
def subscribe():
    channel = unique("news")
    with background("-p", str(PORT), *TLS, "--raw", "subscribe", channel) as so_far:
        confirmed = f"subscribe\n{channel}\n1\n"
        wait_for_output(so_far, confirmed)
        expect(cli("publish", channel, "hello"), "1\n")
        expect(cli("-x", "publish", channel, stdin=b"y" * (1 << 20)), "1\n")
        wait_for_output(so_far, f"{confirmed}message\n{channel}\nhello\nmessage\n{channel}\n{'y' * (1 << 20)}\n")


@check("redis-cli: without a certificate, and without TLS")
def refused():
    for arguments in (AUTHORITY, ()):
        ended = execute("redis-cli", "-p", str(PORT), *arguments, "ping")
        assert ended.returncode != 0, ended
        assert b"PONG" not in ended.stdout, ended


@check("redis-benchmark")
def benchmark():
    ended = execute("redis-benchmark", "-p", str(PORT), *TLS, "-q", "-n", "5000", "-P", "16", "-c", "8", "-t", "ping,lpush,lpop")
    expect(ended.returncode, 0)
    assert b"LPOP" in ended.stdout, ended
    cli("del", "mylist")


@check("redis-py: commands, pipelines, large values", BOTH)
def redis_py(protocol):
    with redis.Redis(**options(protocol=protocol)) as r:
        expect(r.ping(), True)
        key = unique("list")
        with r.pipeline() as pipe:
            for number in range(1000):
                pipe.rpush(key, str(number) * 100)
            expect(pipe.execute(), list(range(1, 1001)))
        expect(r.lrange(key, 0, -1), [str(number) * 100 for number in range(1000)])
        expect(r.delete(key), 1)


@check("redis-py: pub/sub", BOTH)
def pubsub(protocol):
    channel = unique("news")
    with redis.Redis(**options(protocol=protocol)) as r, r.pubsub() as p:
        p.subscribe(channel)
        frames = []

        def next_frame():
            return wait_until(lambda: p.get_message(timeout=1), "a frame")

        expect(next_frame()["type"], "subscribe")
        payloads = [str(number) * (number * 37) for number in range(1, 200)]
        for payload in payloads:
            expect(r.publish(channel, payload), 1)
        for payload in payloads:
            frames.append(next_frame()["data"])
        expect(frames, payloads)


@check("redis-py: asyncio, by URL")
async def asynchronous():
    url = f"rediss://127.0.0.1:{PORT}?ssl_ca_certs={file('ca.pem')}&ssl_certfile={file('client.pem')}&ssl_keyfile={file('client.key')}"
    async with redis.asyncio.from_url(url, decode_responses=True) as r:
        key = unique("list")
        waiting = asyncio.create_task(r.blpop([key], timeout=30))
        expect(await r.rpush(key, "x"), 1)
        expect(list(await waiting), [key, "x"])


@check("redis-py: who has no certificate, or another authority, is refused")
def strangers():
    for wrong in ({"ssl_certfile": None, "ssl_keyfile": None}, {"ssl_ca_certs": file("other_ca.pem")}):
        try:
            with redis.Redis(**options(**wrong)) as r:
                r.ping()
        except redis.ConnectionError:
            continue
        raise AssertionError(f"{wrong} came in")


@check("a renewed certificate, without a restart")
def renewal():
    def shown():
        context = ssl.create_default_context(cafile=file("ca.pem"))
        context.load_cert_chain(file("client.pem"), file("client.key"))
        with socket.create_connection(("127.0.0.1", PORT)) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.getpeercert(binary_form=True)

    def certificate(name):
        with open(file(name)) as pem:
            return ssl.PEM_cert_to_DER_cert(pem.read())

    expect(shown(), certificate("server.pem"))
    with redis.Redis(**options()) as before:
        expect(before.ping(), True)
        for end in ("pem", "key"):
            shutil.copy(file(f"renewed.{end}"), file(f"server.{end}"))
        expect(before.config_set("tls-cert-file", file("server.pem")), True)
        expect(shown(), certificate("renewed.pem"))
        expect(before.ping(), True)


run("tls")
