"""What an operator does with a running server: keys from files, tenants, certificates, old rows."""

import hashlib
import json
import pathlib
import shutil
import signal
import sqlite3
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import serving


def wait_for(what, seconds=60):
    """True once `what` is; False when the time is over."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class OperatorTest(unittest.TestCase):
    def setUp(self):
        if not serving.can_serve():
            self.skipTest("build/release has no troika that serves")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def serve(self, *flags):
        server = serving.Server(*flags)
        self.addCleanup(server.stop)
        return server

    def write_tenants(self, *names):
        entries = []
        for name in names:
            digest = hashlib.sha256(f"key of {name}".encode()).hexdigest()
            entries.append(f'[[tenant]]\nname = "{name}"\nkeys = [{{ sha256 = "{digest}" }}]\n')
        path = self.folder / "tenants.toml"
        path.write_text("\n".join(entries))
        return path

    def status(self, server, tenant):
        return server.ask("/v1/models", headers={"Authorization": f"Bearer key of {tenant}"})[0]

    def test_keys_come_from_files(self):
        (self.folder / "keys").write_text("one\n\ntwo \n")
        (self.folder / "admin").write_text("boss\n")
        server = self.serve("--api-key-file", self.folder / "keys",
                            "--admin-key-file", self.folder / "admin", "--admin-port", "0")
        for key, wanted in (("one", 200), ("two", 200), ("boss", 401), ("", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            self.assertEqual(server.ask("/v1/models", headers=headers)[0], wanted, key)
        (self.folder / "none").write_text("\n")
        failed = subprocess.run(
            [serving.PROGRAM, "serve", serving.MODEL, "--port", "0",
             "--admin-key-file", self.folder / "none"], capture_output=True, text=True, check=False)
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("no key", failed.stderr)

    def test_a_changed_tenants_file_is_taken_up(self):
        path = self.write_tenants("clinic")
        server = self.serve("--tenants", path)
        self.assertEqual(self.status(server, "lab"), 401)
        self.write_tenants("clinic", "lab")
        self.assertTrue(wait_for(lambda: self.status(server, "lab") == 200))
        server.process.send_signal(signal.SIGHUP)  # and it lives
        path.write_text("[[tenant]]\nname = 7\n")
        time.sleep(1.5)
        self.assertEqual(self.status(server, "clinic"), 200)

    def test_the_admin_routes_change_tenants_inside_the_sandbox(self):
        path = self.write_tenants("clinic")
        (self.folder / "admin").write_text("boss\n")
        port = serving.free_port()
        server = self.serve("--tenants", path, "--admin-port", port,
                            "--admin-key-file", self.folder / "admin")

        def admin(method, route, body=None):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{route}", json.dumps(body).encode() if body else None,
                {"Authorization": "Bearer boss"}, method=method)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)

        key = admin("POST", "/admin/tenants", {"name": "lab", "weight": 2})["key"]
        headers = {"Authorization": f"Bearer {key}"}
        self.assertEqual(server.ask("/v1/models", headers=headers)[0], 200)
        with self.assertRaises(urllib.error.HTTPError) as raised:
            admin("DELETE", "/admin/tenants/lab/rotate-key")
        self.assertEqual(raised.exception.code, 404)
        raised.exception.close()
        admin("DELETE", "/admin/tenants/lab")
        self.assertEqual(server.ask("/v1/models", headers=headers)[0], 401)

    def test_new_certificates_are_taken_up(self):
        if shutil.which("openssl") is None:
            self.skipTest("no openssl")

        def certify(name):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                 "-subj", f"/CN={name}", "-keyout", self.folder / "key.pem",
                 "-out", self.folder / "cert.pem"], check=True, capture_output=True)

        certify("before")
        server = self.serve("--ssl-cert-file", self.folder / "cert.pem",
                            "--ssl-key-file", self.folder / "key.pem")
        host, port = server.url.split("//")[1].split(":")
        first = ssl.get_server_certificate((host, int(port)))
        certify("after")
        self.assertEqual(ssl.get_server_certificate((host, int(port))), first)
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(
            lambda: ssl.get_server_certificate((host, int(port))) != first))
        (self.folder / "cert.pem").write_text("no certificate")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertNotEqual(ssl.get_server_certificate((host, int(port))), first)

    def test_old_rows_become_sums_of_their_days(self):
        ledger = self.folder / "ledger.db"
        flags = ("--ledger", ledger, "--ledger-power-safe")
        body = {"messages": [{"role": "user", "content": "What is 1 + 1?"}], "max_tokens": 3}
        server = serving.Server(*flags)
        used = server.ask("/v1/chat/completions", body)[2]["usage"]["completion_tokens"]
        server.stop()
        with sqlite3.connect(ledger) as rows:
            rows.execute("UPDATE troika_requests SET started_ms = started_ms - 5 * 86400000")
        rows.close()
        server = self.serve(*flags, "--ledger-keep-days", "2")

        def count(table):
            rows = sqlite3.connect(ledger)
            try:
                return rows.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            finally:
                rows.close()

        self.assertTrue(wait_for(lambda: count("troika_requests") == 0))
        self.assertEqual(count("troika_days"), 1)
        totals = server.ask("/admin/usage")[2]["usage"]
        self.assertEqual([total["answer_tokens"] for total in totals], [used])


if __name__ == "__main__":
    unittest.main()
