"""Worker processes that run a program of a library, and that checks may kill at any moment."""

import contextlib
import os
import signal
import subprocess
import tempfile


@contextlib.contextmanager
def worker_process(name, command, environment):
    """A process with those that it starts. It must not end by itself. All are killed at the end, unless they have ended before."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__)), env=os.environ | environment,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            yield process
            if process.returncode is None and process.poll() is not None:
                output.seek(0)
                raise AssertionError(f"{name} ended: {output.read().decode()}")
        finally:
            kill(process)


def kill(process):
    """Kills a process and those that it has started."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
