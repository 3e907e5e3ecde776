"""/health is asked every 10 ms while a long prompt is read: nothing that computes holds it up."""

import contextlib
import dataclasses
import http.client
import threading
import time

import serving
import streams


@dataclasses.dataclass
class Size:
    prompt_tokens: int = 16000
    prompts: int = 5  # one after the other
    every_ms: float = 10.0
    p99_max_ms: float = 20.0


class Poller(threading.Thread):
    """One keep-alive connection, as a balancer has it; another route in turn."""

    def __init__(self, port, every_ms):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.every_s = every_ms / 1e3
        self.took_ms = []
        self.bad = 0
        self.over = threading.Event()

    def run(self):
        with contextlib.closing(self.connection):
            self.poll()

    def poll(self):
        while not self.over.wait(self.every_s):
            start = time.monotonic()
            self.connection.request("GET", "/health")
            answer = self.connection.getresponse()
            answer.read()
            self.took_ms.append((time.monotonic() - start) * 1e3)
            self.bad += answer.status != 200


def read_prompts(server, size):
    """Seconds that the server read; each prompt is another, so that none is in the cache."""
    start = time.monotonic()
    for number in range(size.prompts):
        tokens = [(17 * i * (number + 3) + number) % 1000 + 20 for i in range(size.prompt_tokens)]
        status, _, body = server.ask("/v1/completions", {"prompt": tokens, "max_tokens": 1})
        if status != 200:
            raise RuntimeError(f"the long prompt got {status}: {body}")
    return time.monotonic() - start


def run(checks, size=Size(), progress=lambda text: None):
    server = serving.Server(context=size.prompt_tokens + 64, parallel=2)
    try:
        progress(f"{size.prompts} prompts of {size.prompt_tokens} tokens")
        poller = Poller(server.port, size.every_ms)
        poller.start()
        took_s = read_prompts(server, size)
        poller.over.set()
        poller.join()
    finally:
        server.stop()
    p50, p99 = (streams.quantile(poller.took_ms, part) for part in (0.5, 0.99))
    checks.note("prompts, tokens of each, seconds for all",
                f"{size.prompts}, {size.prompt_tokens}, {took_s:.1f}")
    checks.equal("/health other than 200", poller.bad, 0)
    checks.hold("/health meanwhile, p99", f"< {size.p99_max_ms} ms",
                f"{p99:.1f} ms (median {p50:.1f}, most {max(poller.took_ms):.1f}, "
                f"of {len(poller.took_ms)})", p99 < size.p99_max_ms)
