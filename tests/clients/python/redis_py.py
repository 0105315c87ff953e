"""redis-py, the blocking client."""

import threading

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import AUTH_PORT, PASSWORD, PORT, UNIX_SOCKET, check, expect, run, unique, wait_until

BOTH = (2, 3)
EVERY_BYTE = bytes(range(256))
ONCE = Retry(NoBackoff(), 0)  # by default redis-py tries ten times, with growing pauses, also after a wrong password


def connect(protocol, **options):
    options.setdefault("port", PORT)
    options.setdefault("decode_responses", True)
    return redis.Redis(host="127.0.0.1", protocol=protocol, **options)


def next_message(pubsub):
    """The next frame, confirmations included; health-check replies answer None and are passed over."""
    return wait_until(lambda: pubsub.get_message(timeout=1), "a pub/sub frame")


def frame(type, channel, data, pattern=None):
    return {"type": type, "pattern": pattern, "channel": channel, "data": data}


@check("connection commands", BOTH)
def connection_commands(protocol):
    with connect(protocol, client_name="checker", db=1) as r:
        expect(r.ping(), True)
        expect(r.echo("hello"), "hello")
        expect(r.select(0), True)
        expect(len(r.time()), 2)
        expect(r.client_getname(), "checker")
        expect(r.client_setname("renamed"), True)
        expect(r.client_getname(), "renamed")
        info = r.client_info()
        expect((info["name"], info["id"], info["resp"]), ("renamed", r.client_id(), str(protocol)))
        assert any(c["id"] == str(r.client_id()) and c["name"] == "renamed" for c in r.client_list())
        try:
            r.execute_command("NOSUCHCOMMAND", "x")
            raise AssertionError("an unknown command was accepted")
        except redis.ResponseError as error:
            expect(str(error), "unknown command 'NOSUCHCOMMAND', with args beginning with: 'x' ")


@check("INFO, CONFIG, COMMAND", BOTH)
def introspection_of_the_server(protocol):
    with connect(protocol) as r:
        info = r.info()
        expect((info["role"], info["loading"], info["redis_mode"]), ("master", 0, "standalone"))
        assert int(info["redis_version"].split(".")[0]) >= 6, info["redis_version"]
        assert info["connected_clients"] >= 1, info["connected_clients"]
        assert "pubsub_channels" in info and "pubsub_patterns" in info
        assert "connected_clients" in r.info("clients")
        limit = r.config_get("maxclients")
        expect(list(limit), ["maxclients"])
        expect(r.config_set("maxclients", limit["maxclients"]), True)
        expect(r.config_get("no-such-setting"), {})
        expect(r.command_count(), len([name for name in r.command_list() if "|" not in name]))
        assert {"publish", "subscribe", "psubscribe", "ssubscribe", "pubsub"} <= set(r.command_list())
        assert "publish" in r.command()


@check("AUTH with a right, a wrong and no password", BOTH)
def authentication(protocol):
    with connect(protocol, port=AUTH_PORT, password=PASSWORD) as r:
        expect(r.publish(unique("auth"), "x"), 0)
    with connect(protocol, port=AUTH_PORT, username="default", password=PASSWORD, retry=ONCE) as r:
        expect(r.ping(), True)
        try:
            r.auth("wrong")
            raise AssertionError("AUTH accepted a wrong password")
        except redis.AuthenticationError as error:
            expect(str(error), "invalid username-password pair or user is disabled.")
    for options in ({"password": "wrong"}, {}):
        with connect(protocol, port=AUTH_PORT, retry=ONCE, **options) as r:
            try:
                r.ping()
                raise AssertionError(f"connected with {options}")
            except redis.AuthenticationError:
                pass


@check("over the Unix socket", BOTH)
def unix_socket(protocol):
    channel = unique("unix")
    with redis.Redis(unix_socket_path=UNIX_SOCKET, protocol=protocol, decode_responses=True) as local:
        with connect(protocol) as remote, local.pubsub() as p:
            p.subscribe(channel)
            expect(next_message(p), frame("subscribe", channel, 1))
            expect(remote.publish(channel, "from tcp"), 1)
            expect(next_message(p), frame("message", channel, "from tcp"))


