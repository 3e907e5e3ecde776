"""What no official client asks for: llama-server's routes, keys, TLS, tenants, ledger, hang-ups."""

import concurrent.futures
import http.client
import json
import pathlib
import socket
import sqlite3
import ssl
import tempfile
import unittest
import urllib.request

import serving

QUESTION = [{"role": "user", "content": "What is 47 + 54?"}]


class WireTest(serving.ServerTest):
    def test_health_and_readiness(self):
        self.assertEqual(self.server.ask("/health")[0], 200)
        self.assertEqual(self.server.ask("/ready")[0], 200)

    def test_tokens_there_and_back(self):
        status, _, body = self.server.ask("/tokenize", {"content": "a red horse — ünd"})
        self.assertEqual(status, 200)
        status, _, back = self.server.ask("/detokenize", body)
        self.assertEqual(back, {"content": "a red horse — ünd"})
        pieces = self.server.ask("/tokenize", {"content": "a red", "with_pieces": True})[2]
        self.assertEqual("".join(t["piece"] for t in pieces["tokens"]), "a red")
        self.assertEqual(self.server.ask("/detokenize", {"tokens": [10**9]})[0], 400)

    def test_template_and_props(self):
        prompt = self.server.ask("/apply-template", {"messages": QUESTION})[2]["prompt"]
        self.assertIn("What is 47 + 54?", prompt)
        props = self.server.ask("/props")[2]
        self.assertEqual(props["model"]["name"], serving.NAME)
        self.assertEqual(props["context"], 1024)

    def test_what_is_no_request_is_refused(self):
        cases = [(b"", 400), (b"{", 400), (b"[]", 400), (b"\xff", 400),
                 (b'{"messages":' + b"[" * 100000, 400)]
        for body, wanted in cases:
            status, _, answer = self.server.ask("/v1/chat/completions", body)
            self.assertEqual(status, wanted, body[:20])
            self.assertIn("message", answer["error"])
        self.assertEqual(self.server.ask("/nowhere")[0], 404)
        status, headers, _ = self.server.ask("/v1/chat/completions")
        self.assertEqual((status, headers["allow"]), (405, "POST"))

    def test_pages_of_elsewhere_are_refused(self):
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            self.assertEqual(self.server.ask("/v1/models", headers=headers)[0], 403)

    def test_ids_are_passed_through(self):
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        _, headers, _ = self.server.ask(
            "/health", headers={"x-request-id": "mine-1", "traceparent": trace})
        self.assertEqual(headers["x-request-id"], "mine-1")
        self.assertIn("0af7651916cd43dd8448eb211c80319c", headers["traceparent"])

    def test_metrics_of_one_person_on_one_machine(self):
        self.server.ask("/v1/chat/completions", {"messages": QUESTION})
        status, _, text = self.server.ask("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("troika_", text)


class TlsTest(serving.ServerTest):
    flags = ("--tls-self-signed",)

    def test_speaks_tls(self):
        self.assertTrue(self.server.url.startswith("https://"))
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with urllib.request.urlopen(self.server.url + "/health", context=context) as answer:
            self.assertEqual(answer.status, 200)


class TenantsTest(unittest.TestCase):
    """Tenants with keys, quotas and a ledger that counts what clients counted."""

    @classmethod
    def setUpClass(cls):
        if not serving.can_serve():
            raise unittest.SkipTest("build/release has no troika that serves")
        import hashlib
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        cls.ledger = folder / "ledger.db"
        tenants = folder / "tenants.toml"
        entries = []
        for name, more in (("clinic", ""), ("lab", "requests_per_minute = 3\n")):
            digest = hashlib.sha256(f"key of {name}".encode()).hexdigest()
            keys = f'keys = [{{ sha256 = "{digest}" }}]'
            entries.append(f'[[tenant]]\nname = "{name}"\n{keys}\n{more}')
        tenants.write_text("\n".join(entries))
        cls.server = serving.Server("--tenants", tenants, "--ledger", cls.ledger,
                                    "--admin-port", "0")

    @classmethod
    def tearDownClass(cls):
        if cls.server.process.poll() is None:
            cls.server.stop()
        cls.folder.cleanup()

    def test_4_a_long_ledger_is_summed_inside_the_sandbox(self):
        ledger = pathlib.Path(self.folder.name) / "long.db"
        serving.Server("--ledger", ledger).stop()
        serving.add_old_rows(ledger, 100_000)  # more than SQLite sorts in its cache
        server = serving.Server("--ledger", ledger)
        status, _, answer = server.ask("/admin/usage")
        server.stop()
        self.assertEqual(status, 200, answer)
        self.assertEqual(sum(row["requests"] for row in answer["usage"]), 100_000)

    def ask(self, tenant, body, path="/v1/chat/completions"):
        return self.server.ask(path, body, {"Authorization": f"Bearer key of {tenant}"})

    def test_1_everything_but_health_wants_a_key(self):
        for path in ("/v1/models", "/props"):
            self.assertEqual(self.server.ask(path)[0], 401)
        self.assertEqual(self.server.ask("/health")[0], 200)
        self.assertEqual(self.server.ask("/metrics")[0], 404)
        self.assertEqual(self.ask("clinic", None, "/v1/models")[0], 200)
        self.assertEqual(self.ask("nobody", None, "/v1/models")[0], 401)

    def test_2_a_quota_refuses_exactly_at_its_limit(self):
        body = {"messages": QUESTION, "max_tokens": 2}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.ask("lab", body), range(8)))
        statuses = sorted(status for status, _, _ in answers)
        self.assertEqual(statuses, [200] * 3 + [429] * 5)
        refused = next(headers for status, headers, _ in answers if status == 429)
        self.assertGreater(int(refused["retry-after"]), 0)
        self.assertEqual(refused["x-ratelimit-limit-requests"], "3")

    def test_3_the_ledger_counts_what_clients_count(self):
        counted = 0
        for i in range(6):
            usage = self.ask("clinic", {"messages": QUESTION, "max_tokens": 5 + i})[2]["usage"]
            counted += usage["completion_tokens"]
        seen = self.hang_up_after(3)
        self.server.stop()
        rows = sqlite3.connect(self.ledger).execute(
            "SELECT * FROM troika_requests WHERE tenant = 'clinic'")
        names = [column[0] for column in rows.description]
        rows = [dict(zip(names, row)) for row in rows]
        whole = sum(r["answer_tokens"] for r in rows if r["outcome"] != "cancelled")
        cut = [r["answer_tokens"] for r in rows if r["outcome"] == "cancelled"]
        self.assertEqual(whole, counted)
        self.assertEqual(len(cut), 1)
        self.assertGreaterEqual(cut[0], seen)

    def hang_up_after(self, chunks):
        host = self.server.url.split("//")[1]
        connection = http.client.HTTPConnection(host)
        connection.request("POST", "/v1/chat/completions", json.dumps(
            {"messages": [{"role": "user", "content": "Write a short story: the small bear Gus "
                           "finds a glass ball."}], "stream": True, "ignore_eos": True}),
            {"Authorization": "Bearer key of clinic"})
        answer = connection.getresponse()
        seen = 0
        while seen < chunks:
            line = answer.readline()
            seen += b'"content":"' in line and b'"content":""' not in line
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        return seen


if __name__ == "__main__":
    unittest.main()
