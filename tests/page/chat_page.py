"""What the tests of the page share: a browser, the hands of a person who chats, and what no test
may leave behind."""

import json
import unittest

from browser import Browser, find_browser

ENDED = (
    "!document.querySelector('.running') && "
    "document.querySelectorAll('.assistant').length === {} && "
    "[...document.querySelectorAll('.assistant')].every((one) => one.querySelector('.figures'))"
)


@unittest.skipUnless(find_browser(), "no Chromium is installed (scripts/packages.txt, test)")
class ChatPageCase(unittest.TestCase):
    """One browser for a class. `server` (with a `url`) and `page` are set by what derives."""

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def tearDown(self):
        self.assertEqual(self.page.problems, [])
        allowed = (self.server.url, "blob:")
        strange = [url for url in self.page.requests if not url.startswith(allowed)]
        self.assertEqual(strange, [], "a request left the server's origin")

    def send(self, text):
        self.page.click("#composer-text")
        self.page.type(text)
        self.page.press("Enter")

    def ask(self, text, answers=1):
        """Until that many answers are there and ended."""
        self.send(text)
        self.page.wait(ENDED.format(answers), 120)

    def click_action(self, label, message=-1):
        """A button below a message, wherever the pointer would have to be for it to show."""
        self.page.run(
            f"[...document.querySelectorAll('.message')].at({message})"
            f".querySelector('[aria-label^={json.dumps(label)}]').click()"
        )
