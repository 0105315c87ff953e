"""Debian's prometheus-redis-exporter on the RESP port: the series that dashboards read, with their values."""

import redis

from debian import exporter
from harness import AUTH_PORT, PASSWORD, PORT, check, expect, run, unique

DB = 13


def connect(port=PORT, **options):
    return redis.Redis(port=port, **options)


def command(name, figure="redis_commands_total"):
    return (figure, ("cmd", name))


@check("figures of the whole server")
def figures():
    client, queue = connect(db=DB), connect(db=DB)
    channel, key = unique("channel"), unique("key")
    address = f"redis://127.0.0.1:{PORT}"
    client.delete(key)
    with exporter(address) as scrape, client.pubsub() as subscriber:
        before = scrape()
        subscriber.subscribe(channel)
        subscriber.psubscribe(channel + "*")
        for _ in range(2):
            expect(subscriber.get_message(timeout=30)["data"] > 0, True)
        for number in range(3):
            expect(client.publish(channel, f"message {number}"), 2)
        client.set(key, "value", ex=1000)
        client.set(key + "2", "value")
        expect([client.get(key), client.get(key), client.get(key + "3")], [b"value", b"value", None])
        expect(queue.execute_command("CONFIG", "GET", "maxmemory")[b"maxmemory"], b"0")
        try:
            client.execute_command("GET")
        except redis.ResponseError:
            pass
        after = scrape()
        client.delete(key, key + "2")

    def grown(*name):
        return after[name] - before.get(name, 0)

    expect(after[("redis_up",)], 1)
    expect(after[("redis_exporter_last_scrape_error", ("err", ""))], 0)
    expect(grown("redis_commands_total", ("cmd", "publish")), 3)
    expect(grown("redis_commands_total", ("cmd", "set")), 2)
    expect(grown("redis_commands_rejected_calls_total", ("cmd", "get")), 1)
    assert grown("redis_commands_duration_seconds_total", ("cmd", "publish")) > 0
    expect(grown("redis_keyspace_hits_total"), 2)
    expect(grown("redis_keyspace_misses_total"), 1)
    expect(grown("redis_db_keys", ("db", f"db{DB}")), 2)
    expect(grown("redis_db_keys_expiring", ("db", f"db{DB}")), 1)
    expect(grown("redis_pubsub_channels"), 1)
    expect(grown("redis_pubsub_patterns"), 1)
    for counter in ("redis_net_input_bytes_total", "redis_net_output_bytes_total", "redis_commands_processed_total",
                    "redis_connections_received_total", "redis_total_reads_processed", "redis_total_error_replies"):
        assert grown(counter) > 0, counter
    for gauge in ("redis_connected_clients", "redis_memory_used_bytes", "redis_memory_used_rss_bytes", "redis_memory_used_peak_bytes",
                  "redis_cpu_user_seconds_total", "redis_uptime_in_seconds", "redis_start_time_seconds", "redis_config_maxclients"):
        assert after[(gauge,)] >= 0, gauge
    for absent in ("redis_memory_max_bytes", "redis_blocked_clients", "redis_rejected_connections_total", "redis_evicted_keys_total",
                   "redis_expired_keys_total", "redis_slowlog_length", "redis_connected_slaves", "redis_loading_dump_file"):
        assert (absent,) in after, absent
    instance = next(dict(series[1:]) for series in after if series[0] == "redis_instance_info")
    expect((instance["role"], instance["redis_mode"], instance["tcp_port"]), ("master", "standalone", str(PORT)))


@check("a list's length and a stream's groups")
def keys():
    client = connect(db=DB)
    queue, stream = unique("queue"), unique("stream")
    client.rpush(queue, *range(7))
    for number in range(5):
        client.xadd(stream, {"number": number})
    client.xgroup_create(stream, "readers", id="0")
    client.xreadgroup("readers", "one", {stream: ">"}, count=2)
    options = ("-check-single-keys", f"db{DB}={queue}", "-check-single-streams", f"db{DB}={stream}")
    with exporter(f"redis://127.0.0.1:{PORT}", *options) as scrape:
        series = scrape()
    client.delete(queue, stream)
    db = ("db", f"db{DB}")
    expect(series[("redis_key_size", db, ("key", queue))], 7)
    expect(series[("redis_stream_length", db, ("stream", stream))], 5)
    group = (db, ("group", "readers"), ("stream", stream))
    expect(series[("redis_stream_group_messages_pending", *group)], 2)
    expect(series[("redis_stream_group_consumers", *group)], 1)


@check("a password")
def password():
    address = f"redis://127.0.0.1:{AUTH_PORT}"
    with exporter(address, "-redis.password", PASSWORD) as scrape:
        expect(scrape()[("redis_up",)], 1)
    with exporter(address, "-redis.password", "wrong") as scrape:
        expect(scrape()[("redis_up",)], 0)


run("redis_exporter")
