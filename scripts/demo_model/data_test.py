"""Checks of the data: every class accepts its own answers and no others, and the split is clean."""

import random
import unittest

from data import CLASSES, MODULES, batch, held_out_examples
from dialogue import prompt
from tokenizer import Tokenizer, train


class DataTest(unittest.TestCase):
    def test_checkers_accept_the_answer_and_refuse_a_damaged_one(self):
        for name in CLASSES:
            for example in held_out_examples(name, 6):
                check = MODULES[name].check
                self.assertTrue(check(example, example.answer), (name, example.answer))
                self.assertFalse(check(example, example.answer[:-1]), (name, example.answer))

    def test_no_held_out_question_is_drawn_for_training(self):
        for name in CLASSES:
            rng = random.Random(0)
            trained = {prompt(MODULES[name].sample(rng, False)) for _ in range(2000)}
            self.assertFalse(trained & {prompt(e) for e in held_out_examples(name, 50)}, name)

    def test_batches_follow_from_seed_and_step(self):
        tokenizer = Tokenizer(train(["<|im_start|>user\nwhat is what is what<|im_end|>"] * 3, 265))
        first, again = (batch(tokenizer, 1, 5, 2, 64) for _ in range(2))
        self.assertTrue(all((a == b).all() for a, b in zip(first, again)))
        other = batch(tokenizer, 1, 6, 2, 64)
        self.assertFalse((first[0] == other[0]).all())

    def test_tokenizer_gives_every_text_back(self):
        tokenizer = Tokenizer(train(["one two one two", "deux été été"] * 3, 268))
        for text in ("one two\n\n three", "été ¿Cómo estás?", "<tool_call>\n{}\n</tool_call>", ""):
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)
        self.assertEqual(len(tokenizer.encode("<|im_end|>")), 1)


if __name__ == "__main__":
    unittest.main()
