"""The chat template renders held-out prompts exactly as the training data do. Needs jinja2
(Debian: python3-jinja2)."""

import json
import unittest
from pathlib import Path

from jinja2 import Environment

from data import CLASSES, held_out_examples
from dialogue import prompt


def message(role, text):
    if role == "assistant" and text.startswith("<tool_call>"):
        call = json.loads(text[len("<tool_call>\n") : -len("\n</tool_call>")])
        return {"role": role, "content": "", "tool_calls": [{"type": "function", "function": call}]}
    return {"role": role, "content": text}


class TemplateTest(unittest.TestCase):
    def test_rendering_equals_the_training_data(self):
        environment = Environment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        source = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8")
        template = environment.from_string(source)
        for name in CLASSES:
            for example in held_out_examples(name, 10):
                turns = example.history + ([("user", example.question)] if example.question else [])
                messages = [message(role, text) for role, text in turns]
                variables = {"tools": example.tools} if example.tools else {}
                rendered = template.render(
                    messages=messages, add_generation_prompt=True, **variables
                )
                self.assertEqual(rendered, prompt(example))


if __name__ == "__main__":
    unittest.main()
