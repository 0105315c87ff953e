"""RQ: results, which are streams, retries, dependencies, scheduled and repeated jobs, and killed workers."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta

import redis

from harness import PORT, WAIT_LIMIT, check, expect, run, unique, wait_until
from processes import kill

# Before rq is imported, which reads it once: the names of all its keys begin with this.
os.environ["RQ_KEY_PREFIX"] = PREFIX = unique("rq")

from rq import Queue, Repeat, Retry, Worker  # noqa: E402
from rq.command import send_stop_job_command  # noqa: E402
from rq.job import Callback, JobStatus  # noqa: E402

BOTH = (2, 3)
logging.getLogger("rq").setLevel(logging.CRITICAL)  # it reports each job that is given up


@contextlib.contextmanager
def application(protocol):
    """A queue, and a client to look at its keys; leaves none behind.

    With `protocol=3` redis-py returns a dictionary for `XREAD`, which RQ doesn't expect. By default it speaks RESP3 too, but returns
    the lists of RESP2.
    """
    options = {"protocol": 2} if protocol == 2 else {}
    with redis.Redis(port=PORT, **options) as connection, redis.Redis(port=PORT, decode_responses=True) as r:
        try:
            yield Queue(unique("queue"), connection=connection), r
        finally:
            for key in r.scan_iter(f"{PREFIX}*", count=1000):
                r.delete(key)


@contextlib.contextmanager
def worker(queue, protocol, *options):
    """`rq worker`, in a process that is killed at the end unless it has ended before."""
    name = unique("worker")
    command = [os.path.join(os.path.dirname(sys.executable), "rq"), "worker", "--url", f"redis://127.0.0.1:{PORT}/0?protocol={protocol}",
               "--name", name, *options, queue.name]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__)), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.abspath(__file__))})
        try:
            wait_until(lambda: process.poll() is not None or name in [one.name for one in Worker.all(queue=queue)], "the worker")
            yield process
            if process.poll() is not None and process.returncode != -signal.SIGKILL:
                output.seek(0)
                raise AssertionError(f"rq ended: {output.read().decode()}")
        finally:
            kill(process)


def log(r, key, count):
    """Waits for so many entries of the log, and returns every one: a text, the worker that wrote it, and the job's process."""
    wait_until(lambda: r.llen(key) >= count, f"{count} notes")
    return [(text, int(worker), int(pid)) for text, worker, pid in map(str.split, r.lrange(key, 0, -1))]


def result(job):
    """Waits for what a job has returned; XREAD blocks meanwhile."""
    latest = job.latest_result(timeout=WAIT_LIMIT)
    assert latest is not None, f"no result of {job.id}"
    return latest.return_value if latest.type == latest.Type.SUCCESSFUL else latest.exc_string.strip().splitlines()[-1]


def ended(queue, finished, failed=0):
    """Waits until every job is where it belongs."""
    wanted = (0, 0, 0, finished, failed)
    wait_until(lambda: (queue.count, queue.started_job_registry.get_job_count(cleanup=False), queue.scheduled_job_registry.count,
                        queue.finished_job_registry.count, queue.failed_job_registry.count) == wanted, f"{wanted}")


@check("jobs wait for a worker; results, errors, dependencies and callbacks", BOTH)
def immediate(protocol):
    with application(protocol) as (queue, r):
        key = f"{PREFIX}:log"
        given = [queue.enqueue("rq_tasks.divide", value, 4) for value in range(5)]
        expect((queue.count, given[0].latest_result(), given[0].get_status()), (5, None, JobStatus.QUEUED))
        wrong = queue.enqueue("rq_tasks.divide", 1, 0)
        first = queue.enqueue("rq_tasks.note", key, "first", job_id="first", on_success=Callback("rq_tasks.succeeded"))
        second = queue.enqueue("rq_tasks.note", key, "second", depends_on=first, at_front=True)
        expect((queue.count, second.get_status()), (7, JobStatus.DEFERRED))
        with worker(queue, protocol):
            expect([result(job) for job in given], [value / 4 for value in range(5)])
            expect(result(wrong), "ZeroDivisionError: division by zero")
            expect((result(first), result(second)), ("first", "second"))
            ended(queue, 7, 1)
        expect([text for text, _, _ in log(r, key, 3)], ["first", "callback:first", "second"])
        key = f"{PREFIX}:results:{given[1].id}"
        expect((r.type(key), r.xlen(key), r.xrange(key)[0][1]["type"]), ("stream", 1, "1"))
        assert 0 < r.ttl(key) <= 500


@check("retries: until it succeeds, until there were too many, later, and by hand", BOTH)
def retries(protocol):
    with application(protocol) as (queue, r), worker(queue, protocol, "--with-scheduler"):
        key, other, late = (f"{PREFIX}:{name}" for name in ("log", "other", "late"))
        expect(result_of_last(queue.enqueue("rq_tasks.third_time", key, retry=Retry(max=4))), "right")
        failing = queue.enqueue("rq_tasks.never_right", other, retry=Retry(max=2))
        wait_until(lambda: failing.id in queue.failed_job_registry, "the job to be given up")
        expect((r.llen(key), r.llen(other)), (3, 3))
        expect([one.type.name for one in failing.results()], ["FAILED"])  # the last time's
        queue.failed_job_registry.requeue(failing.id)
        wait_until(lambda: r.llen(other) == 4 and failing.id in queue.failed_job_registry, "the job to be tried by hand")
        begin = time.time()
        expect(result_of_last(queue.enqueue("rq_tasks.third_time", late, retry=Retry(max=2, interval=[1, 0]))), "right")
        assert time.time() >= int(begin + 1), time.time() - begin  # whole seconds count
        ended(queue, 2, 1)


