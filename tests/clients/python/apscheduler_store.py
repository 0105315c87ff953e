"""APScheduler: its RedisJobStore, and schedulers in processes of their own, one of which is killed."""

import contextlib
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import redis
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from apscheduler_process import JOBS, store
from harness import PORT, check, expect, run, unique, wait_until

BOTH = (2, 3)


def soon(seconds=0.0):
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)


@contextlib.contextmanager
def application(protocol):
    """The stem of its keys, a client to look at the server, and a scheduler that only writes. Leaves no key behind."""
    stem = unique("apscheduler")
    with redis.Redis(port=PORT, protocol=protocol, decode_responses=True) as r, scheduler(stem, protocol) as writer:
        try:
            yield stem, r, writer
        finally:
            for key in r.scan_iter(f"{stem}*"):
                r.delete(key)


@contextlib.contextmanager
def scheduler(stem, protocol):
    """A paused scheduler in this process."""
    paused = BackgroundScheduler(timezone=timezone.utc)
    paused.add_jobstore(store(stem, protocol))
    paused.start(paused=True)
    try:
        yield paused
    finally:
        paused.shutdown()


@contextlib.contextmanager
def process(stem, protocol):
    """A scheduler in a process of its own, killed at the end."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apscheduler_process.py")
    running = subprocess.Popen([sys.executable, program, stem, str(protocol)], stdin=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def raises(kind, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


@check("jobs: added, found, changed, paused, removed, by two schedulers", BOTH)
def jobs(protocol):
    with application(protocol) as (stem, r, one), scheduler(stem, protocol) as two:

        def ids(of):
            return [job.id for job in of.get_jobs()]

        far = soon(3600).replace(microsecond=123456)
        one.add_job(JOBS + "note", "date", run_date=far, args=["log", "größe"], id="later", name="a name")
        one.add_job(JOBS + "note", "interval", hours=2, kwargs={"log": "l", "text": b"\x00\xff"}, id="often")
        one.add_job(JOBS + "note", "cron", month=2, day=29, args=["l", "leap"], id="rarely", max_instances=3)
        expect((ids(one), ids(two)), (["later", "often", "rarely"],) * 2)
        job = two.get_job("later")
        expect((job.next_run_time, job.args, job.name, job.func_ref), (far, ("log", "größe"), "a name", JOBS + "note"))
        expect((two.get_job("often").kwargs, two.get_job("rarely").max_instances), ({"log": "l", "text": b"\x00\xff"}, 3))
        expect((two.get_job("none"), r.hlen(f"{stem}:jobs"), r.zcard(f"{stem}:run-times")), (None, 3, 3))
        assert abs(r.zscore(f"{stem}:run-times", "later") - far.timestamp()) < 1e-6
        raises(ConflictingIdError, two.add_job, JOBS + "note", args=["l", "x"], id="later")
        raises(JobLookupError, two.remove_job, "none")
        raises(JobLookupError, two.modify_job, "none", name="x")

        two.reschedule_job("later", trigger="interval", days=2)
        expect(ids(one), ["often", "later", "rarely"])
        two.modify_job("later", name="another", next_run_time=soon(60))
        expect((ids(one)[0], one.get_job("later").name), ("later", "another"))
        one.pause_job("later")
        expect((r.zscore(f"{stem}:run-times", "later"), two.get_job("later").next_run_time, ids(two)),
               (None, None, ["often", "rarely", "later"]))
        two.resume_job("later")
        expect(r.zcard(f"{stem}:run-times"), 3)
        one.add_job(JOBS + "note", "date", run_date=far, args=["l", "x"], id="later", replace_existing=True)
        expect((two.get_job("later").next_run_time, r.hlen(f"{stem}:jobs")), (far, 3))
        two.remove_job("often")
        expect((ids(one), r.zcard(f"{stem}:run-times")), (["later", "rarely"], 2))
        one.remove_all_jobs()
        expect((ids(two), r.exists(f"{stem}:jobs", f"{stem}:run-times")), ([], 0))


@check("1,000 jobs come back in the order of their times", BOTH)
def order(protocol):
    with application(protocol) as (stem, r, writer):
        start = soon(3600)
        for number in range(1000):
            at = start + timedelta(seconds=number * 7919 % 1000)
            writer.add_job(JOBS + "note", "date", run_date=at, args=["l", "x"], id=f"{number * 7919 % 1000:04}")
        expect([job.id for job in writer.get_jobs()], [f"{number:04}" for number in range(1000)])
        opened = store(stem, protocol)
        expect(opened.get_next_run_time(), start)
        expect([job.id for job in opened.get_due_jobs(start + timedelta(seconds=9.5))], [f"{number:04}" for number in range(10)])
        opened.shutdown()


@check("a process runs jobs when they are due, late ones too, and each once", BOTH)
def due(protocol):
    with application(protocol) as (stem, r, writer):
        log, options = f"{stem}:log", {"misfire_grace_time": None}
        times = [soon(after) for after in (1.0, -100.0, 0.5, 0.0)]
        for number, at in enumerate(times):
            writer.add_job(JOBS + "note", "date", run_date=at, args=[log, number], **options)
        writer.add_job(JOBS + "note", "date", run_date=soon(-100), args=[log, "too late"], misfire_grace_time=5)
        writer.add_job(JOBS + "note", "date", run_date=soon(3600), args=[log, "never"], id="never")
        with process(stem, protocol):
            wait_until(lambda: r.llen(log) >= 4, "four jobs")
            wait_until(lambda: r.hlen(f"{stem}:jobs") == 1, "the store to forget them")
        done = {int(number): float(at) for number, _, at in map(str.split, r.lrange(log, 0, -1))}
        expect((sorted(done), r.llen(log), r.zrange(f"{stem}:run-times", 0, -1)), ([0, 1, 2, 3], 4, ["never"]))
        assert all(done[number] >= at.timestamp() for number, at in enumerate(times)), done


@check("the next process goes on where a killed one ended: nothing that waits is lost, nothing runs twice", BOTH)
def killed(protocol):
    with application(protocol) as (stem, r, writer):
        log, options = f"{stem}:log", {"misfire_grace_time": None}

        def runs(text):
            return [entry.rsplit(" ", 1)[0] for entry in r.lrange(log, 0, -1) if entry.startswith(text)]

        for number in range(100):
            writer.add_job(JOBS + "note", "date", run_date=soon(0 if number < 50 else 3600), args=[log, f"job:{number}:"],
                           id=f"{number}", **options)
        writer.add_job(JOBS + "note", "interval", seconds=0.2, args=[log, "tick"], id="tick", coalesce=True, **options)
        writer.add_job(JOBS + "hold", "date", run_date=soon(), args=[log, "held"], id="held", **options)
        with process(stem, protocol) as first:
            wait_until(lambda: len(runs("job")) == 50 and len(runs("tick")) >= 3 and runs("held"), "the first half")
            # A job leaves the store when it has begun, so that the one that is held is lost: APScheduler promises no more.
            wait_until(lambda: r.hlen(f"{stem}:jobs") == 51, "the store to forget them")
        expect(sorted(map(int, set(r.hkeys(f"{stem}:jobs")) - {"tick"})), list(range(50, 100)))
        for number in range(50, 100):
            writer.modify_job(f"{number}", next_run_time=soon())
        with process(stem, protocol) as second:
            wait_until(lambda: len(runs("job")) >= 100, "the second half")
            wait_until(lambda: len([run for run in runs("tick") if run.endswith(f" {second.pid}")]) >= 3, "more ticks")
        expect(sorted(runs("job")), sorted(f"job:{n}: {first.pid if n < 50 else second.pid}" for n in range(100)))
        expect((runs("held"), r.hkeys(f"{stem}:jobs"), r.zrange(f"{stem}:run-times", 0, -1)),
               ([f"held {first.pid}"], ["tick"], ["tick"]))


run("APScheduler")