@check("publish and listen() on test_channel, as in the README", BOTH)
def readme_example(protocol):
    with connect(protocol) as r, r.pubsub() as p:
        p.subscribe("test_channel")
        received = []
        for message in p.listen():
            if message["type"] == "subscribe":
                expect(message, frame("subscribe", "test_channel", 1))
                for word in ("Hello", "World", ""):
                    expect(r.publish("test_channel", word), 1)
                continue
            received.append(message)
            if len(received) == 3:
                break
        expect(received, [frame("message", "test_channel", w) for w in ("Hello", "World", "")])


@check("confirmations count channels and patterns together", BOTH)
def confirmations(protocol):
    a, b, everything = unique("a"), unique("b"), unique("c") + "*"
    with connect(protocol) as r, r.pubsub() as p:
        p.subscribe(a, b)
        p.psubscribe(everything)
        expect([next_message(p) for _ in range(3)],
               [frame("subscribe", a, 1), frame("subscribe", b, 2), frame("psubscribe", everything, 3)])
        p.unsubscribe(a)
        expect(next_message(p), frame("unsubscribe", a, 2))
        expect(r.publish(a, "nobody"), 0)
        p.punsubscribe()
        expect(next_message(p), frame("punsubscribe", everything, 1))
        p.unsubscribe()
        expect(next_message(p), frame("unsubscribe", b, 0))
        expect(p.subscribed, False)
        # The connection is usable again for a new subscription.
        p.subscribe(a)
        expect(next_message(p), frame("subscribe", a, 1))


@check("a channel and two patterns that match: three frames", BOTH)
def channel_and_patterns(protocol):
    stem = unique("news")
    channel, wide, narrow = f"{stem}.art", f"{stem}.*", f"{stem}.[a-b]?t"
    with connect(protocol) as r, r.pubsub() as p:
        p.psubscribe(wide, narrow)
        p.subscribe(channel)
        for _ in range(3):
            next_message(p)
        expect(r.publish(channel, "hi"), 3)
        frames = [next_message(p) for _ in range(3)]
        expect(frames[0], frame("message", channel, "hi"))
        expect(sorted(frames[1:], key=lambda f: f["pattern"]),
               sorted([frame("pmessage", channel, "hi", wide), frame("pmessage", channel, "hi", narrow)],
                      key=lambda f: f["pattern"]))
        expect(r.publish(f"{stem}.cat", "hi"), 1)
        expect(next_message(p), frame("pmessage", f"{stem}.cat", "hi", wide))


@check("handlers, called by run_in_thread", BOTH)
def handlers(protocol):
    stem = unique("handled")
    seen, all_seen = [], threading.Event()

    def handler(message):
        seen.append((message["type"], message["channel"], message["data"]))
        if len(seen) == 3:
            all_seen.set()

    with connect(protocol) as r:
        p = r.pubsub()
        p.psubscribe(**{f"{stem}.p*": handler})
        p.subscribe(**{f"{stem}.c": handler})
        thread = p.run_in_thread(sleep_time=0.05)
        try:
            wait_until(lambda: r.pubsub_numsub(f"{stem}.c") == [(f"{stem}.c", 1)], "the subscriptions")
            for channel, data in ((".p1", "one"), (".c", "two"), (".p2", "three")):
                expect(r.publish(stem + channel, data), 1)
            assert all_seen.wait(10), seen
        finally:
            thread.stop()
            thread.join(10)
        expect(seen, [("pmessage", f"{stem}.p1", "one"), ("message", f"{stem}.c", "two"),
                      ("pmessage", f"{stem}.p2", "three")])
        wait_until(lambda: r.pubsub_numsub(f"{stem}.c") == [(f"{stem}.c", 0)], "the thread's disconnection")


@check("PING on a subscribed connection", BOTH)
def ping_while_subscribed(protocol):
    channel = unique("ping")
    with connect(protocol, decode_responses=False) as r, r.pubsub() as p:
        p.subscribe(channel)
        expect(next_message(p), frame("subscribe", channel.encode(), 1))
        p.ping()
        expect(next_message(p), frame("pong", None, b""))
        p.ping("are you there")
        expect(next_message(p), frame("pong", None, b"are you there"))


