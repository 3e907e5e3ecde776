"""Clients that dribble, that stop half-way and that send too much of everything: each is refused or
let go of, the server's memory stays bounded, and everybody else is served meanwhile."""

import asyncio
import dataclasses
import json
import pathlib
import re
import socket
import time

import serving
import streams

MIB = 1 << 20


@dataclasses.dataclass
class Size:
    slow: int = 600  # connections that dribble
    seconds: float = 14.0  # how long; heads are given up after 10
    body_mib: int = 32  # the server's limit
    # Of memory meanwhile: 512 may be bodies at a time, two workers read one each, and what is freed
    # is not all given back to the system.
    grown_mib_max: int = 1536


def resident_mib(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) / 1024


async def dribble(port, first, end_s):
    """Sends `first`, then a byte ten times a second. Whether the server let go of it."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    try:
        writer.write(first)
        while time.monotonic() < end_s:
            await asyncio.sleep(0.1)
            writer.write(b"x")
            await writer.drain()
            if reader.at_eof():
                return True
    except OSError:
        return True
    finally:
        writer.close()
    return False


async def be_served(server, end_s, replies):
    """Somebody who behaves, again and again."""
    while time.monotonic() < end_s:
        replies.append(await streams.ask(server.port, "/health"))
        replies.append(await streams.chat(server.port, "What is 47 + 54?", max_tokens=4))


async def dribble_all(server, size, end_s, replies):
    post = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    kinds = (b"", post + b"X-A: ", post + b"Content-Length: 9000\r\n\r\n{")
    slow = [dribble(server.port, kinds[number % 3], end_s) for number in range(size.slow)]
    *gone, _ = await asyncio.gather(*slow, be_served(server, end_s, replies))
    heads = [let_go for number, let_go in enumerate(gone) if number % 3 != 2]
    return sum(heads), len(heads)


def check_slow(checks, server, size):
    replies = []
    end_s = time.monotonic() + size.seconds
    let_go, heads = asyncio.run(dribble_all(server, size, end_s, replies))
    checks.equal(f"others beside {size.slow} slow connections, other than 200",
                 sum(reply.status != 200 for reply in replies), 0)
    checks.hold("others served meanwhile", "> 0", len(replies), len(replies) > 0)
    if size.seconds > 12:
        checks.equal("heads that did not come within 10 s, let go of", let_go, heads)


def raw(server, data, more=b"", timeout_s=120):
    """Status of what comes back of these bytes; 0: the connection ended without."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout_s) as connection:
        seen = b""
        try:
            connection.sendall(data)
            if more:
                connection.sendall(more)
        except OSError:
            pass  # it may have refused before all was sent
        try:
            while b"\r\n" not in seen and (piece := connection.recv(4096)):
                seen += piece
        except OSError:
            pass
    return int(seen.split()[1]) if seen.startswith(b"HTTP/1.1 ") else 0


