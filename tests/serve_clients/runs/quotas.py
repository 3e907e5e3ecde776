"""Quotas under concurrency: three times what may pass comes at once, and no more passes."""

import asyncio
import dataclasses
import pathlib
import tempfile
import time

import serving
import streams

RATE_HEADERS = [f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset")
                for of in ("requests", "tokens")]


@dataclasses.dataclass
class Size:
    requests: int = 50  # that may pass
    wait: bool = True  # for what Retry-After promises, a minute


def tenants_of(size):
    n = size.requests
    return {"requests": {"requests_per_minute": n},
            "minute": {"tokens_per_minute": 40 * n},
            "day": {"tokens_per_day": 40 * n},
            "late": {"tokens_per_minute": 40 * n},
            "places": {"sequences": 2, "queue": 3},
            "small": {"tokens_per_minute": 30},
            "short": {"tokens_per_minute": 200, "context": 80}}


async def ask(server, tenant, max_tokens=2, **more):
    return await streams.chat(server.port, "What is 47 + 54?", max_tokens=max_tokens,
                              key=serving.key_of(tenant), **more)


async def at_once(server, tenant, count, **more):
    return await asyncio.gather(*(ask(server, tenant, **more) for _ in range(count)))


def check_refusals(checks, tenant, replies, of):
    """Each says when to come again, and what is left."""
    refused = [r for r in replies if r.status != 200]
    odd = [r.status for r in refused if r.status != 429]
    silent = sum("retry-after" not in r.headers or not 1 <= int(r.headers["retry-after"]) <= 86400
                 for r in refused)
    checks.equal(f"{tenant}: refusals other than 429", odd, [])
    checks.equal(f"{tenant}: refusals without Retry-After", silent, 0)
    if of:
        missing = sum(f"x-ratelimit-{what}-{of}" not in r.headers
                      for what in ("limit", "remaining", "reset") for r in replies)
        checks.equal(f"{tenant}: x-ratelimit headers missing", missing, 0)
    return refused


def check_requests(checks, server, size):
    replies = asyncio.run(at_once(server, "requests", 3 * size.requests))
    passed = [r for r in replies if r.status == 200]
    checks.equal(f"requests a minute: {3 * size.requests} at once, passed", len(passed),
                 size.requests)
    left = sorted(int(r.headers["x-ratelimit-remaining-requests"]) for r in passed)
    checks.equal("requests a minute: each that passed was told another rest",
                 left == list(range(size.requests)), True)
    return check_refusals(checks, "requests a minute", replies, "requests")


def check_tokens(checks, server, size, tenant, most, ignore):
    """A request reserves its prompt and its longest answer; what it did not use comes back."""
    limit = 40 * size.requests
    replies = asyncio.run(at_once(server, tenant, 3 * size.requests, max_tokens=most,
                                  ignore_eos=ignore))
    passed = [r for r in replies if r.status == 200]
    used = sum(r.usage["total_tokens"] for r in passed)
    each = passed[0].usage["prompt_tokens"] + most
    checks.hold(f"{tenant}: tokens used", f"<= {limit}", used, used <= limit)
    if ignore:  # all that was reserved is used: the count is known
        checks.equal(f"{tenant}: passed", len(passed), limit // each)
    check_refusals(checks, tenant, replies, "tokens")
    rest = asyncio.run(ask(server, tenant, most))
    checks.equal(f"{tenant}: one more passes if and only if it fits",
                 rest.status == 200, limit - used >= each)
    remaining = int(rest.headers["x-ratelimit-remaining-tokens"])
    reserved = each if rest.status == 200 else 0
    checks.equal(f"{tenant}: tokens left, as told", remaining, limit - used - reserved)


def check_places(checks, server):
    """Two at work and three that wait, who may not have begun yet when the others come."""
    replies = asyncio.run(at_once(server, "places", 30, max_tokens=900, ignore_eos=True,
                                  speculative="off"))
    passed = [r for r in replies if r.status == 200]
    checks.hold("places: passed of 30 at once, 2 at work and 3 that wait", "3 to 5", len(passed),
                3 <= len(passed) <= 5)
    check_refusals(checks, "places", replies, None)


def check_never(checks, server):
    """What is more than the whole quota is not told to wait."""
    reply = asyncio.run(ask(server, "small", 100))
    checks.equal("more than the whole quota: status", reply.status, 429)
    checks.equal("more than the whole quota: no Retry-After", "retry-after" in reply.headers, False)


def check_bound(checks, server):
    """Nobody reserves more than its context holds."""
    reply = asyncio.run(ask(server, "short", 5000, ignore_eos=True))
    checks.equal("5,000 tokens asked for where the context has 80, and 200 a minute may be taken",
                 (reply.status, reply.usage and reply.usage["total_tokens"]), (200, 80))


def check_retry_after(checks, server, refused, refused_at):
    """A second before what was promised it is refused, and at that time it passes."""
    wait_s = min(int(r.headers["retry-after"]) for r in refused)
    checks.hold("Retry-After of a minute's quota", "1 to 61", wait_s, 1 <= wait_s <= 61)
    time.sleep(max(0, refused_at + wait_s - 2.5 - time.monotonic()))
    early = asyncio.run(ask(server, "requests"))
    again_s = int(early.headers.get("retry-after", 0))
    time.sleep(again_s)
    late = asyncio.run(ask(server, "requests"))
    checks.equal("before Retry-After, and after it", (early.status, late.status), (429, 200))


def run(checks, size=Size(), progress=lambda text: None):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tenants = serving.write_tenants(folder / "tenants.toml", tenants_of(size))
        server = serving.Server("--tenants", tenants, "--ledger", folder / "ledger.db")
        try:
            refused = check_requests(checks, server, size)
            refused_at = time.monotonic()
            progress("requests a minute")
            check_tokens(checks, server, size, "minute", 30, True)
            check_tokens(checks, server, size, "late", 60, False)
            check_tokens(checks, server, size, "day", 30, True)
            progress("tokens")
            check_places(checks, server)
            check_never(checks, server)
            check_bound(checks, server)
            if size.wait:
                progress("waits for what Retry-After promises")
                check_retry_after(checks, server, refused, refused_at)
        finally:
            server.stop()