@check("other commands on a subscribed connection", BOTH)
def commands_while_subscribed(protocol):
    channel = unique("mode")
    with connect(protocol) as r, r.pubsub() as p:
        p.subscribe(channel)
        next_message(p)
        p.execute_command("ECHO", "hi")
        if protocol == 3:
            expect(p.parse_response(), "hi")
            return
        try:
            p.parse_response()
            raise AssertionError("ECHO was accepted in RESP2's subscribed mode")
        except redis.ResponseError as error:
            expect(str(error), "Can't execute 'echo': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
                               "are allowed in this context")


@check("health checks between messages", BOTH)
def health_checks(protocol):
    channel = unique("health")
    with connect(protocol, health_check_interval=3600) as r, r.pubsub() as p:
        p.subscribe(channel)
        expect(next_message(p), frame("subscribe", channel, 1))
        p.connection.next_health_check = 0  # due now: the next read sends PING first
        expect(p.get_message(timeout=10), None)
        expect(p.health_check_response_counter, 0)
        expect(r.publish(channel, "healthy"), 1)
        expect(next_message(p), frame("message", channel, "healthy"))


@check("sharded pub/sub", BOTH)
def sharded(protocol):
    channel = unique("shard")
    with connect(protocol) as r, r.pubsub() as p:
        p.ssubscribe(channel)
        expect(next_message(p), frame("ssubscribe", channel, 1))
        expect(r.publish(channel, "not for shards"), 0)
        expect(r.spublish(channel, "for shards"), 1)
        expect(next_message(p), frame("smessage", channel, "for shards"))
        expect(r.pubsub_shardchannels(channel), [channel])
        expect(r.pubsub_shardnumsub(channel), [(channel, 1)])
        expect(r.pubsub_channels(channel), [])
        p.sunsubscribe(channel)
        expect(next_message(p), frame("sunsubscribe", channel, 0))
        expect(r.spublish(channel, "nobody"), 0)


@check("binary channel, pattern and payload", BOTH)
def binary(protocol):
    name = unique("binary").encode()
    channel, pattern = name + b"\x00\r\n\xff", name + b"\x00\r\n?"
    with connect(protocol, decode_responses=False) as r, r.pubsub() as p:
        p.subscribe(channel)
        p.psubscribe(pattern)
        expect(next_message(p), frame("subscribe", channel, 1))
        expect(next_message(p), frame("psubscribe", pattern, 2))
        expect(r.publish(channel, EVERY_BYTE), 2)
        expect(next_message(p), frame("message", channel, EVERY_BYTE))
        expect(next_message(p), frame("pmessage", channel, EVERY_BYTE, pattern))


@check("a payload of 1 MiB", BOTH)
def large_payload(protocol):
    channel, payload = unique("large"), EVERY_BYTE * 4096
    with connect(protocol, decode_responses=False) as r, r.pubsub() as p:
        p.subscribe(channel)
        next_message(p)
        expect(r.publish(channel, payload), 1)
        received = next_message(p)
        assert received["data"] == payload, f"{len(received['data'])} bytes that differ"
        expect(r.publish(channel, b"after"), 1)
        expect(next_message(p)["data"], b"after")


@check("a pipeline of 1,000 PUBLISH", BOTH)
def pipeline(protocol):
    channel = unique("pipeline")
    with connect(protocol) as r, r.pubsub() as p:
        p.subscribe(channel)
        next_message(p)
        with r.pipeline(transaction=False) as pipe:
            for i in range(1000):
                pipe.publish(channel, i)
            expect(pipe.execute(), [1] * 1000)
        expect([next_message(p)["data"] for _ in range(1000)], [str(i) for i in range(1000)])


