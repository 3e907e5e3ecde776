"""One tenant floods with 64 streams beside a polite one with a single stream, through HTTP.

The fair share is that of docs/fairness.md: a sequence that never waits has a row in each step, its
prompt in one chunk; half of the service would be more. Drafts are off: no matter of the scheduler.
Between two answers of the polite tenant is a way over HTTP, in which a flood takes its place:
unlike in the engine's own measurement, its first token waits for a slot where none is kept.
"""

import asyncio
import dataclasses
import pathlib
import random
import tempfile
import time

import serving
import streams


@dataclasses.dataclass
class Size:
    answers: int = 200  # of the polite tenant, in each part
    flood: int = 64
    slots: int = 32  # from which on one is kept for who has nothing at work
    tokens: int = 64  # of an answer, a quarter more or less
    ratio_max: float = 1.5
    share_min: float = 0.9


class Clients:
    def __init__(self, server, size):
        self.server, self.size = server, size
        self.rng = random.Random(7)
        self.over = False

    async def ask(self, tenant):
        words = " ".join(str(self.rng.randint(0, 9999)) for _ in range(self.rng.randint(9, 15)))
        spread = self.size.tokens // 4
        return await streams.chat(
            self.server.port, f"Add them: {words}", stream=True, ignore_eos=True, logprobs=True,
            max_tokens=self.size.tokens + self.rng.randint(-spread, spread), speculative="off",
            key=serving.key_of(tenant))

    async def flood(self):
        while not self.over:
            await self.ask("loud")

    async def polite(self, answers):
        """Replies, and (seconds, steps) that they took."""
        replies = []
        for _ in range(answers):
            replies.append(await self.ask("polite"))
            if replies[-1].status != 200:
                raise RuntimeError(f"the polite tenant got {replies[-1].status}")
        return replies

    async def both(self, others):
        self.over = False
        tasks = [asyncio.ensure_future(self.flood()) for _ in range(others)]
        await self.polite(2)  # until the others are at work
        before, start_s = await steps_of(self.server), time.monotonic()
        replies = await self.polite(self.size.answers)
        took_s = time.monotonic() - start_s
        steps = await steps_of(self.server) - before
        self.over = True
        await asyncio.gather(*tasks)
        return replies, took_s, steps


async def steps_of(server):
    reply = await streams.ask(server.admin_port, "/metrics")
    counts = serving.metric_values(reply.body.decode(), "troika_step_seconds_count")
    return sum(counts.values())


def first_token_ms(replies):
    return streams.quantile([(r.times_s[0] - r.sent_s) * 1e3 for r in replies], 0.95)


def run(checks, size=Size(), progress=lambda text: None):
    with tempfile.TemporaryDirectory() as folder:
        tenants = serving.write_tenants(pathlib.Path(folder) / "tenants.toml",
                                        {"polite": {}, "loud": {"queue": 2 * size.flood}})
        server = serving.Server("--tenants", tenants, "--admin-port", 0, parallel=size.slots)
        try:
            clients = Clients(server, size)
            progress("beside an equal neighbour")
            equal, _, _ = asyncio.run(clients.both(1))
            progress(f"beside {size.flood} streams")
            flooded, took_s, steps = asyncio.run(clients.both(size.flood))
        finally:
            server.stop()
    tokens = sum(r.tokens for r in flooded)
    rate = tokens / took_s
    fair = tokens / ((tokens + len(flooded)) * took_s / steps)
    checks.hold("tokens/s of the polite tenant, of its fair share", f">= {size.share_min}",
                f"{rate / fair:.2f} ({rate:.0f} tokens/s)", rate >= size.share_min * fair)
    beside_equal, beside_flood = first_token_ms(equal), first_token_ms(flooded)
    ratio = beside_flood / beside_equal
    checks.hold("its first token, p95, beside the flood and beside an equal",
                f"<= {size.ratio_max} x",
                f"{ratio:.2f} x ({beside_flood:.1f} and {beside_equal:.1f} ms)",
                ratio <= size.ratio_max)
