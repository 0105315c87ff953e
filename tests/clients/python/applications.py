"""Applications that sit on redis-py's pub/sub: channels_redis's pub/sub layer and python-socketio's manager."""

import asyncio
import contextlib
import json

import redis.asyncio
import socketio
from channels_redis.pubsub import RedisPubSubChannelLayer

from harness import PORT, async_wait_until, check, expect, run, unique

BOTH = (2, 3)


async def subscribers(r, channel):
    return dict(await r.pubsub_numsub(channel))[channel.encode()]


@contextlib.asynccontextmanager
async def layers(protocol):
    """Two layers with one prefix, as two processes have, and a client to look at the subscriptions."""
    prefix = unique("asgi")
    host = {"address": f"redis://127.0.0.1:{PORT}", "protocol": protocol}
    a, b = (RedisPubSubChannelLayer(hosts=[host], prefix=prefix) for _ in range(2))
    async with redis.asyncio.Redis(port=PORT, protocol=protocol) as r:
        try:
            yield a, b, r, f"{prefix}__group__"
        finally:
            await a.flush()
            await b.flush()


@check("channels_redis: group_send, group_add, group_discard", BOTH)
async def groups(protocol):
    async with layers(protocol) as (a, b, r, group):
        at_a, at_b, also_at_b = await a.new_channel(), await b.new_channel(), await b.new_channel()
        await a.group_add("chat", at_a)
        await b.group_add("chat", at_b)
        await b.group_add("chat", also_at_b)

        async def both_processes():
            return await subscribers(r, f"{group}chat") == 2

        await async_wait_until(both_processes, "both layers' subscriptions")
        await a.group_send("chat", {"type": "chat.message", "text": "hi", "bytes": b"\x00\r\n\xff"})
        for layer, channel in ((a, at_a), (b, at_b), (b, also_at_b)):
            expect(await layer.receive(channel), {"type": "chat.message", "text": "hi", "bytes": b"\x00\r\n\xff"})

        # Whoever left the group gets the message after the next, sent directly, first.
        await b.group_discard("chat", at_b)
        await a.group_discard("chat", at_a)

        async def one_process():
            return await subscribers(r, f"{group}chat") == 1

        await async_wait_until(one_process, "the first layer's unsubscription")
        await a.group_send("chat", {"type": "second"})
        expect(await b.receive(also_at_b), {"type": "second"})
        await a.send(at_b, {"type": "direct"})
        expect(await b.receive(at_b), {"type": "direct"})


@check("channels_redis: send to a channel of another process, 1 MiB too", BOTH)
async def send(protocol):
    async with layers(protocol) as (a, b, r, _):
        channel = await b.new_channel()

        async def listening():
            return await subscribers(r, channel) == 1

        await async_wait_until(listening, "the subscription")
        for message in ({"n": 1}, {"n": 2, "payload": bytes(1 << 20)}, {"n": 3}):
            await a.send(channel, message)
        expect((await b.receive(channel))["n"], 1)
        expect((await b.receive(channel))["payload"], bytes(1 << 20))
        expect((await b.receive(channel))["n"], 3)


@check("channels_redis: flush ends the subscriptions", BOTH)
async def flush(protocol):
    async with layers(protocol) as (a, _, r, _):
        channel = await a.new_channel()

        async def count(wanted):
            return await subscribers(r, channel) == wanted

        await async_wait_until(lambda: count(1), "the subscription")
        await a.flush()
        await async_wait_until(lambda: count(0), "its end")


class Recorder(socketio.AsyncServer):
    """A socketio server that notes what it would send to a client."""

    def __init__(self, manager):
        super().__init__(async_mode="asgi", client_manager=manager)
        self.sent = asyncio.Queue()

    async def _send_packet(self, eio_sid, packet):
        await self.sent.put((eio_sid, packet.data))

    async def _send_eio_packet(self, eio_sid, eio_packet):
        # A broadcast encodes its packet once: "2" is an event, the rest its JSON.
        await self.sent.put((eio_sid, json.loads(eio_packet.data[1:])))


@check("python-socketio: a write-only process emits to another one's clients", BOTH)
async def external_process(protocol):
    channel = unique("socketio")
    url, options = f"redis://127.0.0.1:{PORT}/0", {"protocol": protocol}
    server = Recorder(socketio.AsyncRedisManager(url, channel=channel, redis_options=options))
    server.manager.initialize()
    external = socketio.AsyncRedisManager(url, channel=channel, write_only=True, redis_options=options)
    async with redis.asyncio.Redis(port=PORT) as r:

        async def listening():
            return await subscribers(r, channel) == 1

        await async_wait_until(listening, "the manager's subscription")
        sids = [await server.manager.connect(eio_sid, "/") for eio_sid in ("one", "two")]
        await server.manager.enter_room(sids[1], "/", "vip")
        await external.emit("news", {"n": 1}, room="vip")
        await external.emit("news", {"n": 2})
        expect(await server.sent.get(), ("two", ["news", {"n": 1}]))
        everyone = sorted([await server.sent.get() for _ in range(2)])
        expect(everyone, [("one", ["news", {"n": 2}]), ("two", ["news", {"n": 2}])])
        assert server.sent.empty()
        await external.redis.aclose()
        server.manager.thread.cancel()
        await asyncio.gather(server.manager.thread, return_exceptions=True)
        await server.manager.redis.aclose()


run("applications")