@check("PUBSUB CHANNELS, NUMSUB and NUMPAT", BOTH)
def pubsub_introspection(protocol):
    stem = unique("intro")
    a, b, none = f"{stem}.a", f"{stem}.b", f"{stem}.none"
    with connect(protocol) as r, r.pubsub() as p, r.pubsub() as q:
        before = r.pubsub_numpat()
        p.subscribe(a, b)
        p.psubscribe(f"{stem}.*")
        q.subscribe(a)
        q.psubscribe(f"{stem}.*")
        for subscriber, frames in ((p, 3), (q, 2)):
            for _ in range(frames):
                next_message(subscriber)
        expect(sorted(r.pubsub_channels(f"{stem}.*")), [a, b])
        assert {a, b} <= set(r.pubsub_channels())
        expect(r.pubsub_numsub(a, b, none), [(a, 2), (b, 1), (none, 0)])
        expect(r.pubsub_numsub(), [])
        expect(r.pubsub_numpat(), before + 1)  # distinct patterns


@check("CLIENT KILL of a subscriber, who reconnects and subscribes again", BOTH)
def kill_and_resubscribe(protocol):
    stem, name = unique("kill"), unique("victim")
    channel, pattern, shard = f"{stem}.c", f"{stem}.p*", f"{stem}.s"

    with connect(protocol, client_name="killer") as r, connect(protocol, client_name=name) as other:
        with other.pubsub() as p:
            p.subscribe(channel)
            p.psubscribe(pattern)
            p.ssubscribe(shard)
            for _ in range(3):
                next_message(p)
            victim, = [c for c in r.client_list(_type="pubsub") if c["name"] == name]
            expect((victim["sub"], victim["psub"], victim["ssub"]), ("1", "1", "1"))
            assert "P" in victim["flags"], victim["flags"]
            expect(r.client_kill_filter(_id=victim["id"]), 1)
            expect([next_message(p) for _ in range(3)],
                   [frame("subscribe", channel, 1), frame("psubscribe", pattern, 2), frame("ssubscribe", shard, 1)])
            again, = wait_until(lambda: [c for c in r.client_list(_type="pubsub")
                                         if c["name"] == name and c["id"] != victim["id"]], "the reconnection")
            wait_until(lambda: r.pubsub_numsub(channel) == [(channel, 1)], "the dead subscription's end")
            expect(again["sub"], "1")
            for to in (channel, f"{stem}.p1"):
                expect(r.publish(to, "again"), 1)
                expect(next_message(p)["data"], "again")
            expect(r.spublish(shard, "again"), 1)
            expect(next_message(p), frame("smessage", shard, "again"))
        expect(r.client_kill_filter(_id="999999999"), 0)


@check("SLOWLOG GET, LEN and RESET", BOTH)
def slow_log(protocol):
    with connect(protocol) as r:
        before = r.config_get("slowlog-log-slower-than")
        try:
            r.config_set("slowlog-log-slower-than", 0)
            r.slowlog_reset()
            r.echo("slow")
            entry, = [e for e in r.slowlog_get(10) if b"ECHO" in e["command"]]
            expect(entry["command"], b"ECHO slow")
            assert entry["duration"] >= 0 and entry["start_time"] > 0, entry
            assert r.slowlog_len() > 0
        finally:
            r.config_set("slowlog-log-slower-than", before["slowlog-log-slower-than"])
        expect(r.slowlog_reset(), True)


@check("MONITOR", BOTH)
def monitor(protocol):
    with connect(protocol) as r, connect(protocol) as other:
        with other.monitor() as m:
            word = unique("monitored")
            r.echo(f'{word} "quoted"')
            seen = wait_until(lambda: next((c for c in [m.next_command()] if word in c["command"]), None), "the command")
            expect(seen["command"], f'ECHO {word} "quoted"')
            expect((seen["db"], seen["client_type"]), (0, "tcp"))


@check("CLIENT PAUSE and UNPAUSE", BOTH)
def client_pause(protocol):
    channel = unique("paused")
    with connect(protocol) as r, connect(protocol) as other:
        expect(r.client_pause(50, all=False), True)
        expect(other.publish(channel, "late"), 0)  # when it is over
        expect(r.client_pause(600_000, all=False), True)
        expect(r.client_unpause(), "OK")
        expect(other.publish(channel, "at once"), 0)


run("redis-py")
