"""Many tenants for minutes, some of whose clients hang up: the ledger holds what clients counted.

Who can be compared how. A client that saw its answer end was told its usage: the row is equal. One
that hangs up reading (it says that it sends no more, and reads to the end) is told all that was
counted for it: equal too. One that is gone abruptly does not know what was on its way: the row
holds at least what it saw.
"""

import asyncio
import collections
import dataclasses
import pathlib
import random
import tempfile
import time

import serving
import streams

WORDS = ("small bear Gus finds a red glass ball in the garden and asks his friend Mia what is it "
         "for while rain falls on the old house").split()


@dataclasses.dataclass
class Size:
    tenants: int = 32
    streams_each: int = 2  # at the same time
    seconds: float = 600.0
    slots: int = 16
    seed: int = 1


def request_of(rng):
    """Any prompt of one to a hundred words, any length, any way to be told."""
    words = " ".join(rng.choice(WORDS) for _ in range(int(rng.paretovariate(1.0) * 8) % 100 + 1))
    body = {"max_tokens": rng.randint(1, 160), "temperature": rng.choice([0, 0.8, 1.2]),
            "stream": rng.random() < 0.6, "ignore_eos": rng.random() < 0.3}
    if body["stream"]:
        body["logprobs"] = True
        body["stream_options"] = {"include_usage": rng.random() < 0.7}
    if rng.random() < 0.15:
        body["n"] = 2
    if rng.random() < 0.2:
        body["speculative"] = rng.choice(["off", {"n_max": rng.randint(1, 6)}])
    path = "/v1/chat/completions" if rng.random() < 0.8 else "/v1/completions"
    if path == "/v1/completions":
        body["prompt"] = "Write a short story: " + words
        body.pop("logprobs", None)
        if body["stream"]:
            body["logprobs"] = 0
    else:
        body["messages"] = [{"role": "user", "content": "Write a short story: " + words}]
    return path, body


async def be_client(server, tenant, number, size, end_s, replies):
    rng = random.Random(f"{size.seed} {tenant} {number}")
    count = 0
    while time.monotonic() < end_s:
        path, body = request_of(rng)
        reply = streams.Reply(id=f"{tenant}-{number}-{count}")
        if rng.random() < 1 / 3:
            reply.left = rng.choice(["reading", "abruptly"])
        after = rng.randint(0, 60) if body["stream"] else rng.random() * 0.5
        await streams.ask(server.port, path, body, serving.key_of(tenant),
                          leave_after=after if reply.left else None, reply=reply)
        replies[tenant].append(reply)
        count += 1


async def make_load(server, names, size, progress):
    replies = collections.defaultdict(list)
    end_s = time.monotonic() + size.seconds
    clients = [be_client(server, tenant, number, size, end_s, replies)
               for tenant in names for number in range(size.streams_each)]
    tasks = [asyncio.ensure_future(client) for client in clients]
    while not all(task.done() for task in tasks):
        await asyncio.wait(tasks, timeout=10)
        done = sum(map(len, replies.values()))
        progress(f"{max(0, end_s - time.monotonic()):.0f} s left, {done} requests")
    for task in tasks:
        task.result()
    return replies


def compare(checks, replies, rows):
    """Each request with its row."""
    of = {row["request"]: row for row in rows}
    unlike, below, above, most_above = [], [], 0, 0
    for reply in (reply for all_of_one in replies.values() for reply in all_of_one):
        row = of.get(reply.id)
        used = row["answer_tokens"] if row else 0
        if reply.left == "abruptly":
            below += [reply] if used < reply.counted else []
            above += used - reply.counted
            most_above = max(most_above, used - reply.counted)
        elif used != reply.counted or (reply.status and not reply.complete):
            unlike.append((reply.id, reply.status, used, reply.counted, reply.complete))
        elif reply.usage and row["prompt_tokens"] != reply.usage["prompt_tokens"]:
            unlike.append((reply.id, row["prompt_tokens"], reply.usage))
    checks.equal("requests that know their count and have another in the ledger", len(unlike), 0)
    checks.equal("requests gone abruptly with less in the ledger than was seen", len(below), 0)
    checks.note("tokens in the ledger that were on their way to who was gone: all, and most of one",
                f"{above}, {most_above}")
    for row in unlike[:5]:
        checks.note("unlike: id, status, ledger, client, complete", row)


def compare_totals(checks, names, replies, rows, metrics, usage):
    """Sums of each tenant: the ledger's beside the clients', /metrics and the operator's."""
    unlike = 0
    for name in names:
        mine = [row for row in rows if row["tenant"] == name]
        gone = {reply.id for reply in replies[name] if reply.left == "abruptly"}
        counted = sum(reply.counted for reply in replies[name] if reply.id not in gone)
        unlike += counted != sum(r["answer_tokens"] for r in mine if r["request"] not in gone)
        for kind in ("prompt_tokens", "answer_tokens"):
            total = sum(row[kind] for row in mine)
            label = f'tenant="{name}",model="{serving.NAME}"'
            unlike += total != metrics[kind].get(label, 0)
            unlike += total != sum(row[kind] for row in usage if row["tenant"] == name)
    checks.equal("sums of tenants that differ: ledger, clients, /metrics, /admin/usage", unlike, 0)


def count_kinds(checks, replies, rows):
    flat = [reply for all_of_one in replies.values() for reply in all_of_one]
    left = [reply for reply in flat if reply.left]
    checks.note("tenants, requests, of which hung up",
                f"{len(replies)}, {len(flat)}, {len(left)}")
    outcomes = collections.Counter(row["outcome"] for row in rows)
    checks.note("how they ended", ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))
    checks.note("tokens of answers", sum(row["answer_tokens"] for row in rows))
    checks.equal("answers other than 200",
                 sum(reply.status != 200 for reply in flat if not reply.left), 0)
    checks.equal("rows that are still open, or failed",
                 outcomes[None] + outcomes["failed"] + outcomes["interrupted"], 0)


def run(checks, size=Size(), progress=lambda text: None):
    names = [f"t{i}" for i in range(size.tenants)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tenants = serving.write_tenants(folder / "tenants.toml", {name: {} for name in names})
        ledger = folder / "ledger.db"
        server = serving.Server("--tenants", tenants, "--ledger", ledger, "--admin-port", 0,
                                parallel=size.slots)
        try:
            replies = asyncio.run(make_load(server, names, size, progress))
            wait_until_closed(ledger)
            text = server.ask_operator("/metrics")
            usage = server.ask_operator("/admin/usage")["usage"]
        finally:
            status = server.stop()
        checks.equal("the server's exit status", status, 0)
        rows = serving.ledger_rows(ledger)
    metrics = {kind: serving.metric_values(text, f"troika_{kind}_total")
               for kind in ("prompt_tokens", "answer_tokens")}
    count_kinds(checks, replies, rows)
    compare(checks, replies, rows)
    compare_totals(checks, names, replies, rows, metrics, usage)


def wait_until_closed(ledger):
    """Returns when no request is at work: of those that hung up the server hears a little later."""
    for _ in range(500):
        if all(row["outcome"] for row in serving.ledger_rows(ledger)):
            return
        time.sleep(0.02)
