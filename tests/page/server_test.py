"""The page as the program serves it, with the model that ships: the hands of page_test.py, a real
server behind them."""

import pathlib
import re
import subprocess
import threading
import unittest

from chat_page import ENDED, ChatPageCase

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "troika"
MODEL = ROOT / "models" / "troika-demo.gguf"


def serves():
    if not PROGRAM.exists():
        return False
    helped = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, check=False)
    return helped.returncode == 0


class Server:
    """The program on ports that the system chose, until it is closed."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", MODEL, "--port", "0", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if "ready" in line and (found := re.search(r"https?://\S+?:\d+", line)):
                self.url = found[0] + "/"
                break
        else:
            raise AssertionError("the server did not start: " + "".join(self.lines))
        # Somebody must go on reading what it says.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def close(self):
        self.process.terminate()
        return self.process.wait(timeout=120)


@unittest.skipUnless(serves(), "build/release/troika does not serve")
class ServedPageTest(ChatPageCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # With "auto" so short an answer may do without drafts: what was measured so far decides.
        cls.server = Server("--spec-type", "mtp")

    @classmethod
    def tearDownClass(cls):
        status = cls.server.close()
        if status != 0:
            raise AssertionError(f"the server ended with {status}")

    def setUp(self):
        self.page = self.browser.open(self.server.url)

    def ask(self, text, answers=1):
        super().ask(text, answers)
        self.assertEqual(
            self.page.run("document.querySelectorAll('.problem:not([hidden])').length"), 0
        )

    def test_chat_then_reload(self):
        self.ask("What is 12 + 30?")
        self.assertIn("42", self.page.text(".assistant .body")[0])
        self.assertRegex(self.page.text(".figures")[0], r"\d+ tokens")
        self.ask("And 7 + 5?", answers=2)
        shown = self.page.text(".assistant .body")
        self.page.reload()
        self.assertEqual(self.page.text(".assistant .body"), shown)

    def test_stop_then_write_again(self):
        self.send("Tell me a story.")
        self.page.wait("document.querySelector('.assistant .body').innerText.length > 0", 120)
        self.page.press("Escape")
        self.page.wait(ENDED.format(1))
        self.click_action("Write again")
        self.page.wait("document.querySelector('.branches')?.innerText === '2/2'")
        self.page.wait(ENDED.format(1), 120)

    def test_edit_a_question(self):
        self.ask("What is 1 + 1?")
        self.page.click("#composer-text")
        self.page.press("ArrowUp")
        self.page.wait("document.activeElement.ariaLabel === 'Edit the message'")
        self.page.run("document.activeElement.select()")
        self.page.type("What is 12 + 30?")
        self.page.press("Enter")
        self.page.wait("document.querySelector('.branches')?.innerText === '2/2'")
        self.page.wait(ENDED.format(1), 120)
        self.assertIn("42", self.page.text(".assistant .body")[0])

    def test_the_same_text_without_drafts(self):
        self.ask("Count from one to ten.")
        self.click_action("Write again without drafts")
        self.page.wait("document.querySelector('.verdict')", 120)
        self.assertIn("Same text with and without drafts", self.page.text(".verdict")[0])

    def test_accepted_drafts_are_tinted(self):
        self.page.click("#drafts")
        self.ask("Count from one to ten.")
        self.assertRegex(self.page.text(".figures")[0], r"[1-9]\d* % of drafts accepted")
        tinted = "[...document.querySelectorAll('.drafted')].map((one) => one.textContent).join('')"
        whole = "document.querySelector('.assistant .body').textContent"
        self.assertGreater(self.page.run(f"{tinted}.length"), 0)
        self.assertLess(self.page.run(f"{tinted}.length"), self.page.run(f"{whole}.length"))

    def test_the_operators_view(self):
        self.ask("What is 12 + 30?")
        self.page.click("#to-operator")
        self.page.wait("document.querySelector('.state.live')", 60)
        self.page.wait("/\\d/.test(document.querySelector('.tile b').innerText)", 60)
        self.assertIn("local", " ".join(self.page.text(".tenants tbody tr")))


if __name__ == "__main__":
    unittest.main()
