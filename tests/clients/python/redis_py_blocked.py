"""What the checks of redis-py's blocking commands share."""

import threading
from concurrent.futures import Future

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import PORT, WAIT_LIMIT, unique, wait_until

ONCE = Retry(NoBackoff(), 0)


def connect(protocol, **options):
    options.setdefault("decode_responses", True)
    return redis.Redis(host="127.0.0.1", port=PORT, protocol=protocol, **options)


class Blocked:
    """A call that waits in a thread of its own, on a connection of its own, from when the server knows that it waits."""

    def __init__(self, protocol, command, *arguments, **options):
        self.name = unique("blocked")
        self.client = connect(protocol, client_name=self.name, socket_timeout=None, retry=ONCE)
        self.id = self.client.client_id()
        self._outcome = Future()
        threading.Thread(target=self._call, args=(command, arguments, options), daemon=True).start()
        with connect(protocol) as r:
            wait_until(lambda: "b" in self._flags(r), f"{command} to block")

    def _flags(self, r):
        return next(c["flags"] for c in r.client_list() if c["id"] == str(self.id))

    def _call(self, command, arguments, options):
        try:
            self._outcome.set_result(getattr(self.client, command)(*arguments, **options))
        except Exception as error:
            self._outcome.set_exception(error)

    def result(self):
        try:
            return self._outcome.result(WAIT_LIMIT)
        finally:
            self.client.close()
