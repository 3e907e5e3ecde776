"""A server that speaks what src/serve/page/README.md says the page asks for, without a model: the
page's own files, scripted answers, made-up figures."""

import http.server
import json
import math
import pathlib
import re
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "src" / "serve" / "page" / "web"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
TENANTS = [
    ("clinic", 3.0, "interactive"),
    ("lab", 1.0, "normal"),
    ("game", 1.0, "normal"),
    ("archive", 0.5, "batch"),
]

MARKDOWN = """## How a draft becomes text

The model's **own draft head** proposes tokens, the model *verifies* them in one pass.
What is refused costs `nothing` but time.

1. Propose `k` tokens
2. Verify them together
   - equal ones are kept
   - the first unequal one is replaced
3. Go on

| Depth | Accepted | Tokens a pass |
|------:|:--------:|---------------|
| 1 | 84 % | 1.84 |
| 2 | 71 % | 2.43 |
| 3 | 58 % | 2.85 |

```python
def accept(drafts, choose):
    \"\"\"Keeps drafts as long as the model would have chosen them.\"\"\"
    for i, draft in enumerate(drafts):
        if choose(i) != draft:  # the model wins
            return drafts[:i] + [choose(i)]
    return drafts
```

> Depth changes the speed of an answer, never a bit of it.

- [x] greedy and sampled
- [ ] more: see [the paper](https://arxiv.org/abs/2401.10774) or https://example.org/a_b.
"""


def page_headers():
    """Those of the program, read from its source: the test is under the same policy."""
    source = (ROOT / "src" / "serve" / "page" / "page.cc").read_text(encoding="utf-8")
    table = source[source.index("kHeaders = {{") : source.index("}};")]
    joined = re.sub(r'"\s*\n\s*"', "", table)
    return re.findall(r'\{"([\w-]+)",\s*"([^"]*)"\}', joined)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, kind, body, headers=()):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, value, status=200):
        self.reply(status, "application/json", json.dumps(value).encode())

    def refuse(self, status, message):
        self.reply_json({"error": {"message": message}}, status)

    def key_is(self, key):
        return not key or self.headers.get("Authorization") == f"Bearer {key}"

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        mock = self.server.mock
        mock.asked.append(path)
        file = WEB / ("index.html" if path == "/" else path.removeprefix("/page/"))
        if (path == "/" or path.startswith("/page/")) and file.is_file() and file.parent == WEB:
            self.reply(200, TYPES[file.suffix], file.read_bytes(), page_headers())
        elif path == "/v1/models":
            if not self.key_is(mock.key):
                return self.refuse(401, "a key is wanted")
            self.reply_json({"object": "list", "data": [{"id": name} for name in mock.models]})
        elif path in ("/metrics", "/admin/tenants"):
            if not self.key_is(mock.admin_key):
                return self.refuse(401, "an admin key is wanted")
            if path == "/metrics":
                self.reply(200, "text/plain", mock.metrics().encode())
            else:
                self.reply_json(
                    {
                        "tenants": [
                            {
                                "name": name,
                                "weight": weight,
                                "priority": priority,
                                "requests_per_minute": 120,
                                "tokens_per_minute": None,
                                "tokens_per_day": 2000000,
                            }
                            for name, weight, priority in TENANTS
                        ]
                    }
                )
        else:
            self.refuse(404, "no such route")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        mock = self.server.mock
        mock.asked.append(self.path)
        if self.path != "/v1/chat/completions":
            return self.refuse(404, "no such route")
        if not self.key_is(mock.key):
            return self.refuse(401, "a key is wanted")
        mock.bodies.append(body)
        if "refuse" in body["messages"][-1]["content"]:
            return self.refuse(400, "messages: refused, as asked")
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.answer(body)
        except (BrokenPipeError, ConnectionResetError):
            mock.hung_up += 1

    def event(self, value):
        self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())
        self.wfile.flush()

    def delta(self, delta, drafted=None, finish=None):
        chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        if drafted is not None:
            chunk["troika"] = {"drafted": drafted}
        self.event(chunk)

    def answer(self, body):
        question = body["messages"][-1]["content"]
        shows = body.get("troika", {}).get("show_drafts")
        plain = body.get("speculative", {}).get("n_max") == 0
        self.delta({"role": "assistant"})
        if "tool" in question and body["messages"][-1]["role"] == "user":
            return self.call_tool()
        if "think" in question:
            for word in "First the question is read, then what follows from it. ".split(" "):
                self.delta({"reasoning_content": word + " "})
                time.sleep(self.server.mock.pace)
        text = self.text_for(question, body["seed"])
        tokens = re.findall(r"\s*\S+|\s+$", text)
        for i, token in enumerate(tokens):
            drafted = (i % 4 != 0) if shows and not plain else (False if shows else None)
            self.delta({"content": token}, drafted)
            time.sleep(self.server.mock.pace)
        while "endless" in question:
            self.delta({"content": " more"})
            time.sleep(0.02)
        self.end(len(tokens), plain)

    def text_for(self, question, seed):
        if "markdown" in question:
            return MARKDOWN
        if "hostile" in question:
            return (
                "<img src=x onerror=alert(1)> <script>alert(2)</script> [a](javascript:alert(3)) "
                "![b](https://example.org/b.png) [c](data:text/html,x) **bold"
            )
        return f"You said: {question}. The seed ends in {seed % 1000}."

    def call_tool(self):
        function = {"name": "get_weather", "arguments": '{"city": '}
        self.delta(
            {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
        )
        self.delta(
            {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]},
            finish="tool_calls",
        )
        self.end(9, False)

    def end(self, tokens, plain):
        self.delta({}, finish="stop")
        speed = 24.0 if plain else 41.5
        self.event(
            {
                "choices": [],
                "usage": {
                    "prompt_tokens": 31,
                    "completion_tokens": tokens,
                    "prompt_tokens_details": {"cached_tokens": 16},
                },
                "timings": {
                    "prompt_n": 31,
                    "predicted_n": tokens,
                    "predicted_per_second": speed,
                    "draft_n": 0 if plain else tokens,
                    "draft_n_accepted": 0 if plain else tokens * 3 // 4,
                },
            }
        )
        self.wfile.write(b"data: [DONE]\n\n")