def result_of_last(job):
    wait_until(lambda: job.get_status() in (JobStatus.FINISHED, JobStatus.FAILED), "the job's end")
    return result(job)


@check("the scheduler: jobs run when they are due, and repeated ones again; each time has its result", [3])
def scheduled(protocol):
    with application(protocol) as (queue, r):
        key = f"{PREFIX}:log"
        begin = time.time()
        for text, delay in (("late", 2), ("soon", 1)):
            queue.enqueue_in(timedelta(seconds=delay), "rq_tasks.note", key, text)
        never = queue.enqueue_in(timedelta(hours=1), "rq_tasks.note", key, "never")
        expect((queue.count, queue.scheduled_job_registry.count), (0, 3))
        repeated = queue.enqueue("rq_tasks.note", f"{key}:repeated", "again", repeat=Repeat(times=2, interval=[0, 1]))
        with worker(queue, protocol, "--with-scheduler"):
            expect([text for text, _, _ in log(r, key, 2)], ["soon", "late"])
            assert time.time() >= int(begin + 2)  # whole seconds count
            expect([text for text, _, _ in log(r, f"{key}:repeated", 3)], ["again"] * 3)
            wait_until(lambda: r.xlen(f"{PREFIX}:results:{repeated.id}") == 3, "three results")
            expect([one.return_value for one in repeated.results()], ["again"] * 3)
            queue.scheduled_job_registry.remove(never, delete_job=True)
            ended(queue, 3)


@check("a job that is stopped, and one whose process is killed", BOTH)
def stopped(protocol):
    with application(protocol) as (queue, r), worker(queue, protocol) as works:
        key, gate = f"{PREFIX}:log", f"{PREFIX}:gate"
        held = queue.enqueue("rq_tasks.hold", key, gate)
        [(text, pid, _)] = log(r, key, 1)
        expect((text, pid), ("hold", works.pid))
        send_stop_job_command(queue.connection, held.id)
        wait_until(lambda: held.get_status() == JobStatus.STOPPED, "the job to be stopped")
        dies = queue.enqueue("rq_tasks.die", key, retry=Retry(max=1))
        expect([text for text, _, _ in log(r, key, 3)], ["hold", "die", "die"])
        wait_until(lambda: dies.get_status() == JobStatus.FAILED, "the job to fail")
        assert "terminated unexpectedly" in dies.latest_result().exc_string, dies.latest_result().exc_string
        expect(result(queue.enqueue("rq_tasks.divide", 1, 2)), 0.5)
        ended(queue, 1, 2)


def kill_with_job(process, pid):
    """Kills a worker and then its job's process, so that nobody can tell of the job's end."""
    kill(process)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def sweep(queue):
    """Gives up jobs of killed workers, as every worker does now and then. RQ waits for a minute after a job's last sign of life:
    the sweep is told that it is later than it is."""
    queue.started_job_registry.cleanup(timestamp=time.time() + 90)


@check("a killed worker's job: done by the next one if it may be retried, else failed and put back by hand", BOTH)
def killed(protocol):
    with application(protocol) as (queue, r):
        gate = f"{PREFIX}:gate"
        jobs = []
        for number, retry in enumerate((Retry(max=1), None)):
            key = f"{PREFIX}:log:{number}"
            with worker(queue, protocol) as first:
                jobs.append(queue.enqueue("rq_tasks.hold", key, gate, retry=retry))
                [(_, worked, pid)] = log(r, key, 1)
                expect(worked, first.pid)
                kill_with_job(first, pid)
            expect((queue.count, queue.started_job_registry.get_job_ids(cleanup=False)), (0, [jobs[number].id]))
            sweep(queue)
            expect((queue.count, queue.failed_job_registry.count), (1, 0) if retry else (0, 1))
            if not retry:
                assert "AbandonedJobError" in jobs[number].latest_result().exc_string
                queue.failed_job_registry.requeue(jobs[number])
            with worker(queue, protocol) as second:
                expect([worked for _, worked, _ in log(r, key, 2)], [first.pid, second.pid])
                r.set(gate, "open")
                wait_until(lambda: jobs[number].get_status(refresh=True) == JobStatus.FINISHED, "the job's end")
                expect(result(jobs[number]), "held")
                ended(queue, 1 + number)
            r.delete(gate)


@check("100 jobs, two workers, one killed on the way: each done once, and again only what it had in hand", [3])
def shared_work(protocol):
    with application(protocol) as (queue, r), worker(queue, protocol) as a, worker(queue, protocol) as b:
        key, gate = f"{PREFIX}:log", f"{PREFIX}:gate"
        jobs = [(f"rq_tasks.{'hold' if number == 40 else 'note'}", (key, gate if number == 40 else str(number))) for number in range(100)]
        queue.enqueue_many([Queue.prepare_data(function, args, retry=Retry(max=1)) for function, args in jobs])
        [(_, victim, pid)] = wait_until(lambda: [entry for entry in log(r, key, 0) if entry[0] == "hold"], "the job that holds")
        other = (a if victim == b.pid else b).pid
        wait_until(lambda: queue.count == 0 and queue.finished_job_registry.count == 99, "the other worker to do the rest")
        kill_with_job(a if victim == a.pid else b, pid)
        r.set(gate, "open")
        sweep(queue)
        ended(queue, 100)
        done = log(r, key, 101)
        expect(sorted(text for text, _, _ in done), sorted(["hold", "hold", *(str(number) for number in range(100) if number != 40)]))
        expect([worked for text, worked, _ in done if text == "hold"], [victim, other])
        expect({worked for _, worked, _ in done}, {victim, other})


run("RQ")
