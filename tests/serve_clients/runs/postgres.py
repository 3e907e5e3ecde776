"""A PostgreSQL server of a test: its own data in a temporary folder, reached by a socket there."""

import os
import pwd
import shutil
import subprocess
import tempfile


def why_not():
    """Why none can be started here; None: it can."""
    missing = [name for name in ("initdb", "pg_ctl", "psql") if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)} on PATH"
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return "there is no user postgres" if os.geteuid() == 0 else None
    return None


class Postgres:
    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        if os.geteuid() == 0:  # it refuses to be run by root
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "troika", "-A", "trust", "-N")
        options = f"-k {self.folder} -h '' -c fsync=off -c max_connections=50"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-t", "240", "-l",
                 f"{self.folder}/log", "-o", options, "start")
        self.address = f"postgresql://troika@/postgres?host={self.folder}"
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder)

    def run(self, *command):
        as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        done = subprocess.run([*as_other, *command], cwd="/", text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr}")

    def rows(self, query):
        """Lists of texts."""
        found = subprocess.run(["psql", self.address, "-AtF", "\t", "-c", query], cwd="/",
                               capture_output=True, text=True, check=True)
        return [line.split("\t") for line in found.stdout.splitlines()]
