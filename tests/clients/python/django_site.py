"""The site of django_cache.py: Django's Redis cache, sessions kept in it, and a few pages.

`python django_site.py ACTION ARGUMENT...` does something with it in a process of its own.
"""

import os
import sys

import django
from django.conf import settings
from django.core.cache import cache
from django.http import JsonResponse
from django.test import Client
from django.urls import path
from django.views.decorators.cache import cache_page

NOT_KEPT = {"Cache-Control": "no-store, private"}


def redis_caches(prefix, protocol):
    """Two caches, in two databases, because `clear` flushes the whole database."""

    def at(database):
        return {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{os.environ['CHECK_PORT']}/{database}",
            "OPTIONS": {"protocol": protocol},
            "KEY_PREFIX": prefix,
            "TIMEOUT": 100,
        }

    return {"default": at(0), "other": at(9)}


settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a key for checks",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    # A program's caches are told to it; django_cache.py gives each check caches of its own.
    CACHES=redis_caches(os.environ.get("CHECK_PREFIX", "django"), int(os.environ.get("CHECK_PROTOCOL", "3"))),
)
django.setup()


def count(request):
    """Counts the visits of a session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"], "name": request.session.get("name")}, headers=NOT_KEPT)


def login(request, name):
    """Gives the session a new id and keeps what is in it."""
    request.session.cycle_key()
    request.session["name"] = name
    return JsonResponse({}, headers=NOT_KEPT)


def logout(request):
    request.session.flush()
    return JsonResponse({}, headers=NOT_KEPT)


@cache_page(50)
def page(request):
    """Counts how often it is made."""
    cache.add("made", 0)
    return JsonResponse({"made": cache.incr("made")})


urlpatterns = [path("count", count), path("login/<name>", login), path("logout", logout), path("page", page)]


def main(action, *arguments):
    if action == "share":  # counts, and prints how many of the claims were its own
        number = int(arguments[0])
        for _ in range(number):
            cache.add("count", 0)
            cache.incr("count")
        print(sum(cache.add(f"claim:{i}", os.getpid()) for i in range(number)))
    elif action == "visit":
        client = Client()
        client.cookies["sessionid"] = arguments[0]
        print(client.get("/count").json()["visits"])


if __name__ == "__main__":
    main(*sys.argv[1:])
