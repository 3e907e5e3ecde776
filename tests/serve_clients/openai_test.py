"""OpenAI's own client as the driver: what it has and the server has, whole and streamed."""

import json
import unittest

import serving

if serving.has_client("openai"):
    import openai

QUESTION = [{"role": "user", "content": "What is 47 + 54?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@unittest.skipUnless(serving.has_client("openai"), "the package openai is not installed")
class OpenAiTest(serving.ServerTest):
    flags = ("--embeddings",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key="none", max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        super().tearDownClass()

    def chat(self, messages=None, **options):
        return self.client.chat.completions.create(
            model=serving.NAME, messages=messages or QUESTION, **options
        )

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], [serving.NAME])
        self.assertEqual(self.client.models.retrieve(serving.NAME).id, serving.NAME)
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("another")

    def test_chat_whole(self):
        answer = self.chat()
        self.assertIn("101", answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.usage.total_tokens,
                         answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self.assertGreater(answer.timings["predicted_n"], 0)

    def test_chat_streamed_is_chat_whole(self):
        whole = self.chat()
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        for chunk in chunks[:-1]:
            self.assertIn("usage", chunk.model_fields_set)
            self.assertIsNone(chunk.usage)
        for chunk in self.chat(stream=True):
            self.assertNotIn("usage", chunk.model_fields_set)

    def test_message_has_all_that_clients_look_for(self):
        answer = self.chat(logprobs=True)
        choice = answer.choices[0]
        self.assertIn("refusal", choice.message.model_fields_set)
        self.assertIn("refusal", choice.logprobs.model_fields_set)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 0)
        self.assertTrue(answer.id.startswith("chatcmpl-"))

    def test_fields_of_openais_own_service_are_taken(self):
        answer = self.chat(store=True, metadata={"a": "b"}, user="me", service_tier="auto",
                           safety_identifier="x", prompt_cache_key="y", verbosity="low",
                           modalities=["text"], parallel_tool_calls=True)
        self.assertIn("101", answer.choices[0].message.content)

    def test_roles_and_parts(self):
        parts = [{"type": "text", "text": "What is "}, {"type": "text", "text": "47 + 54?"}]
        answer = self.chat([{"role": "developer", "content": "Answer."},
                            {"role": "user", "content": parts}])
        self.assertTrue(answer.choices[0].message.content)

    def test_lengths_beyond_the_context(self):
        answer = self.chat(max_tokens=10**6, extra_body={"ignore_eos": True})
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.total_tokens, 1024)
        with self.assertRaises(openai.BadRequestError) as raised:
            self.chat([{"role": "user", "content": "What is 1 + 1? " * 600}])
        self.assertEqual(raised.exception.code, "context_length_exceeded")

    def test_the_second_turn_finds_the_first_in_the_cache(self):
        long = [{"role": "user", "content": "What is 34 + 67? " * 20}]  # more than a page
        first = self.chat(messages=long, max_tokens=4)
        again = self.chat(messages=long, max_tokens=4)
        self.assertEqual(first.usage.prompt_tokens_details.cached_tokens, 0)
        self.assertGreaterEqual(again.usage.prompt_tokens_details.cached_tokens, 64)
        self.assertEqual(again.choices[0].message.content, first.choices[0].message.content)

    def test_without_drafts_the_same_text(self):
        with_drafts = self.chat()
        for off in ("off", {"n_max": 0}, {"off": True}):
            without = self.chat(extra_body={"speculative": off})
            self.assertEqual(without.choices[0].message.content,
                             with_drafts.choices[0].message.content)
            self.assertEqual(without.timings["draft_n"], 0)

    def test_seed_and_temperature(self):
        texts = {
            seed: self.chat(seed=seed, temperature=2.0, top_p=1.0, max_tokens=20,
                            extra_body={"top_k": 0, "min_p": 0.0}).choices[0].message.content
            for seed in (1, 2)
        }
        again = self.chat(seed=1, temperature=2.0, top_p=1.0, max_tokens=20,
                          extra_body={"top_k": 0, "min_p": 0.0}).choices[0].message.content
        self.assertEqual(texts[1], again)
        self.assertNotEqual(texts[1], texts[2])

    def test_several_choices(self):
        answer = self.chat(n=3, seed=5, temperature=1.5, max_tokens=12)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        one = self.chat(seed=5, temperature=1.5, max_tokens=12)
        self.assertEqual(answer.choices[0].message.content, one.choices[0].message.content)
        streamed = {0: "", 1: "", 2: ""}
        for chunk in self.chat(n=3, seed=5, temperature=1.5, max_tokens=12, stream=True):
            for choice in chunk.choices:
                streamed[choice.index] += choice.delta.content or ""
        self.assertEqual(list(streamed.values()), [c.message.content for c in answer.choices])

    def test_stop_and_length(self):
        whole = self.chat().choices[0].message.content
        stop = whole[len(whole) // 2]
        cut = self.chat(stop=[stop]).choices[0]
        self.assertEqual(cut.message.content, whole[: whole.index(stop)])
        self.assertEqual(cut.finish_reason, "stop")
        for name in ("max_tokens", "max_completion_tokens"):
            short = self.chat(**{name: 3})
            self.assertEqual(short.choices[0].finish_reason, "length")
            self.assertEqual(short.usage.completion_tokens, 3)

    def test_logprobs(self):
        answer = self.chat(logprobs=True, top_logprobs=3)
        tokens = answer.choices[0].logprobs.content
        self.assertEqual(len(tokens), answer.usage.completion_tokens)
        for token in tokens:
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.token, token.top_logprobs[0].token)  # greedy
            self.assertLessEqual(token.logprob, 0)
        streamed = [
            token for chunk in self.chat(logprobs=True, stream=True)
            for choice in chunk.choices if choice.logprobs for token in choice.logprobs.content
        ]
        self.assertEqual([t.token for t in streamed], [t.token for t in tokens])

    def test_logit_bias_and_penalties(self):
        first = self.chat(logprobs=True, max_tokens=1).choices[0].logprobs.content[0].token
        status, _, ids = self.server.ask("/tokenize", {"content": first})
        self.assertEqual(status, 200)
        biased = self.chat(logprobs=True, max_tokens=1, logit_bias={str(ids["tokens"][0]): -100})
        self.assertNotEqual(biased.choices[0].logprobs.content[0].token, first)
        self.chat(presence_penalty=0.5, frequency_penalty=0.5, max_tokens=5)

    def test_completions(self):
        answer = self.client.completions.create(
            model=serving.NAME, prompt=["Once upon a time", "In the end"], max_tokens=5, n=2,
            echo=True, logprobs=2)
        self.assertEqual(len(answer.choices), 4)
        self.assertTrue(answer.choices[0].text.startswith("Once upon a time"))
        self.assertTrue(answer.choices[3].text.startswith("In the end"))
        self.assertEqual(len(answer.choices[0].logprobs.tokens), 5)
        for choice in answer.choices:
            for token, offset in zip(choice.logprobs.tokens, choice.logprobs.text_offset):
                # The token that ends an answer is told, and is no part of its text.
                ends = choice.finish_reason == "stop" and offset == len(choice.text)
                self.assertEqual(choice.text[offset:offset + len(token)], "" if ends else token)
        chunks = self.client.completions.create(
            model=serving.NAME, prompt="Once upon a time", max_tokens=5, stream=True)
        text = "".join(chunk.choices[0].text for chunk in chunks)
        self.assertEqual("Once upon a time" + text, answer.choices[0].text)

    def test_embeddings(self):
        both = self.client.embeddings.create(model=serving.NAME, input=["a red horse", "a mare"])
        self.assertEqual(len(both.data), 2)
        for row in both.data:
            self.assertAlmostEqual(sum(x * x for x in row.embedding), 1, places=4)
        plain = self.client.embeddings.create(
            model=serving.NAME, input="a red horse", encoding_format="float")
        for one, other in zip(plain.data[0].embedding, both.data[0].embedding):
            self.assertAlmostEqual(one, other, places=6)

    def test_tools_round_trip(self):
        messages = [{"role": "user", "content": "What is the weather like in Paris?"}]
        answer = self.chat(messages, tools=[WEATHER])
        calls = answer.choices[0].message.tool_calls
        self.assertTrue(calls, answer.choices[0].message)
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertEqual(calls[0].function.name, "get_weather")
        self.assertEqual(json.loads(calls[0].function.arguments), {"city": "Paris"})
        name, arguments, ids = "", "", []
        for chunk in self.chat(messages, tools=[WEATHER], stream=True):
            for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                name += call.function.name or ""
                arguments += call.function.arguments or ""
                ids += [call.id] if call.id else []
        self.assertEqual((name, arguments), ("get_weather", calls[0].function.arguments))
        self.assertEqual(len(ids), 1)
        messages.append(answer.choices[0].message.model_dump(exclude_none=True))
        messages.append({"role": "tool", "tool_call_id": calls[0].id,
                         "content": '{"temperature": 21, "sky": "clear"}'})
        final = self.chat(messages, tools=[WEATHER])
        self.assertTrue(final.choices[0].message.content)

    def test_responses(self):
        answer = self.client.responses.create(model=serving.NAME, input="What is 47 + 54?")
        self.assertIn("101", answer.output_text)
        self.assertEqual(answer.status, "completed")
        self.assertGreater(answer.usage.output_tokens, 0)
        events = list(self.client.responses.create(
            model=serving.NAME, input="What is 47 + 54?", stream=True))
        self.assertEqual(events[0].type, "response.created")
        self.assertEqual(events[-1].type, "response.completed")
        self.assertEqual([e.sequence_number for e in events], list(range(len(events))))
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        self.assertEqual(text, answer.output_text)
        self.assertEqual(events[-1].response.output_text, answer.output_text)

    def test_tool_choice_holds_the_answer_to_a_call(self):
        other = {"type": "function", "function": {
            "name": "look_up", "parameters": {"type": "object", "properties": {
                "word": {"type": "string", "maxLength": 12},
                "kind": {"enum": ["noun", "verb"]}}, "required": ["word", "kind"]}}}
        tools = [WEATHER, other]
        for choice in ("required", {"type": "function", "function": {"name": "look_up"}}):
            for speculative in ("off", None):
                answer = self.chat(tools=tools, tool_choice=choice, parallel_tool_calls=False,
                                   max_tokens=200, extra_body={"speculative": speculative})
                call = answer.choices[0].message.tool_calls[0]
                arguments = json.loads(call.function.arguments)
                if choice != "required":
                    self.assertEqual(call.function.name, "look_up")
                    self.assertIn(arguments["kind"], ("noun", "verb"))
                    self.assertLessEqual(len(arguments["word"]), 12)
                self.assertEqual(answer.choices[0].finish_reason, "tool_calls")

    def test_schemas_that_cannot_be_followed(self):
        odd = {"type": "function", "function": {
            "name": "odd", "parameters": {"type": "object", "properties": {"x": {"not": {}}}}}}
        answer = self.chat(tools=[odd, WEATHER], max_tokens=8)  # its arguments are free
        self.assertTrue(answer.choices[0].finish_reason)
        for strict, choice, param in ((False, "required", "tool_choice"), (True, "auto", "tools")):
            tool = {"type": "function", "function": {**odd["function"], "strict": strict}}
            status, _, body = self.server.ask("/v1/chat/completions", {
                "messages": QUESTION, "tools": [tool], "tool_choice": choice})
            self.assertEqual((status, body["error"]["param"]), (400, param), body)
            self.assertIn("\"not\" at #/properties/x/not", body["error"]["message"])

    def test_responses_tools(self):
        tool = {"type": "function", **WEATHER["function"]}
        answer = self.client.responses.create(
            model=serving.NAME, input="What is the weather like in Paris?", tools=[tool])
        calls = [item for item in answer.output if item.type == "function_call"]
        self.assertEqual(json.loads(calls[0].arguments), {"city": "Paris"})

    def test_errors_name_the_field(self):
        cases = [
            ({"temperature": "hot"}, "temperature"),
            ({"n": 0}, "n"),
            ({"stop": [1]}, "stop[0]"),
            ({"messages": []}, "messages"),
            ({"messages": [{"role": "pirate", "content": ""}]}, "messages[0].role"),
            ({"messages": [{"role": "user"}]}, "messages[0].content"),
            ({"max_tokens": -7}, "max_tokens"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"stop": ""}, "stop"),
            ({"functions": [{"name": "f"}]}, "functions"),
            ({"modalities": ["text", "audio"]}, "modalities"),
            ({"logit_bias": {"x y z": 1}}, "logit_bias"),
            ({"top_logprobs": 3}, "top_logprobs"),
            ({"stream_options": 1}, "stream_options"),
            ({"speculative": 3}, "speculative"),
            ({"tool_choice": "required"}, "tool_choice"),
            ({"messages": [{"role": "user", "content": "word " * 3000}]}, "messages"),
        ]
        for fields, param in cases:
            status, _, body = self.server.ask(
                "/v1/chat/completions", {"messages": QUESTION, **fields})
            self.assertEqual(status, 400, fields)
            self.assertEqual(body["error"]["param"], param, body)
            self.assertEqual(body["error"]["type"], "invalid_request_error")
        with self.assertRaises(openai.NotFoundError) as raised:
            self.client.chat.completions.create(model="gpt-x", messages=QUESTION)
        self.assertEqual(raised.exception.code, "model_not_found")


if __name__ == "__main__":
    unittest.main()
