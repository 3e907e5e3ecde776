"""Runs the program on ranks of MPI, and alone, over the model that ships."""

import functools
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "troika"
MODEL = ROOT / "models" / "troika-demo.gguf"
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


@functools.cache
def alone():
    """What one process answers."""
    return json.dumps(answer(*troika()), sort_keys=True)


def environment(**more):
    return {**os.environ, **more}
