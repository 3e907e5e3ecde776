"""Anthropic's own client as the driver of /v1/messages."""

import unittest

import serving

if serving.has_client("anthropic"):
    import anthropic

QUESTION = [{"role": "user", "content": "What is 47 + 54?"}]
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a city",
    "input_schema": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    },
}


@unittest.skipUnless(serving.has_client("anthropic"), "the package anthropic is not installed")
class AnthropicTest(serving.ServerTest):
    flags = ("--api-key", "secret")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = anthropic.Anthropic(
            base_url=cls.server.url, api_key="secret", max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        super().tearDownClass()

    def ask(self, messages=None, **options):
        return self.client.messages.create(
            model=serving.NAME, max_tokens=200, messages=messages or QUESTION, **options)

    def test_message_whole(self):
        answer = self.ask()
        self.assertIn("101", answer.content[0].text)
        self.assertEqual(answer.stop_reason, "end_turn")
        self.assertGreater(answer.usage.output_tokens, 0)

    def test_message_streamed(self):
        whole = self.ask()
        with self.client.messages.stream(
                model=serving.NAME, max_tokens=200, messages=QUESTION) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole.content[0].text)
        self.assertEqual(final.content[0].text, text)
        self.assertEqual(final.stop_reason, "end_turn")
        self.assertEqual(final.usage.output_tokens, whole.usage.output_tokens)

    def test_stop_sequence_and_length(self):
        whole = self.ask().content[0].text
        stop = whole[len(whole) // 2]
        cut = self.ask(stop_sequences=[stop])
        self.assertEqual((cut.stop_reason, cut.stop_sequence), ("stop_sequence", stop))
        short = self.client.messages.create(model=serving.NAME, max_tokens=2, messages=QUESTION)
        self.assertEqual(short.stop_reason, "max_tokens")

    def test_count_tokens(self):
        counted = self.client.messages.count_tokens(model=serving.NAME, messages=QUESTION)
        usage = self.ask().usage
        self.assertEqual(counted.input_tokens, usage.input_tokens + usage.cache_read_input_tokens)

    def test_tokens_of_more_than_the_context_are_counted(self):
        long = [{"role": "user", "content": "What is 1 + 1? " * 600}]
        counted = self.client.messages.count_tokens(model=serving.NAME, messages=long)
        self.assertGreater(counted.input_tokens, 1024)
        with self.assertRaises(anthropic.BadRequestError):
            self.ask(long)

    def test_answers_have_ids_of_their_requests(self):
        self.assertTrue(self.ask()._request_id.startswith("req_"))

    def test_tools_round_trip(self):
        messages = [{"role": "user", "content": "What is the weather like in Paris?"}]
        answer = self.ask(messages, tools=[WEATHER])
        self.assertEqual(answer.stop_reason, "tool_use", answer.content)
        call = next(block for block in answer.content if block.type == "tool_use")
        self.assertEqual((call.name, call.input), ("get_weather", {"city": "Paris"}))
        with self.client.messages.stream(model=serving.NAME, max_tokens=200, messages=messages,
                                         tools=[WEATHER]) as stream:
            streamed = stream.get_final_message()
        self.assertEqual(streamed.content[-1].input, {"city": "Paris"})
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": '{"temperature": 21}'}]})
        self.assertTrue(self.ask(messages, tools=[WEATHER]).content)

    def test_refusals(self):
        with self.assertRaises(anthropic.BadRequestError):
            self.ask([{"role": "user", "content": [{"type": "image"}]}])
        for wrong in ({"max_tokens": -1}, {"max_tokens": 0}, {"stop_sequences": [""]}):
            with self.assertRaises(anthropic.BadRequestError):
                self.client.messages.create(
                    **{"model": serving.NAME, "messages": QUESTION, "max_tokens": 5, **wrong})
        with self.assertRaises(anthropic.NotFoundError):
            self.client.messages.create(model="claude-x", max_tokens=1, messages=QUESTION)
        other = anthropic.Anthropic(base_url=self.server.url, api_key="guess", max_retries=0)
        with self.assertRaises(anthropic.AuthenticationError):
            other.messages.create(model=serving.NAME, max_tokens=1, messages=QUESTION)
        other.close()


if __name__ == "__main__":
    unittest.main()
