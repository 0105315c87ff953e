"""redis-cli and redis-benchmark as child processes, run once, in the background or on a terminal of their own."""

import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import tempfile
import termios

import pexpect

from harness import PORT, expect, wait_until

# No history file is written, and no password is taken from outside.
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/", "TERM": "xterm", "LANG": "C.UTF-8",
               "REDISCLI_HISTFILE": "/dev/null"}
TERMINAL_SIZE = (50, 200)  # rows, columns


def execute(*command, stdin=b""):
    return subprocess.run(command, input=stdin, capture_output=True, env=ENVIRONMENT, timeout=60)


def cli(*arguments, port=PORT, stdin=b""):
    """What `redis-cli ARGUMENTS` prints on stdout; it must exit with 0."""
    done = execute("redis-cli", "-p", str(port), *arguments, stdin=stdin)
    expect((done.returncode, done.stderr), (0, b""))
    return done.stdout.decode()


@contextlib.contextmanager
def background(*arguments):
    """`redis-cli ARGUMENTS` running beside the check; yields a function that returns its output so far.

    The line `Reading messages...`, which only some formats and versions have, is left out.
    """
    with tempfile.NamedTemporaryFile() as output:
        process = subprocess.Popen(["redis-cli", *arguments], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env=ENVIRONMENT)

        def so_far():
            with open(output.name) as file:
                return re.sub(r"\AReading messages\.\.\. .*\n", "", file.read())

        try:
            yield so_far
        finally:
            process.kill()
            process.wait()


def wait_for_output(so_far, wanted):
    """Waits until at least as much as `wanted` has been printed, which must be `wanted` exactly."""
    try:
        wait_until(lambda: len(so_far()) >= len(wanted), repr(wanted))
    finally:
        expect(so_far(), wanted)


def prepare_terminal():
    """Runs in the new process before redis-cli does.

    Ctrl-C must work even where this program was started with SIGINT ignored; and the terminal must have its size
    from the start, since redis-cli asks a terminal without one where its cursor is and waits for the answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *TERMINAL_SIZE, 0, 0))


@contextlib.contextmanager
def interactive(*arguments):
    """redis-cli on a terminal of its own."""
    terminal = pexpect.spawn("redis-cli", ["-p", str(PORT), *arguments], env=ENVIRONMENT, encoding="utf-8",
                             timeout=15, dimensions=TERMINAL_SIZE, preexec_fn=prepare_terminal)
    try:
        yield terminal
    finally:
        terminal.close(force=True)


def type_line(terminal, line):
    """Types and waits for the prompt first, since redis-cli drops what is typed while it starts."""
    terminal.expect_exact(f"127.0.0.1:{PORT}> ")
    terminal.send(line + "\r")


def benchmark(*arguments):
    done = execute("redis-benchmark", "-p", str(PORT), *arguments)
    output = (done.stdout + done.stderr).decode()
    expect(done.returncode, 0)
    assert "error" not in output.lower() and "warning" not in output.lower(), output
    return output
