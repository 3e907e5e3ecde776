"""Runs the program on ranks of MPI, and alone, over the model that ships."""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "troika"
MODEL = ROOT / "models" / "troika-demo.gguf"
SECONDS_MAX = 180  # of anything here; a busy machine is no failure
PROMPT = ["-p", "What is 34 + 58?", "-n", "24", "-c", "256"]


def run(*command, **options):
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


@functools.cache
def open_mpi():
    """Whether `mpirun` is that of Open MPI."""
    return shutil.which("mpirun") and "Open MPI" in run("mpirun", "--version").stdout


@functools.cache
def reason_to_skip():
    """Why nothing here can run; empty if it can."""
    if not PROGRAM.exists():
        return f"no {PROGRAM.relative_to(ROOT)}"
    if shutil.which("mpirun") is None:
        return "no mpirun"
    # Without ranks it says what it lacks, too.
    alone = run(PROGRAM, "run", MODEL, *PROMPT, "--device", "mpi", "-t", 1)
    return alone.stderr.strip() if "this build has no MPI" in alone.stderr else ""


def mpirun(ranks, *more):
    """The front of a command line; Open MPI wants to be told that tests may run anywhere."""
    command = ["mpirun", "-n", ranks, *more]
    if open_mpi():
        command[1:1] = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
    return command


def answer(*command, **options):
    """(text, tokens, hash of logits) of a run with --json; the process where it failed."""
    process = run(*command, "--json", **options)
    if process.returncode != 0:
        return process
    facts = json.loads(process.stdout)
    return {key: facts[key] for key in ("text", "tokens", "logits_xxh64") if key in facts}


def troika(*flags, model=MODEL, program=PROGRAM):
    return [program, "run", model, *PROMPT, "-t", 1, *flags]


def long_text(*flags):
    """The end of a command line that writes for minutes, on ranks."""
    return [PROGRAM, "run", MODEL, "-p", "Count.", "-t", 1, "-n", "100000", "-c", "131072",
            "--ignore-eos", "--spec-type", "none", "--device", "mpi", *flags]


@functools.cache
def alone():
    """What one process answers."""
    return json.dumps(answer(*troika()), sort_keys=True)


def environment(**more):
    return {**os.environ, **more}


class Job:
    """mpirun in the background, and its ranks."""

    def __init__(self, command):
        self.mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment(TROIKA_TEST_MARK=self.mark))
        self.lines = []
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(line)
                self.heard.notify_all()

    def wait_for(self, pattern):
        """The match in the first line on stderr that has one."""
        def found():
            return next((m for m in map(re.compile(pattern).search, self.lines) if m), None)

        with self.heard:
            self.heard.wait_for(lambda: found() or self.process.poll() is not None, SECONDS_MAX)
            if found() is None:
                raise RuntimeError(f"no {pattern}: {self.lines}")
            return found()

    def _processes(self):
        """(process id, program, environment) of all that the job consists of, on all its hosts."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                variables = (folder / "environ").read_text(errors="replace").split("\0")
                program = os.readlink(folder / "exe")
            except OSError:
                continue
            if f"TROIKA_TEST_MARK={self.mark}" in variables:
                yield int(folder.name), program, variables

    def rank(self, number):
        """The process id of a rank."""
        names = {f"OMPI_COMM_WORLD_RANK={number}", f"PMI_RANK={number}"}
        for pid, program, variables in self._processes():
            if program == str(PROGRAM) and names.intersection(variables):
                return pid
        raise RuntimeError(f"no rank {number}")

    def end(self):
        """The exit status; it must come."""
        status = self.process.wait(SECONDS_MAX)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def kill(self):
        """Ends what is left, daemons included that lost their network."""
        for pid, _, _ in self._processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
