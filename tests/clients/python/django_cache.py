"""Django: the cache on its Redis backend, kept pages, and sessions in the cache, with several processes too."""

import contextlib
import os
import subprocess
import sys
from datetime import datetime, timezone

import redis
from django.contrib.sessions.backends.cache import SessionStore
from django.core.cache import cache, caches
from django.test import Client, override_settings

import django_site
from harness import PORT, check, expect, refused, run, unique, wait_until

BOTH = (2, 3)


@contextlib.contextmanager
def site(protocol):
    """The site with caches of its own; yields a client to look at the server, and the function that names a key. Leaves no key behind."""
    prefix = unique("django")
    with redis.Redis(port=PORT, protocol=protocol, decode_responses=True) as r:
        try:
            with override_settings(CACHES=django_site.redis_caches(prefix, protocol)):
                yield r, lambda key: f"{prefix}:1:{key}"
        finally:
            for key in r.scan_iter(f"{prefix}*"):
                r.delete(key)


def processes(count, key_of, protocol, *arguments):
    """What `django_site.py ARGUMENTS` prints in each of so many processes."""
    prefix = key_of("").removesuffix(":1:")
    environment = os.environ | {"CHECK_PREFIX": prefix, "CHECK_PROTOCOL": str(protocol)}
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "django_site.py")
    running = [subprocess.Popen([sys.executable, program, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
               for _ in range(count)]
    printed = [process.communicate()[0].strip() for process in running]
    expect([process.returncode for process in running], [0] * count)
    return printed


@check("cache: get, set, add, delete, any value, versions", BOTH)
def values(protocol):
    with site(protocol) as (r, key):
        everything = {"text": "größe\0", "bytes": bytes(range(256)), "number": 7, "float": 0.1, "nothing": None, "flag": True,
                      "time": datetime(2030, 1, 2, tzinfo=timezone.utc), "nested": {"a": [1, (2, {3})]}, "large": "x" * (1 << 20)}
        for name, value in everything.items():
            cache.set(name, value)
            assert cache.get(name, "default") == value
        expect((cache.get("none"), cache.get("none", 5), cache.has_key("text"), "none" in cache), (None, 5, True, False))
        expect((cache.add("text", "again"), cache.add("new", 1), cache.get("new")), (False, True, 1))
        expect((cache.delete("new"), cache.delete("new"), cache.get("new")), (True, False, None))
        expect((cache.get_or_set("made", lambda: 3), cache.get_or_set("made", lambda: 4)), (3, 3))
        expect((cache.set("number", 8, version=2), cache.get("number"), cache.get("number", version=2)), (None, 7, 8))
        expect((cache.incr_version("made"), cache.get("made"), cache.get("made", version=2)), (2, None, 3))
        expect((r.get(key("number")), r.type(key("nested")), caches["other"].get("number")), ("7", "string", None))


@check("cache: time-outs, touch", BOTH)
def timeouts(protocol):
    with site(protocol) as (r, key):
        for name, timeout in (("some", 50), ("forever", None), ("at-once", 0), ("long-ago", -5)):
            cache.set(name, 1, timeout)
        cache.set("default", 1)
        expect((cache.get("at-once"), cache.get("long-ago"), r.ttl(key("forever"))), (None, None, -1))
        expect((cache.add("at-once", 1, 0), cache.get("at-once")), (True, None))
        assert 40 < r.ttl(key("some")) <= 50 and 90 < r.ttl(key("default")) <= 100
        expect((cache.touch("some", 200), cache.touch("default", None), cache.touch("none", 5)), (True, True, False))
        assert 190 < r.ttl(key("some")) <= 200
        expect((r.ttl(key("default")), cache.touch("forever", 0), cache.get("forever")), (-1, True, None))
        cache.set("short", 1, 1)
        wait_until(lambda: cache.get("short") is None, "the end of its second")


@check("cache: many at once, counters, clear", BOTH)
def many(protocol):
    with site(protocol) as (r, key):
        values = {f"n{number}": number * 1.5 for number in range(500)}
        expect(cache.set_many(values, 50), [])
        expect(cache.get_many([*values, "none"]), values)
        assert all(40 < ttl <= 50 for ttl in map(r.ttl, map(key, values)))
        cache.delete_many(list(values)[:499])
        expect(cache.get_many(values), {"n499": 748.5})
        cache.set("count", 10)
        expect((cache.incr("count"), cache.incr("count", 5), cache.decr("count"), cache.decr("count", 20)), (11, 16, 15, -5))
        assert 90 < r.ttl(key("count")) <= 100
        refused(f"Key '{key('none')}' not found.", cache.incr, "none")
        cache.set("text", "x")
        refused("value is not an integer or out of range", cache.incr, "text")
        caches["other"].set("text", "y")
        expect((caches["other"].clear(), caches["other"].get("text"), cache.get("text")), (True, None, "x"))


@check("cache: three processes count and claim", BOTH)
def shared(protocol):
    with site(protocol) as (_, key):
        claimed = list(map(int, processes(3, key, protocol, "share", "300")))
        expect((cache.get("count"), sum(claimed)), (900, 300))
        expect(len(cache.get_many([f"claim:{number}" for number in range(300)])), 300)


@check("a kept page is made once", BOTH)
def pages(protocol):
    with site(protocol) as (r, _):
        first = Client().get("/page")
        for _ in range(5):
            again = Client().get("/page")
            expect((again.json(), again.headers["Expires"]), ({"made": 1}, first.headers["Expires"]))
        expect(Client().get("/page?other").json(), {"made": 2})
        kept = list(r.scan_iter("django:*:views.decorators.cache.cache_page.*"))
        expect(len(kept), 2)
        assert all(40 < r.ttl(name) <= 50 for name in kept)
        cache.delete_many([name.split(":1:", 1)[1] for name in kept])
        expect(Client().get("/page").json(), {"made": 3})


@check("sessions: visits, a new id at login, logout, expiry", BOTH)
def sessions(protocol):
    with site(protocol) as (r, key):

        def kept(client):
            return key(f"django.contrib.sessions.cache{client.cookies['sessionid'].value}")

        one, two = Client(), Client()
        expect([one.get("/count").json()["visits"] for _ in range(3)], [1, 2, 3])
        expect(two.get("/count").json(), {"visits": 1, "name": None})
        old = kept(one)
        assert 1_200_000 < r.ttl(old) <= 1_209_600  # two weeks
        one.get("/login/ada")
        expect((r.exists(old), r.exists(kept(one)), kept(one) != old), (0, 1, True))
        expect(one.get("/count").json(), {"visits": 4, "name": "ada"})
        # Another process sees the same session.
        expect(processes(1, key, protocol, "visit", one.cookies["sessionid"].value), ["5"])
        expect(one.get("/count").json(), {"visits": 6, "name": "ada"})
        last = kept(one)
        one.get("/logout")
        expect((r.exists(last), one.get("/count").json()), (0, {"visits": 1, "name": None}))
        r.delete(kept(two))
        expect(two.get("/count").json(), {"visits": 1, "name": None})

        store = SessionStore()
        store["a"] = [1, {"b": None}]
        store.set_expiry(30)
        store.create()
        assert 20 < r.ttl(key(f"django.contrib.sessions.cache{store.session_key}")) <= 30
        expect((SessionStore(store.session_key)["a"], store.exists(store.session_key)), ([1, {"b": None}], True))
        store.delete()
        expect((store.exists(store.session_key), SessionStore(store.session_key).get("a")), (False, None))


run("Django")
