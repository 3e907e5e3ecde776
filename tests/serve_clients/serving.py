"""A server on a free port of the loopback for one test class, over the model that ships."""

import hashlib
import importlib.util
import json
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "troika"
MODEL = ROOT / "models" / "troika-demo.gguf"
NAME = "troika-demo"


def has_client(name):
    return importlib.util.find_spec(name) is not None


def can_serve():
    if not PROGRAM.exists():
        return False
    return "serve" in subprocess.run([PROGRAM, "--help"], capture_output=True, text=True).stdout


def free_port():
    """One that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """`troika serve`, stopped in the end as an operator would."""

    def __init__(self, *flags, context=1024, parallel=16, model=MODEL):
        command = [PROGRAM, "serve", model, "--port", "0", "-c", context, "-np", parallel, "-t", 2]
        self.process = subprocess.Popen(
            [str(word) for word in (*command, "--temp", "0", *flags)],
            stderr=subprocess.PIPE, text=True,
        )
        self.lines = []
        self.url = self._wait_for(r"ready, (https?://\S+)")
        self.port = int(self.url.rpartition(":")[2])
        operator = re.search(r"operator's routes are at \S+:(\d+)", "".join(self.lines))
        self.admin_port = int(operator[1]) if operator else self.port

    def _wait_for(self, pattern):
        for line in self.process.stderr:
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match[1]
        raise RuntimeError("the server ended: " + "".join(self.lines))

    def stop(self):
        """SIGTERM, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        status = self.process.wait(60)
        self.process.stderr.close()
        return status

    def kill(self):
        """SIGKILL: it has no time for anything."""
        self.process.kill()
        self.process.wait(60)
        self.process.stderr.close()

    def ask_operator(self, path):
        """JSON or text of a GET where the operator's routes are."""
        status, _, answer = self.ask(path, port=self.admin_port)
        if status != 200:
            raise RuntimeError(f"{path}: {status}: {answer}")
        return answer

    def ask(self, path, body=None, headers=None, port=None):
        """(status, headers, JSON or text) of a POST with `body`, or of a GET without."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = self.url.rpartition(":")[0] + f":{port or self.port}"
        request = urllib.request.Request(url + path, data, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                status, heads, text = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, heads, text = error.code, error.headers, error.read().decode()
            error.close()
        return status, heads, json.loads(text) if "json" in heads["content-type"] else text


def key_of(tenant):
    return f"key of {tenant}"


def write_tenants(path, tenants):
    """The tenants file of {name: {setting: value}}; each has the key key_of(name)."""
    entries = []
    for name, settings in tenants.items():
        digest = hashlib.sha256(key_of(name).encode()).hexdigest()
        lines = [f'name = "{name}"', f'keys = [{{ sha256 = "{digest}" }}]']
        lines += [f"{setting} = {json.dumps(value)}" for setting, value in settings.items()]
        entries.append("[[tenant]]\n" + "\n".join(lines) + "\n")
    path.write_text("\n".join(entries))
    return path


def ledger_rows(path):
    """All requests of a SQLite ledger, as dictionaries."""
    database = sqlite3.connect(path)
    rows = database.execute("SELECT * FROM troika_requests ORDER BY number")
    names = [column[0] for column in rows.description]
    made = [dict(zip(names, row)) for row in rows]
    database.close()
    return made


def add_old_rows(path, count):
    """Puts requests of a day long ago into the SQLite ledger that a server left."""
    database = sqlite3.connect(path)
    database.executemany(
        "INSERT INTO troika_requests(request, tenant, key_id, model, route, started_ms, "
        "reserved_tokens, reserved_second, prompt_tokens, answer_tokens, outcome, ended_ms) "
        "VALUES(?, ?, '', 'm', '/', ?, 0, 0, 10, 20, 'stop', 1)",
        ((f"old-{i}", f"t{i % 30}", 1_700_006_400_000 + i) for i in range(count)))
    database.commit()
    database.close()


def metric_values(text, name):
    """{labels as text: value} of a metric in Prometheus' text format."""
    values = {}
    for line in text.splitlines():
        if line.startswith(name + "{"):
            labels, _, value = line[len(name) + 1:].rpartition("} ")
            values[labels] = float(value)
    return values


class ServerTest(unittest.TestCase):
    flags = ()

    @classmethod
    def setUpClass(cls):
        if not can_serve():
            raise unittest.SkipTest("build/release has no troika that serves")
        cls.server = Server(*cls.flags)

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        assert status == 0, f"exit status {status}"
