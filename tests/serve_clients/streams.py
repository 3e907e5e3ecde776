"""Many answers at once, counted as they come: an HTTP/1.1 client over asyncio that sees each
event's time, may hang up in the middle, and loses no byte that reached this machine."""

import asyncio
import dataclasses
import json
import time


@dataclasses.dataclass(eq=False)
class Reply:
    """One request and what came back of it."""
    id: str = ""
    status: int = 0  # 0: nothing came
    headers: dict = dataclasses.field(default_factory=dict)
    tokens: int = 0  # that were told with their log-probabilities
    usage: dict | None = None
    text: str = ""
    finish: str | None = None
    body: bytes = b""  # of an answer in one piece
    complete: bool = False  # its end was seen
    left: str = ""  # "reading", "abruptly": it hung up
    sent_s: float = 0
    times_s: list = dataclasses.field(default_factory=list)  # of events that told tokens

    @property
    def counted(self):
        """Tokens of the answer as the client knows them: what it was told in the end, or saw."""
        return self.usage["completion_tokens"] if self.usage else self.tokens

    def json(self):
        return json.loads(self.body)


class Call(asyncio.Protocol):
    """Sends one request, and reads until its answer or the connection ends.

    leave_after: hangs up when so many tokens were seen, or after so many seconds where the answer
    is no stream. Who leaves "reading" says that it sends no more, and reads on until the end; who
    leaves "abruptly" is gone.
    """

    def __init__(self, reply, request, leave_after=None):
        self.reply = reply
        self.request = request
        self.leave_after = leave_after
        self.over = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.events = b""
        self.state = "head"
        self.left = 0  # bytes of the body or the chunk

    def connection_made(self, transport):
        self.transport = transport
        self.reply.sent_s = time.monotonic()
        transport.write(self.request)
        if self.reply.left and b'"stream": true' not in self.request:
            asyncio.get_running_loop().call_later(self.leave_after, self.leave)

    def connection_lost(self, error):
        if not self.over.done():
            self.over.set_result(None)

    def eof_received(self):
        return False

    def leave(self):
        if self.over.done() or self.transport.is_closing():
            return
        if self.reply.left == "abruptly":
            self.transport.abort()
        else:
            self.transport.write_eof()

    def data_received(self, data):
        self.buffer += data
        while self.step():
            pass

    def step(self):
        """Takes the next piece out of the buffer. False: it is not there yet."""
        if self.state == "head":
            return self.take_head()
        if self.state == "size":
            line, found, rest = self.buffer.partition(b"\r\n")
            if not found:
                return False
            self.buffer, self.left = rest, int(line, 16)
            self.state = "chunk" if self.left else "end"
            return True
        if self.state == "chunk":
            if len(self.buffer) < self.left + 2:
                return False
            piece, self.buffer = self.buffer[:self.left], self.buffer[self.left + 2:]
            self.state = "size"
            self.take_events(piece)
            return True
        if self.state == "body" and len(self.buffer) >= self.left:
            self.reply.body = self.buffer[:self.left]
            self.take_body()
            self.state = "end"
        if self.state == "end":
            self.reply.complete = True
            self.transport.close()
        return False

    def take_head(self):
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        lines = head.decode("latin-1").split("\r\n")
        self.reply.status = int(lines[0].split()[1])
        pairs = (line.partition(": ") for line in lines[1:])
        self.reply.headers = {name.lower(): value for name, _, value in pairs}
        self.buffer = rest
        if "content-length" in self.reply.headers:
            self.left = int(self.reply.headers["content-length"])
            self.state = "body"
        else:
            self.state = "size"
        return True

    def take_events(self, piece):
        self.events += piece
        while b"\n\n" in self.events:
            event, _, self.events = self.events.partition(b"\n\n")
            if event.startswith(b"data: {"):
                self.take_event(json.loads(event[6:]))

    def take_event(self, event):
        reply = self.reply
        reply.usage = event.get("usage") or reply.usage
        for choice in event.get("choices", ()):
            delta = choice.get("delta", choice)
            reply.text += delta.get("content") or delta.get("text") or ""
            reply.finish = choice["finish_reason"] or reply.finish
            told = choice.get("logprobs") or {}
            tokens = len(told.get("content") or told.get("tokens") or ())
            if tokens or delta.get("content"):
                reply.times_s.append(time.monotonic())
            reply.tokens += tokens
        if self.leave_after is not None and reply.tokens >= self.leave_after:
            self.leave_after = None
            self.leave()

    def take_body(self):
        if "json" not in self.reply.headers.get("content-type", ""):
            return
        answer = json.loads(self.reply.body)
        self.reply.usage = answer.get("usage")
        for choice in answer.get("choices", ()):
            message = choice.get("message", choice)
            self.reply.text += message.get("content") or message.get("text") or ""
            self.reply.finish = choice["finish_reason"]


def request_bytes(path, body, key="", more=()):
    """The bytes of a POST, or of a GET without `body`."""
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost",
             f"Content-Length: {len(data)}", *more]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


async def ask(port, path, body=None, key="", leave_after=None, timeout_s=300, reply=None):
    """One request over a connection of its own. reply: where what comes is put as it comes; its id
    is sent, and says with `left` how the client leaves after `leave_after`, see Call."""
    reply = reply or Reply()
    more = [f"x-request-id: {reply.id}"] if reply.id else []
    request = request_bytes(path, body, key, more)
    loop = asyncio.get_running_loop()
    try:
        _, call = await loop.create_connection(
            lambda: Call(reply, request, leave_after), "127.0.0.1", port)
    except OSError:
        return reply
    try:
        await asyncio.wait_for(call.over, timeout_s)
    except asyncio.TimeoutError:
        call.transport.abort()
    return reply


async def chat(port, messages, **options):
    """A chat's answer; options that are ask()'s go there, the others into the request."""
    names = ("key", "reply", "timeout_s")
    how = {name: options.pop(name) for name in names if name in options}
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return await ask(port, "/v1/chat/completions", {"messages": messages, **options}, **how)


def quantile(values, part):
    """The smallest value that `part` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-part * len(ordered) // 1) - 1))]