def oversized_http(size):
    """(name, bytes, statuses that are right)."""
    post = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    huge = size.body_mib * MIB + 1
    return [
        ("a URL of 64 KB", b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\n\r\n", (414, 431)),
        ("a header of 64 KB", post + b"X-A: " + b"a" * 65536 + b"\r\n\r\n", (431,)),
        ("10,000 headers", post + b"X-A: b\r\n" * 10000 + b"\r\n", (400, 431)),
        ("a body that says it is too large", post + b"Content-Length: %d\r\n\r\n" % huge, (413,)),
        ("a body of 2^64 bytes", post + b"Content-Length: 18446744073709551617\r\n\r\n",
         (400, 413)),
        ("a body of -1 bytes", post + b"Content-Length: -1\r\n\r\n", (400,)),
        ("two lengths", post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", (400,)),
        ("chunks beyond the limit", post + b"Transfer-Encoding: chunked\r\n\r\n"
         + (b"100000\r\n" + b"x" * MIB + b"\r\n") * (size.body_mib + 1), (413,)),
        ("a chunk of 2^64 bytes", post + b"Transfer-Encoding: chunked\r\n\r\n"
         b"FFFFFFFFFFFFFFFFF\r\n", (400, 413)),
        ("a key of 8 KB", post + b"Authorization: Bearer " + b"k" * 8192
         + b"\r\nContent-Length: 2\r\n\r\n{}", (400, 401)),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 9, (400,)),
        ("zeros", b"\0" * 65536, (400, 431)),
    ]


def oversized_requests(size):
    """(name, path, body)."""
    user = [{"role": "user", "content": "Hello"}]
    chat = lambda **more: ("/v1/chat/completions", json.dumps({"messages": user, **more}).encode())
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    whole = size.body_mib * MIB - 100
    filled = lambda head, fill, tail: head + fill * ((whole - len(head)) // len(fill)) + tail
    deep_schema = {"type": "object"}
    for _ in range(60):
        deep_schema = {"type": "object", "properties": {"a": deep_schema}, "required": ["a"]}
    wide_schema = {"type": "object", "properties": {f"k{i}": {} for i in range(5000)}}
    schema = lambda one: {"type": "json_schema", "json_schema": {"name": "s", "schema": one}}
    return [
        ("lists 10 million deep", "/v1/chat/completions", b"[" * (10 * MIB)),
        ("objects 100,000 deep", "/v1/chat/completions", b'{"a":' * 100000),
        ("a body full of one text", "/v1/completions",
         filled(b'{"prompt":"', b"a", b'"}')),
        ("a body full of words", "/v1/completions",
         filled(b'{"prompt":"', b"the old house ", b'"}')),
        ("a body full of one message", "/v1/chat/completions",
         filled(b'{"messages":[{"role":"user","content":"', b"many words ", b'"}]}')),
        ("a body full of messages", "/v1/chat/completions",
         filled(b'{"messages":[', b'{"role":"user","content":"a"},',
                b'{"role":"user","content":"a"}]}')),
        ("a body full of tokens", "/v1/completions", filled(b'{"prompt":[', b"1,", b"1]}")),
        ("a body full of empty lists", "/v1/chat/completions",
         filled(b'{"messages":[', b"[],", b"[]]}")),
        ("a body full of text to count", "/tokenize", filled(b'{"content":"', b"word ", b'"')),
        ("an object of a million keys", "/v1/chat/completions",
         b'{"messages":[' + b",".join(b'"%d":0' % i for i in range(10**6)).join((b"{", b"}"))
         + b"]}"),
        ("100 objects of 10,000 keys", "/v1/chat/completions",
         b'{"messages":[' + b",".join([b",".join(
             b'"%d":0' % i for i in range(10**4)).join((b"{", b"}"))] * 100) + b"]}"),
        ("10,000 tools", *chat(tools=[tool] * 10000)),
        ("10,000 stop lines", *chat(stop=[f"s{i}" for i in range(10000)])),
        ("a stop line of a MB", *chat(stop=["s" * MIB])),
        ("n of 33", *chat(n=33)),
        ("n of a billion", *chat(n=10**9)),
        ("logit_bias of 100,000", *chat(logit_bias={str(i): 1 for i in range(100000)})),
        ("top_logprobs of 1,000", *chat(logprobs=True, top_logprobs=1000)),
        ("max_tokens of 1e30", *chat(max_tokens=1e30)),
        ("temperature of 1e300", *chat(temperature=1e300)),
        ("a number of 1e999", "/v1/chat/completions", b'{"messages":[],"temperature":1e999}'),
        ("a schema with 5,000 keys", *chat(response_format=schema(wide_schema))),
        ("a schema 60 deep in 1,000 items", *chat(response_format=schema(
            {"type": "array", "items": deep_schema, "minItems": 10**9}))),
        ("a grammar of a MB", *chat(grammar='root ::= "' + "a" * MIB + '"')),
        ("a grammar that multiplies", *chat(grammar="root ::= (([a-z]{1,1000}){1,1000}){1,1000}")),
        ("1,000 prompts", "/v1/completions", json.dumps({"prompt": ["a"] * 1000}).encode()),
        ("template variables of a MB", *chat(chat_template_kwargs={"a": "b" * MIB}, n=0)),
        ("a model's name of a MB", *chat(model="m" * MIB)),
    ]


def check_oversized(checks, server, size, progress):
    wrong, slowest = [], (0, "")
    for name, data, statuses in oversized_http(size):
        status = raw(server, data)
        wrong += [] if status in statuses else [(name, status)]
    for name, path, data in oversized_requests(size):
        start = time.monotonic()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
        status = raw(server, head.encode(), data)
        slowest = max(slowest, (time.monotonic() - start, name))
        if not 400 <= status < 500:
            wrong.append((name, status))
        progress(f"{name}: {status}, {time.monotonic() - start:.2f} s")
    checks.equal("oversized requests with another answer than 4xx", wrong, [])
    checks.hold("the slowest of them", "< 10 s", f"{slowest[0]:.1f} s: {slowest[1]}",
                slowest[0] < 10)


async def send_half(port, count, data):
    """Bodies that never end, each on a connection that is then dropped."""
    writers = []
    for _ in range(count):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            await asyncio.wait_for(writer.drain(), 20)
            writers.append(writer)
        except OSError:
            pass
    await asyncio.sleep(0.5)
    for writer in writers:
        writer.close()


def check_memory(checks, server, before_mib, size):
    """Half bodies of far more than all may have together."""
    half = (b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            % (size.body_mib * MIB - 1)) + b"x" * (size.body_mib * MIB // 2)
    asyncio.run(send_half(server.port, 60 if size.slow >= 300 else 4, half))
    grown = resident_mib(server) - before_mib
    checks.hold("memory that the server grew by", f"< {size.grown_mib_max} MiB", f"{grown:.0f} MiB",
                grown < size.grown_mib_max)


def run(checks, size=Size(), progress=lambda text: None):
    server = serving.Server("--body-bytes-max", size.body_mib * MIB)
    try:
        server.ask("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello"}]})
        before_mib = resident_mib(server)
        progress(f"{size.slow} connections that dribble")
        check_slow(checks, server, size)
        progress("too much of everything")
        check_oversized(checks, server, size, progress)
        check_memory(checks, server, before_mib, size)
        status, _, answer = server.ask("/v1/chat/completions", {
            "messages": [{"role": "user", "content": "What is 47 + 54?"}]})
        checks.equal("and it goes on serving", (status, "101" in str(answer)), (200, True))
    finally:
        checks.equal("its exit status", server.stop(), 0)
