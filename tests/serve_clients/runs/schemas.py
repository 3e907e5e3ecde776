"""Random JSON schemas: what the model writes under them validates, and nearly all of it comes to an
end within the limit of tokens; without drafts the same bytes come."""

import asyncio
import dataclasses
import decimal
import json
import random

import serving
import streams

KEYS = ("name", "age", "a b", "na", 'quote"', "city", "\u00fc", "kind of")


@dataclasses.dataclass
class Size:
    schemas: int = 500
    tokens_max: int = 700  # of an answer
    again: int = 50  # of them without drafts
    slots: int = 16
    seed: int = 1


class RandomSchemas:
    """Schemas whose texts have a greatest length: every string, list and depth is bounded."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def next(self):
        self.referred = False
        schema = self.object(3)
        if self.referred:
            schema["$defs"] = {"part": self.scalar()}
        return schema

    def any(self, depth):
        kind = self.rng.randrange(10 if depth > 0 else 6)
        if kind < 5:
            return self.scalar()
        if kind == 5:
            self.referred = True
            return {"$ref": "#/$defs/part"}
        if kind == 6:
            return {"anyOf": [self.any(depth - 1), self.scalar(), {"type": "null"}]}
        if kind == 7:
            return self.array(depth - 1)
        if kind == 8:
            return {"oneOf": [self.tagged(tag, depth - 1) for tag in ("left", "right")]}
        return self.object(depth - 1)

    def tagged(self, tag, depth):
        schema = self.object(depth)
        schema["properties"]["kind"] = {"const": tag}
        schema["required"].append("kind")
        return schema

    def scalar(self):
        rng = self.rng
        low = rng.randint(-1000, 1000)
        return rng.choice([
            {"type": "boolean"},
            {"type": "null"},
            {"enum": ["red", "green", "blue\n", 7, None, 2.5]},
            {"const": 'fixed "text" \u00e4'},
            self.bounded({"type": "integer"}, low, low + 2 + rng.randrange(1500)),
            self.bounded({"type": "number"}, low / 16, low / 16 + rng.randint(1, 500) / 8),
            {"type": "string", "pattern": rng.choice([r"^[A-C]{2}-\d{1,3}$", r"^(yes|no)\.$"])},
            {"type": "string", "format": rng.choice(["date", "time", "uuid", "ipv4"])},
            {"type": "string", "minLength": low % 4, "maxLength": low % 4 + rng.randrange(12)},
        ])

    def bounded(self, schema, low, high):
        names = self.rng.choice(["minimum", "exclusiveMinimum"]), self.rng.choice(
            ["maximum", "exclusiveMaximum"])
        for name, bound in zip(names, (low, high)):
            if self.rng.random() < 0.7:
                schema[name] = bound
        return schema

    def array(self, depth):
        if self.rng.random() < 0.25:
            return {"type": "array", "prefixItems": [self.any(depth), self.scalar()],
                    "items": False}
        low = self.rng.randrange(3)
        return {"type": "array", "items": self.any(depth), "minItems": low,
                "maxItems": low + self.rng.randrange(3)}

    def object(self, depth):
        names = self.rng.sample(KEYS, self.rng.randrange(5))
        return {"type": "object", "properties": {name: self.any(depth) for name in names},
                "required": [name for name in names if self.rng.random() < 0.6],
                "additionalProperties": False}


def request_for(schema, number, size):
    return {
        "max_tokens": size.tokens_max,
        "temperature": 0 if number % 2 else 1.0,
        "seed": number,
        "stream": number % 3 == 0,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "json_schema",
                            "json_schema": {"name": "any", "schema": schema, "strict": True}},
    }


async def write_all(server, schemas, size, progress, **more):
    gate, replies = asyncio.Semaphore(size.slots), [None] * len(schemas)

    async def write(number):
        async with gate:
            replies[number] = await streams.chat(
                server.port, f"Give me record {number} as JSON.",
                **request_for(schemas[number], number, size), **more)
        if number % 100 == 99:
            progress(f"about {number + 1} of {len(schemas)} schemas")

    await asyncio.gather(*map(write, range(len(schemas))))
    return replies


def is_valid(text, schema):
    """By jsonschema, which reads numbers here without rounding them."""
    import jsonschema

    value = json.loads(text, parse_float=decimal.Decimal)
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def count_drafts(server):
    return sum(serving.metric_values(server.ask_operator("/metrics"),
                                     "troika_drafts_accepted_total").values())


def run(checks, size=Size(), progress=lambda text: None):
    made = RandomSchemas(size.seed)
    schemas = [made.next() for _ in range(size.schemas)]
    server = serving.Server("--spec-type", "mtp", parallel=size.slots)
    try:
        replies = asyncio.run(write_all(server, schemas, size, progress))
        accepted = count_drafts(server)
        without = asyncio.run(
            write_all(server, schemas[:size.again], size, progress, speculative="off"))
        more = count_drafts(server) - accepted
    finally:
        server.stop()
    refused = [(r.status, r.body) for r in replies if r.status != 200]
    checks.equal("schemas that were refused", len(refused), 0)
    ended = [number for number, reply in enumerate(replies) if reply.finish == "stop"]
    wrong = [n for n in ended if not is_valid(replies[n].text, schemas[n])]
    tokens = [reply.counted for reply in replies if reply.usage]
    checks.note("schemas, limit of tokens, tokens of an answer at most",
                f"{size.schemas}, {size.tokens_max}, {max(tokens, default=0)}")
    checks.equal("answers that ended and are not valid", len(wrong), 0)
    checks.hold("answers that ended", ">= 99 %", f"{len(ended)} of {size.schemas}",
                len(ended) >= 0.99 * size.schemas)
    unlike = sum(a.text != b.text for a, b in zip(replies, without))
    checks.equal(f"other bytes without drafts, of {len(without)}", unlike, 0)
    checks.hold("drafts accepted with them, and without", "> 0, and 0",
                f"{accepted:.0f}, {more:.0f}", accepted > 0 and more == 0)
    for number in wrong[:3]:
        checks.note("not valid", (schemas[number], replies[number].text))
    for status, body in refused[:3]:
        checks.note("refused", (status, body))
