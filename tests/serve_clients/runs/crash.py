"""The server is killed in the middle of many streams and started again on the same ledger: no row
has less than its client saw, and none more than one step above it.

A step tells a stream the drafts that were accepted and one token more. Each event says which tokens
it tells, so a client knows its count to the token; what had reached this machine when the server
died is still read.
"""

import asyncio
import dataclasses
import pathlib
import random
import tempfile

import serving
import streams

DRAFTS_MAX = 6  # of a step: the server's default


@dataclasses.dataclass
class Size:
    rounds: int = 50
    streams: int = 64
    slots: int = 32
    tenants: int = 8
    tokens_max: int = 8000  # that clients saw when it is killed, at most
    seed: int = 1


async def stream_until_dead(server, names, size, rng, round_number):
    """Keeps so many streams going until the server is gone."""
    replies, at_work = [], set()

    async def be_client(number):
        tenant = names[number % len(names)]
        own = random.Random(f"{size.seed} {round_number} {number}")
        for count in range(1 << 20):
            story = f"Write a short story: bear number {own.randint(0, 99)} finds a glass ball."
            reply = streams.Reply(id=f"r{round_number}-{number}-{count}")
            at_work.add(reply)
            await streams.chat(
                server.port, story, stream=True, logprobs=True, ignore_eos=True,
                max_tokens=own.randint(20, 300), temperature=own.choice([0, 1.0]),
                key=serving.key_of(tenant), reply=reply)
            at_work.remove(reply)
            if reply.status:
                replies.append(reply)
            if not reply.complete:
                return

    async def kill():
        tokens = rng.randint(1, size.tokens_max)
        while sum(reply.tokens for reply in (*replies, *at_work)) < tokens:
            await asyncio.sleep(rng.uniform(0, 0.02))
        server.process.kill()

    await asyncio.gather(kill(), *(be_client(number) for number in range(size.streams)))
    server.kill()
    return replies


def compare(replies, rows):
    """(requests below what their client saw, tokens above it of each that was cut off)."""
    of = {row["request"]: row["answer_tokens"] for row in rows}
    below = [r.id for r in replies if of.get(r.id, 0) < r.counted]
    unlike = [r.id for r in replies if r.complete and of.get(r.id) != r.counted]
    above = [of.get(r.id, 0) - r.counted for r in replies if not r.complete]
    return below + unlike, above


def run(checks, size=Size(), progress=lambda text: None):
    rng = random.Random(size.seed)
    names = [f"t{i}" for i in range(size.tenants)]
    replies = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tenants = serving.write_tenants(folder / "tenants.toml", {name: {} for name in names})
        ledger = folder / "ledger.db"
        flags = ("--tenants", tenants, "--ledger", ledger)
        for number in range(size.rounds):
            server = serving.Server(*flags, parallel=size.slots)
            replies += asyncio.run(stream_until_dead(server, names, size, rng, number))
            progress(f"killed {number + 1} times, {len(replies)} streams")
        server = serving.Server(*flags, parallel=size.slots)  # closes what was open
        checks.equal("the exit status of the last", server.stop(), 0)
        rows = serving.ledger_rows(ledger)
    below, above = compare(replies, rows)
    cut = [row for row in rows if row["outcome"] == "interrupted"]
    checks.note("killed, streams, of which cut off, rows interrupted",
                f"{size.rounds}, {len(replies)}, {len(above)}, {len(cut)}")
    checks.equal("rows that are open after the restart", sum(not r["outcome"] for r in rows), 0)
    checks.equal("streams with less in the ledger than their client saw", len(below), 0)
    most = max(above, default=0)
    checks.hold("tokens above it, at most", f"<= {DRAFTS_MAX + 1}: one step", most,
                most <= DRAFTS_MAX + 1)
    checks.note("streams above by 0, by up to a step, by more",
                f"{sum(a == 0 for a in above)}, {sum(0 < a <= DRAFTS_MAX + 1 for a in above)}, "
                f"{sum(a > DRAFTS_MAX + 1 for a in above)}")
    checks.hold("streams cut off", ">= 1", len(above), len(above) >= 1)
