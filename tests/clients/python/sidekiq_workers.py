"""Sidekiq: worker processes that do jobs at once, failed and scheduled jobs, a worker that is stopped and ones that are killed.

Scheduled and failed jobs are moved back into their queues in two ways: by Sidekiq's API, and by the scheduler of each
worker, with a script.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile

import redis

from harness import PORT, check, expect, run, unique, wait_until

# Sidekiq's keys have fixed names: a database of its own, which is flushed.
DATABASE = 10
JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ruby", "sidekiq_jobs.rb")
# For a worker whose scheduler looks for jobs several times in a second, and not after 15 seconds for the first time.
SCHEDULES = {"CHECK_POLL_INTERVAL": "0.2"}
ENVIRONMENT = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{PORT}/{DATABASE}", "RUBYOPT": "-W0"}


@contextlib.contextmanager
def application():
    """A client to look at the database, which is empty before and after."""
    with redis.Redis(port=PORT, db=DATABASE, decode_responses=True) as r:
        r.flushdb()
        try:
            yield r
        finally:
            r.flushdb()


def ruby(code):
    """What the program returns, by way of JSON."""
    done = subprocess.run(["ruby", "-r", JOBS, "-e", f"puts JSON.generate(begin; {code}\nend)"], env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    expect((done.returncode, done.stderr), (0, ""))
    return json.loads(done.stdout)


@contextlib.contextmanager
def worker(r, *options, **environment):
    """A worker process, which waits for jobs or has begun one. Killed at the end unless it has ended before."""
    known = r.scard("processes")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(["sidekiq", "-r", JOBS, "-t", "1", *options], env=ENVIRONMENT | environment, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT)

        def works():
            if process.poll() is not None:
                output.seek(0)
                raise AssertionError(f"sidekiq ended: {output.read().decode()}")
            return r.scard("processes") > known

        try:
            wait_until(works, "the worker's first sign of life")
            yield process
        finally:
            process.kill()
            process.wait()


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()
    expect(process.returncode, 0)


def log(r, count):
    """Waits for so many entries of the log, and returns every job and where it ran."""
    wait_until(lambda: r.llen("log") >= count, f"{count} jobs")
    return [(text, int(pid)) for text, pid in map(str.split, r.lrange("log", 0, -1))]


def waiting(r):
    return [client for client in r.client_list() if client["db"] == str(DATABASE) and "b" in client["flags"]]


@check("jobs wait for a worker, which does them in order, the urgent queue first")
def immediate():
    with application() as r:
        ids = ruby("""20.times.map { |n| Note.perform_async("n#{n}") } + Urgent.perform_bulk([["u0"], ["u1"]])""")
        expect((len(set(ids)), r.smembers("queues")), (22, {"default", "urgent"}))
        expect(ruby("""
            queue = Sidekiq::Queue.new
            queue.find { |job| job.args == ["n7"] }.delete
            [queue.size, queue.latency >= 0, queue.map(&:jid), Sidekiq::Queue.all.map { |q| [q.name, q.size] },
             Sidekiq::Stats.new.enqueued]"""),
               [19, True, [id for id in ids[19::-1] if id != ids[7]], [["default", 19], ["urgent", 2]], 21])
        with worker(r, "-c", "1", "-q", "urgent", "-q", "default") as process:
            wanted = ["u0", "u1", *(f"n{n}" for n in range(20) if n != 7)]
            expect(log(r, 21), [(text, process.pid) for text in wanted])
            expect(ruby("""Sidekiq::ProcessSet.new.map { |process| [process["pid"], process["queues"], process["concurrency"]] }"""),
                   [[process.pid, ["urgent", "default"], 1]])
            stop(process)
        expect(ruby("[Sidekiq::Stats.new.processed, Sidekiq::Stats.new.failed, Sidekiq::ProcessSet.new.size]"), [21, 0, 0])
        expect(r.exists("queue:default", "queue:urgent"), 0)


@check("two processes with five threads each do 1,000 jobs, each once")
def shared_work():
    with application() as r, worker(r, "-c", "5") as one, worker(r, "-c", "5") as two:
        expect(ruby("Note.perform_bulk((0...1000).map { |n| [n.to_s] }).size"), 1000)
        done = log(r, 1000)
        expect(sorted(int(text) for text, _ in done), list(range(1000)))
        assert {pid for _, pid in done} <= {one.pid, two.pid}
        for process in (one, two):
            stop(process)
        expect((r.get("stat:processed"), r.llen("log"), r.exists("queue:default")), ("1000", 1000, 0))


@check("failed jobs: kept for another try, dead, or dropped; the API has them tried again")
def failed():
    with application() as r:
        ruby("""Gated.perform_async("kept"); OnlyOnce.perform_async("dead"); Discarded.perform_async("dropped")""")
        with worker(r, "-c", "3") as process:
            wait_until(lambda: (r.zcard("retry"), r.zcard("dead")) == (1, 1), "the failures")
            expect(sorted(log(r, 3)), [(text, process.pid) for text in ("dead", "dropped", "kept")])
            describe = """map { |job| [job.klass, job.args, job["error_class"], job["error_message"], job["retry_count"]] }"""
            error = ["ArgumentError", "the gate is shut", 0]
            expect(ruby(f"[Sidekiq::RetrySet.new.{describe}, Sidekiq::DeadSet.new.{describe}]"),
                   [[["Gated", ["kept"], *error]], [["OnlyOnce", ["dead"], *error]]])
            # The first time to come is 15 seconds away, and up to ten more.
            assert 0 < r.zrange("retry", 0, 0, withscores=True)[0][1] - float(r.time()[0]) < 60
            ruby("Sidekiq::RetrySet.new.each(&:retry); nil")
            wait_until(lambda: r.zcard("retry") == 1 and r.llen("log") == 4, "the second failure")
            # To try by hand doesn't count as one of its five times.
            expect(ruby("""Sidekiq::RetrySet.new.map { |job| job["retry_count"] }"""), [0])
            r.set("gate", "open")
            ruby("Sidekiq::RetrySet.new.each(&:retry); Sidekiq::DeadSet.new.retry_all; nil")
            expect(sorted(text for text, _ in log(r, 6)), ["dead", "dead", "dropped", "kept", "kept", "kept"])
            stop(process)
        expect((r.exists("retry", "dead", "queue:default"), r.get("stat:processed"), r.get("stat:failed")), (0, "6", "4"))


@check("scheduled jobs: looked up, moved, deleted, and put into the queue by the API")
def scheduled():
    with application() as r:
        ids = ruby("""10.times.map { |n| Note.perform_in(3600 + n, "n#{n}") }""")
        expect(ruby(f"""
            set = Sidekiq::ScheduledSet.new
            set.find_job("{ids[3]}").reschedule(Time.now + 9999)
            set.find_job("{ids[4]}").delete
            [set.size, set.map {{ |job| job.args[0] }}, set.scan("n7").map(&:jid)]"""),
               [9, ["n3", "n9", "n8", "n7", "n6", "n5", "n2", "n1", "n0"], [ids[7]]])
        with worker(r, "-c", "1") as process:
            ruby("Sidekiq::ScheduledSet.new.first(4).each(&:add_to_queue); nil")
            expect(log(r, 4), [(text, process.pid) for text in ("n3", "n9", "n8", "n7")])
        expect((r.zcard("schedule"), r.llen("log")), (5, 4))


@check("a worker that is told to stop gives the job that it cannot end to the next one")
def stopped():
    with application() as r:
        ruby("""Hold.perform_async("held")""")
        with worker(r, "-c", "1") as first:
            log(r, 1)
            stop(first)
        expect((r.llen("queue:default"), r.scard("processes")), (1, 0))
        r.set("gate", "open")
        with worker(r, "-c", "1") as second:
            expect(log(r, 2), [("held", first.pid), ("held", second.pid)])
            stop(second)
        expect((r.llen("log"), r.exists("queue:default")), (2, 0))


@check("a killed worker takes with it only the job that it had begun; every other is done once")
def killed():
    with application() as r:
        ruby("""Hold.perform_async("held"); Note.perform_bulk((0...200).map { |n| [n.to_s] }); nil""")
        with worker(r, "-c", "1") as first:
            expect(log(r, 1), [("held", first.pid)])
        r.set("gate", "open")
        with worker(r, "-c", "5") as second:
            done = log(r, 201)
            expect(sorted(int(text) for text, _ in done[1:]), list(range(200)))
            expect({pid for _, pid in done[1:]}, {second.pid})
            wait_until(lambda: waiting(r), "the worker to wait")
        # Killed while it waited: what comes next is not for it.
        wait_until(lambda: not waiting(r), "its connections' end")
        ruby("""Note.perform_async("last")""")
        expect(r.llen("queue:default"), 1)
        with worker(r, "-c", "1") as third:
            expect(log(r, 202)[201], ("last", third.pid))
            stop(third)
        expect((r.llen("log"), r.exists("queue:default"), r.zcard("retry")), (202, 0, 0))


@check("the scheduler: due jobs are done, each once, in the order of their times, by two processes; later ones wait")
def scheduler():
    with application() as r, worker(r, "-c", "1", **SCHEDULES) as one, worker(r, "-c", "1", **SCHEDULES) as two:
        ruby("""
            now = Time.now.to_f
            {"late" => 1.5, "soon" => 0.5, "never" => 3600}.each { |text, after| Due.perform_in(after, text, now + after) }
            Sidekiq::Client.push_bulk("class" => Due, "args" => (0...200).map { |n| [n.to_s, now + 1] }, "at" => now + 1)
            nil""")
        done = log(r, 202)
        texts = [text for text, _ in done]
        expect(sorted(texts), sorted([*map(str, range(200)), "late", "soon"]))
        assert texts.index("soon") < texts.index("late"), texts
        assert {pid for _, pid in done} <= {one.pid, two.pid}
        expect(ruby("Sidekiq::ScheduledSet.new.map { |job| job.args[0] }"), ["never"])
        for process in (one, two):
            stop(process)
        expect((r.llen("log"), r.get("stat:processed"), r.exists("queue:default")), (202, "202", 0))


@check("the scheduler: a failed job is tried again until it succeeds, and until it was tried too often")
def retried():
    with application() as r, worker(r, "-c", "2", **SCHEDULES) as process:
        ruby("""Gated.perform_async("right"); OnlyTwice.perform_async("wrong")""")
        wait_until(lambda: r.zcard("retry") == 2, "both failures")
        due_now = "Sidekiq::RetrySet.new.each { |job| job.reschedule(Time.now) }; nil"
        ruby(due_now)
        wait_until(lambda: (r.zcard("retry"), r.zcard("dead")) == (1, 1), "the second ones")
        expect(ruby("""[Sidekiq::RetrySet, Sidekiq::DeadSet].map { |set| set.new.map { |job| [job.args, job["retry_count"]] } }"""),
               [[[["right"], 1]], [[["wrong"], 1]]])
        r.set("gate", "open")
        ruby(due_now)
        expect(sorted(text for text, _ in log(r, 5)), ["right"] * 3 + ["wrong"] * 2)
        stop(process)
        expect((r.exists("retry", "queue:default"), r.zcard("dead"), r.get("stat:processed"), r.get("stat:failed")), (0, 1, "5", "4"))


@check("the scheduler: a worker that is killed while it moves jobs has lost none but what it had in hand")
def scheduler_killed():
    with application() as r:
        ruby("""Sidekiq::Client.push_bulk("class" => Note, "args" => (0...3000).map { |n| [n.to_s] }, "at" => Time.now.to_f + 0.1); nil""")
        with worker(r, "-c", "1", **SCHEDULES):
            wait_until(lambda: r.zcard("schedule") < 3000, "the first to be moved")
        wait_until(lambda: not [client for client in r.client_list() if client["db"] == str(DATABASE) and client["cmd"] != "client|list"],
                   "its connections' end")
        # It may have had one to move and one to do.
        done, left = [int(text) for text, _ in log(r, 0)], r.zcard("schedule") + r.llen("queue:default")
        assert 3000 - 2 <= left + len(done) <= 3000, (left, len(done))
        with worker(r, "-c", "5", **SCHEDULES) as second:
            wanted = left + len(done)
            done = [int(text) for text, _ in log(r, wanted)]
            wait_until(lambda: r.zcard("schedule") + r.llen("queue:default") == 0, "the last one")
            stop(second)
        expect((len(set(done)), r.llen("log")), (wanted, wanted))


run("Sidekiq")
