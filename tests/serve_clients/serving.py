"""A server on a free port of the loopback for one test class, over the model that ships."""

import importlib.util
import json
import pathlib
import re
import signal
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


class Server:
    """`troika serve`, stopped in the end as an operator would."""

    def __init__(self, *flags):
        command = [PROGRAM, "serve", MODEL, "--port", "0", "-c", "1024", "-np", "16", "-t", "2"]
        self.process = subprocess.Popen(
            [str(word) for word in (*command, "--temp", "0", *flags)],
            stderr=subprocess.PIPE, text=True,
        )
        self.lines = []
        self.url = self._wait_for(r"ready, (https?://\S+)")

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

    def ask(self, path, body=None, headers=None):
        """(status, headers, JSON or text) of a POST with `body`, or of a GET without."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                status, heads, text = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, heads, text = error.code, error.headers, error.read().decode()
            error.close()
        return status, heads, json.loads(text) if "json" in heads["content-type"] else text


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
