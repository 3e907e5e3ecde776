#!/usr/bin/env python3
"""Renders the sources in language.json with Jinja2 and writes what they print beside them.

tests/chat_templates/language.py   needs the Python package jinja2 3.1
The environment is the one that transformers sets up for chat templates. To add a case, add its
source.
"""

import datetime
import json
import pathlib

import jinja2
from jinja2 import ext, nodes, sandbox


class Generation(ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.Scope(body, lineno=line)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment():
    made = sandbox.SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=["jinja2.ext.loopcontrols", Generation])
    made.filters["tojson"] = tojson
    made.globals["strftime_now"] = datetime.datetime(2025, 7, 4, 9, 30, 15).strftime
    return made


def main():
    path = pathlib.Path(__file__).parent / "language.json"
    golden = json.loads(path.read_text(encoding="utf-8"))
    golden["made_by"] = f"language.py with Jinja2 {jinja2.__version__}"
    for cases in golden["cases"].values():
        for case in cases:
            source = environment().from_string(case["source"])
            case["output"] = source.render(**golden["variables"])
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
