"""Two servers on one PostgreSQL share quotas: together they let in what one would.
One of them is killed; the other's ledger goes on, and the next that starts closes what was open."""

import asyncio
import dataclasses
import pathlib
import tempfile

import serving
import streams
from runs.postgres import Postgres


@dataclasses.dataclass
class Size:
    requests: int = 60  # a minute
    tokens: int = 3000  # a minute


async def ask_both(servers, tenant, count, **options):
    return await asyncio.gather(*(
        streams.chat(servers[number % 2].port, "What is 47 + 54?", key=serving.key_of(tenant),
                     **options)
        for number in range(count)))


def check_requests(checks, servers, size):
    replies = asyncio.run(ask_both(servers, "requests", 3 * size.requests, max_tokens=2))
    passed = sum(r.status == 200 for r in replies)
    checks.equal("other than 200 and 429",
                 [r.status for r in replies if r.status not in (200, 429)], [])
    checks.hold(f"{3 * size.requests} requests to both at once, passed",
                f"{size.requests}, overshoot <= 1", passed,
                size.requests <= passed <= size.requests + 1)
    both = [sum(r.status == 200 for r in replies[part::2]) for part in (0, 1)]
    checks.hold("of these from each", "> 0", both, min(both) > 0)


def check_tokens(checks, servers, size):
    """All that is reserved is used, so that what passes is known."""
    options = {"max_tokens": 30, "ignore_eos": True}
    first = asyncio.run(ask_both(servers, "tokens", 1, **options))[0]
    each = first.usage["total_tokens"]
    may = size.tokens // each
    replies = [first, *asyncio.run(ask_both(servers, "tokens", 3 * may, **options))]
    passed = sum(r.status == 200 for r in replies)
    used = sum(r.usage["total_tokens"] for r in replies if r.status == 200)
    checks.hold(f"tokens used of {size.tokens} a minute, {each} a request",
                f"{may * each}, overshoot <= {each}", used,
                may * each <= used <= size.tokens + each)
    return passed, used


async def cut_off(servers, count):
    """Streams of both; the first server is killed in the middle."""
    replies = [streams.Reply(id=f"cut-{number}") for number in range(count)]
    calls = [asyncio.ensure_future(streams.chat(
        servers[number % 2].port, "Write a short story: a bear finds a ball.", stream=True,
        logprobs=True, ignore_eos=True, max_tokens=1000, key=serving.key_of("free"), reply=reply))
        for number, reply in enumerate(replies)]
    while min(reply.tokens for reply in replies) < 5:
        await asyncio.sleep(0.01)
    servers[0].process.kill()
    await asyncio.gather(*calls)
    return replies


def check_death(checks, servers, database, restart):
    replies = asyncio.run(cut_off(servers, 8))
    servers[0].kill()
    servers[0] = restart()
    rows = {request: (int(tokens), outcome) for request, tokens, outcome in database.rows(
        "SELECT request, answer_tokens, outcome FROM troika_requests WHERE tenant = 'free'")}
    wrong = [r.id for r in replies if r.complete and rows[r.id] != (r.counted, "length")]
    below = [r.id for r in replies if rows[r.id][0] < r.counted]
    above = [rows[r.id][0] - r.counted for r in replies if not r.complete]
    checks.equal("the other server's streams that its death disturbed", wrong, [])
    checks.equal("rows below what clients saw", below, [])
    checks.hold("tokens above it", "<= 7: one step", max(above), max(above) <= 7)
    checks.equal("rows of who died, closed by its next start",
                 {rows[r.id][1] for r in replies if not r.complete}, {"interrupted"})


def run(checks, size=Size(), progress=lambda text: None):
    with tempfile.TemporaryDirectory() as folder, Postgres() as database:
        tenants = serving.write_tenants(
            pathlib.Path(folder) / "tenants.toml",
            {"requests": {"requests_per_minute": size.requests},
             "tokens": {"tokens_per_minute": size.tokens}, "free": {}})

        def start(name):
            return serving.Server("--tenants", tenants, "--ledger", database.address, "--replica",
                                  name)

        servers = [start("one"), start("two")]
        try:
            progress("requests a minute")
            check_requests(checks, servers, size)
            progress("tokens a minute")
            passed, used = check_tokens(checks, servers, size)
            row = database.rows("SELECT count(*), sum(prompt_tokens + answer_tokens) FROM "
                                "troika_requests WHERE tenant = 'tokens'")[0]
            checks.equal("requests and tokens in the ledger of both", row, [str(passed), str(used)])
            progress("one is killed")
            check_death(checks, servers, database, lambda: start("one"))
        finally:
            for server in servers:
                server.stop()