class MockServer:
    def __init__(self, key="", admin_key="admin"):
        self.key, self.admin_key = key, admin_key
        self.models = ["troika-demo"]
        self.pace = 0.001  # seconds between tokens
        self.asked, self.bodies, self.hung_up = [], [], 0
        self.began = time.monotonic()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.mock = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def metrics(self):
        """Counters that grow with time, by a different pace for each tenant."""
        seconds = time.monotonic() - self.began + 100
        lines = ["# TYPE troika_answer_tokens_total counter"]
        for i, (name, weight, _) in enumerate(TENANTS):
            labels = f'tenant="{name}",model="troika-demo"'
            wave = 3 * math.sin(seconds / (4 + i))
            lines += [
                f"troika_answer_tokens_total{{{labels}}} "
                f"{weight * (12 * seconds + 6 * wave):.0f}",
                f"troika_prompt_tokens_total{{{labels}}} {seconds * weight * 40:.0f}",
                f"troika_cached_tokens_total{{{labels}}} {seconds * weight * 25:.0f}",
                f"troika_running_requests{{{labels}}} {i + 2 + int(seconds) % 2}",
                f"troika_queue_requests{{{labels}}} {(i * int(seconds)) % 4}",
            ]
        for depth in range(1, 5):
            proposed = seconds * 20 / depth
            lines += [
                f'troika_drafts_proposed_total{{depth="{depth}"}} {proposed:.1f}',
                f'troika_drafts_accepted_total{{depth="{depth}"}} '
                f"{proposed * 0.92**depth * 0.95:.1f}",
            ]
        lines += [
            'troika_pages{state="free"} 100',
            f'troika_pages{{state="used"}} {180 + int(seconds) % 40}',
            'troika_pages{state="cached"} 230',
            "troika_preemptions_total 3",
            f"troika_time_to_first_token_seconds_sum {seconds * 0.4:.3f}",
            f"troika_time_to_first_token_seconds_count {seconds * 2:.0f}",
            f"troika_time_per_token_seconds_sum {seconds * 0.5:.3f}",
            f"troika_time_per_token_seconds_count {seconds * 20:.0f}",
        ]
        return "\n".join(lines) + "\n"


if __name__ == "__main__":
    MOCK = MockServer()
    print(MOCK.url, flush=True)
    threading.Event().wait()
