"""The page in a real browser, beside a server that only pretends: what a person sees and does, what
is kept, and that nothing is asked of anyone but the page's own server."""

import json
import pathlib
import tempfile
import time
import unittest

from chat_page import ENDED, ChatPageCase
from mock_server import MARKDOWN, MockServer


class PageCase(ChatPageCase):
    """A server and a page of its own for each test."""

    server_options = {}

    def setUp(self):
        self.server = MockServer(**self.server_options)
        self.addCleanup(self.server.close)
        self.page = self.browser.open(self.server.url)


class ChatTest(PageCase):
    def test_an_answer_streams_and_says_what_it_cost(self):
        self.assertEqual(self.page.text("#model"), ["troika-demo"])
        self.ask("Hello there")
        self.assertIn("You said: Hello there.", self.page.text(".assistant .body")[0])
        self.assertEqual(self.page.text(".user .text"), ["Hello there"])
        figures = self.page.text(".figures")[0]
        for figure in ("tokens", "41.5 tokens/s", "% of drafts accepted", "tokens a pass"):
            self.assertIn(figure, figures)
        body = self.server.bodies[0]
        self.assertEqual(body["messages"], [{"role": "user", "content": "Hello there"}])
        self.assertTrue(body["stream"] and body["stream_options"]["include_usage"])
        self.assertEqual(body["model"], "troika-demo")

    def test_the_whole_conversation_goes_along(self):
        self.ask("one")
        self.ask("two", answers=2)
        roles = [message["role"] for message in self.server.bodies[1]["messages"]]
        self.assertEqual(roles, ["user", "assistant", "user"])

    def test_stop_keeps_what_was_written_and_hangs_up(self):
        self.send("endless")
        self.page.wait("document.querySelector('.assistant .body').innerText.includes('more more')")
        self.assertEqual(self.page.run("document.getElementById('send').ariaLabel"), "Stop")
        self.page.press("Escape")
        self.page.wait(ENDED.format(1))
        self.assertIn("Stopped", self.page.text(".figures")[0])
        self.assertIn("more more", self.page.text(".assistant .body")[0])
        for _ in range(500):
            if self.server.hung_up:
                break
            time.sleep(0.02)
        self.assertEqual(self.server.hung_up, 1)

    def test_the_stop_button_stops(self):
        self.send("endless")
        self.page.wait("document.querySelector('.assistant .body').innerText.includes('more')")
        self.page.click("#send")
        self.page.wait(ENDED.format(1))
        self.assertEqual(self.page.run("document.getElementById('send').ariaLabel"), "Send")

    def test_regenerate_branches_off(self):
        self.ask("again")
        first = self.page.text(".assistant .body")[0]
        self.click_action("Write again")
        self.page.wait("document.querySelector('.branches')?.innerText === '2/2'")
        self.assertNotEqual(self.server.bodies[0]["seed"], self.server.bodies[1]["seed"])
        self.assertEqual(self.server.bodies[0]["messages"], self.server.bodies[1]["messages"])
        self.click_action("Earlier version")
        self.page.wait("document.querySelector('.branches').innerText === '1/2'")
        self.assertEqual(self.page.text(".assistant .body")[0], first)

    def test_edit_asks_anew_and_keeps_the_old_question(self):
        self.ask("first question")
        self.ask("second question", answers=2)
        self.click_action("Edit", 0)
        self.page.run("document.querySelector('.edit textarea').select()")
        self.page.type("better question")
        self.page.press("Enter")
        self.page.wait(ENDED.format(1))
        self.assertEqual(self.page.text(".user .text"), ["better question"])
        self.assertEqual(len(self.server.bodies[2]["messages"]), 1)
        self.click_action("Earlier version", 0)
        self.assertEqual(self.page.text(".user .text"), ["first question", "second question"])

    def test_without_drafts_the_same_seed_is_compared_byte_for_byte(self):
        self.ask("compare")
        self.click_action("Write again without drafts")
        self.page.wait("document.querySelector('.verdict.same')")
        drafted, plain = self.server.bodies
        self.assertEqual(drafted["seed"], plain["seed"])
        self.assertNotIn("speculative", drafted)
        self.assertEqual(plain["speculative"], {"n_max": 0})
        self.assertIn("41.5 tokens/s with drafts, 24.0 without", self.page.text(".verdict")[0])

    def test_an_error_is_shown_and_another_try_works(self):
        self.ask("refuse this")
        self.assertEqual(self.page.text(".assistant .problem"), ["messages: refused, as asked"])
        self.ask("and now", answers=2)
        self.assertIn("You said: and now", self.page.text(".assistant .body")[1])

    def test_reasoning_is_folded_when_the_answer_comes(self):
        self.ask("think first")
        self.assertFalse(self.page.run("document.querySelector('.reasoning').open"))
        self.assertRegex(self.page.text(".reasoning summary")[0], r"Reasoned for [\d.]+ s")
        self.page.click(".reasoning summary")
        self.assertIn("First the question is read", self.page.text(".reasoning .md")[0])

    def test_a_tool_call_is_shown_and_its_result_goes_back(self):
        self.ask("use a tool")
        self.assertIn("Calls get_weather", self.page.text(".call summary")[0])
        self.assertIn('"city": "Oslo"', self.page.text(".call pre")[0])
        self.page.click(".calls textarea")
        self.page.type("rain")
        self.page.click(".calls button[type=submit]")
        self.page.wait(ENDED.format(2))
        call, result = self.server.bodies[1]["messages"][-2:]
        self.assertEqual(
            json.loads(call["tool_calls"][0]["function"]["arguments"]), {"city": "Oslo"}
        )
        self.assertEqual(result, {"role": "tool", "tool_call_id": "call_1", "content": "rain"})

    def test_accepted_drafts_are_tinted_on_demand(self):
        self.page.click("#drafts")
        self.ask("markdown")
        self.assertEqual(self.server.bodies[0]["troika"], {"show_drafts": True})
        shown = "[...document.querySelectorAll('.drafted')].map((one) => one.textContent).join('')"
        self.assertIn("verifies", self.page.run(shown))
        self.assertGreater(self.page.count(".code .drafted"), 5)
        self.assertGreater(self.page.count("td .drafted"), 2)
        self.page.click("#drafts")
        self.assertEqual(self.page.count(".drafted"), 0)

    def test_text_files_go_along_and_others_are_refused(self):
        attach = (
            "(() => {{ const files = new DataTransfer();"
            "files.items.add(new File([{}], '{}'));"
            "const field = document.getElementById('files'); field.files = files.files;"
            "field.dispatchEvent(new Event('change')); }})()"
        )
        self.page.run(attach.format("'a ``` fence'", "notes.txt"))
        self.page.wait("document.querySelector('#attachments .chip')")
        self.page.run(attach.format("new Uint8Array([255, 254, 0])", "picture.png"))
        self.page.wait("document.querySelector('.toast.error')")
        self.assertIn("picture.png: not a text file", self.page.text(".toast.error")[0])
        self.assertEqual(self.page.count("#attachments .chip"), 1)
        self.ask("what is in it?")
        self.assertEqual(
            self.server.bodies[0]["messages"][0]["content"],
            "File notes.txt:\n````\na ``` fence\n````\n\nwhat is in it?",
        )


class TextTest(PageCase):
    """What the model writes becomes elements, and never more than text where it must not."""

    def test_markdown_becomes_elements(self):
        self.ask("markdown")
        for selector, count in (
            ("h3", 1),
            ("ol > li", 3),
            ("ul ul, ol ul", 1),
            ("th", 3),
            ("td", 9),
            ("blockquote", 1),
            (".code pre", 1),
            (".task input", 2),
            ("strong", 1),
            (".t-keyword", 6),
        ):
            self.assertGreaterEqual(self.page.count(f".body {selector}"), count, selector)
        links = self.page.run(
            "[...document.querySelectorAll('.body a')].map((a) => [a.href, a.rel])"
        )
        self.assertEqual(
            links,
            [
                ["https://arxiv.org/abs/2401.10774", "noopener noreferrer"],
                ["https://example.org/a_b", "noopener noreferrer"],
            ],
        )
        code = MARKDOWN[MARKDOWN.index("def accept") : MARKDOWN.index("```\n\n>")]
        self.assertEqual(
            self.page.run("document.querySelector('.body .code code').textContent"), code
        )

    def test_markup_of_the_model_stays_text(self):
        self.ask("hostile")
        self.assertEqual(self.page.count(".body img, .body script, .body a[href^=javascript]"), 0)
        hrefs = self.page.run("[...document.querySelectorAll('.body a')].map((a) => a.href)")
        self.assertEqual(hrefs, ["https://example.org/b.png"])
        self.assertIn("<img src=x onerror=alert(1)>", self.page.text(".body")[0])

    def render(self, source, ranges=()):
        """The elements of a text, as markup to compare."""
        return self.page.run(
            "(async () => { const { MarkdownView } = await import('./page/markdown.js');"
            "const root = document.createElement('div');"
            f"new MarkdownView(root).update({json.dumps(source)}, {json.dumps(ranges)});"
            "return new XMLSerializer().serializeToString(root).replaceAll("
            "' xmlns=\"http://www.w3.org/1999/xhtml\"', '').replace(/^<div>|<\\/div>$/g, ''); })()"
        )

    def test_cases_of_markdown(self):
        for source, wanted in (
            (
                "a *b* __c__ ~~d~~ ***e***",
                "<p>a <em>b</em> <strong>c</strong> <del>d</del> "
                "<strong><em>e</em></strong></p>",
            ),
            ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
            (r"\*not\* `a*b*`", "<p>*not* <code>a*b*</code></p>"),
            ("**open", "<p>**open</p>"),
            ("one\ntwo", "<p>one<br />two</p>"),
            ("[x](javascript:1) [y](ftp://z)", "<p>[x](javascript:1) [y](ftp://z)</p>"),
            ("- a\n- b", '<ul class="tight"><li>a</li><li>b</li></ul>'),
            ("3. a\n4. b", '<ol start="3" class="tight"><li>a</li><li>b</li></ol>'),
            ("- a\n\n- b", '<ul class="loose"><li><p>a</p></li><li><p>b</p></li></ul>'),
            ("> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
            ("# a #", "<h2>a</h2>"),
            ("#hash", "<p>#hash</p>"),
            ("---", "<hr />"),
            ("a | b", "<p>a | b</p>"),
            ("&lt; <b>", "<p>&amp;lt; &lt;b&gt;</p>"),
        ):
            self.assertEqual(self.render(source), wanted, source)

    def test_ranges_are_tinted_wherever_they_fall(self):
        tint = '<span class="drafted">{}</span>'.format
        self.assertEqual(
            self.render("ab **cd** ef", [[1, 6]]),
            f"<p>a{tint('b ')}<strong>{tint('c')}d</strong> ef</p>",
        )
        self.assertEqual(
            self.render("- one\n- two", [[4, 9]]),
            f'<ul class="tight"><li>on{tint("e")}</li><li>{tint("t")}wo</li></ul>',
        )

    def test_hostile_lengths_end_soon(self):
        for source in (
            "*a " * 20000,
            "[" * 20000,
            "`" * 20000,
            "> " * 5000 + "x",
            "- " * 5000 + "x",
            "|a" * 5000 + "\n" + "|-" * 5000,
            "<" * 20000,
            "_a_" * 10000,
        ):
            self.page.run(
                "(async () => { const { MarkdownView } = await import('./page/markdown.js');"
                "new MarkdownView(document.createElement('div'))"
                f".update({json.dumps(source)}); }})()"
            )

    def test_code_of_many_languages_keeps_every_character(self):
        sample = 'if (a) { return "x\\"y" + 1.5e3; } // note\n# note\n<a href="b">&</a>\n'
        sample += "'q' `t` @x :y $z"
        for language in (
            "c",
            "cpp",
            "js",
            "ts",
            "python",
            "rust",
            "go",
            "java",
            "bash",
            "sql",
            "ruby",
            "lua",
            "json",
            "yaml",
            "toml",
            "css",
            "html",
            "diff",
            "constructor",
            "brainfudge",
        ):
            text = self.page.run(
                "(async () => { const { codeBlock } = await import('./page/code_block.js');"
                "const lines = []; let at = 0;"
                f"for (const text of {json.dumps(sample)}.split('\\n')) "
                "{ lines.push({ text, at }); at += text.length + 1; }"
                f"return codeBlock(lines, '{language}', []).querySelector('code').textContent;"
                "})()"
            )
            self.assertEqual(text, sample + "\n", language)


class KeepingTest(PageCase):
    def test_reload_keeps_conversations_and_settings(self):
        self.page.click("#drafts")
        self.ask("remember the horses")
        answer = self.page.text(".assistant .body")
        self.page.reload()
        self.assertEqual(self.page.text(".user .text"), ["remember the horses"])
        self.assertEqual(self.page.text(".assistant .body"), answer)
        self.assertEqual(self.page.run("document.getElementById('drafts').ariaPressed"), "true")
        self.assertEqual(self.page.text("#conversations li"), ["remember the horses"])

    def test_reload_keeps_what_a_broken_off_answer_had(self):
        self.send("endless")
        self.page.wait("document.querySelector('.assistant .body').innerText.includes('more more')")
        time.sleep(1.7)  # it is kept every one and a half seconds
        self.page.wait("document.querySelectorAll('.assistant').length === 1")
        self.page.reload()
        self.page.wait(ENDED.format(1))
        self.assertIn("You said: endless", self.page.text(".assistant .body")[0])

    def test_search_rename_delete_undo(self):
        for word in ("alpha", "beta"):
            self.ask(f"about {word}")
            self.page.click("#new-chat")
        self.assertEqual(self.page.text("#conversations a"), ["about beta", "about alpha"])
        self.page.click("#search")
        self.page.type("alpha")
        self.assertEqual(self.page.text("#conversations a"), ["about alpha"])
        self.page.run("document.querySelector('#conversations [aria-label=Rename]').click()")
        self.page.run("document.querySelector('#conversations input').select()")
        self.page.type("The first")
        self.page.press("Enter")
        self.page.run(
            "const search = document.getElementById('search'); search.value = '';"
            "search.dispatchEvent(new Event('input'))"
        )
        self.assertEqual(sorted(self.page.text("#conversations a")), ["The first", "about beta"])
        self.page.run("document.querySelector('#conversations li [aria-label=Delete]').click()")
        self.assertEqual(self.page.count("#conversations li"), 1)
        self.page.click(".toast .link")
        self.page.wait("document.querySelectorAll('#conversations li').length === 2")
        self.page.wait(
            "await import('./page/store.js').then((store) => store.loadConversations())"
            ".then((all) => all.length === 2)"
        )
        self.page.reload()
        self.assertEqual(sorted(self.page.text("#conversations a")), ["The first", "about beta"])

    def test_export_writes_markdown(self):
        self.ask("export me")
        text = self.page.run(
            "(async () => { const store = await import('./page/store.js');"
            "return store.asMarkdown((await store.loadConversations())[0]); })()"
        )
        self.assertIn("# export me\n\n**You**\n\nexport me\n", text)
        self.assertIn("**Model**\n\nYou said: export me.", text)

    def test_settings_reach_the_request(self):
        self.page.click("#open-settings")
        for name, value in (
            ("system", "Be brief."),
            ("temperature", "0.5"),
            ("maxTokens", "64"),
            ("seed", "7"),
        ):
            self.page.run(f"document.querySelector('[name={name}]').focus()")
            self.page.type(value)
        self.page.run("document.querySelector('[name=drafts]').value = 'bound'")
        self.page.click("#settings button[type=submit]")
        self.ask("with settings")
        body = self.server.bodies[0]
        self.assertEqual(body["messages"][0], {"role": "system", "content": "Be brief."})
        wanted = {
            "temperature": 0.5,
            "max_completion_tokens": 64,
            "seed": 7,
            "speculative": {"n_max": 4},
        }
        self.assertEqual({name: body[name] for name in wanted}, wanted)

    def test_tools_that_are_no_json_are_not_taken(self):
        self.page.click("#open-settings")
        self.page.run("document.querySelector('[name=tools]').focus()")
        self.page.type("{oops")
        self.page.click("#settings button[type=submit]")
        self.assertTrue(self.page.run("document.getElementById('settings').open"))


class KeysTest(PageCase):
    def test_keys_of_the_board(self):
        self.page.run("document.activeElement.blur()")
        self.page.press("/")
        self.assertEqual(self.page.run("document.activeElement.id"), "composer-text")
        self.page.type("line")
        self.page.press("Enter", modifiers=8)  # shift
        self.assertEqual(self.server.bodies, [])
        self.page.type("end")
        self.page.press("Enter")
        self.page.wait(ENDED.format(1))
        self.assertIn("line", self.server.bodies[0]["messages"][0]["content"])
        self.page.press("ArrowUp")
        self.page.wait("document.activeElement.ariaLabel === 'Edit the message'")
        self.page.press("Escape")
        self.page.wait("!document.querySelector('.edit')")

    def test_everything_that_acts_has_a_name(self):
        self.ask("markdown")
        nameless = self.page.run(
            "[...document.querySelectorAll('button, a, input, textarea, select')].filter((one) =>"
            "!(one.ariaLabel || one.innerText?.trim() || one.labels?.length || one.hidden"
            "|| one.type === 'checkbox')).map((one) => one.outerHTML)"
        )
        self.assertEqual(nameless, [])

    def test_phone_width_has_a_drawer_and_no_sideways_scrolling(self):
        page = self.browser.open(self.server.url, 390, 844, phone=True)
        page.run("document.getElementById('composer-text').focus()")
        page.type("markdown")
        page.press("Enter")
        page.wait(ENDED.format(1))
        self.assertLessEqual(page.run("document.documentElement.scrollWidth"), 390)
        self.assertLessEqual(page.run("document.getElementById('messages').scrollWidth"), 390)
        page.click("#toggle-sidebar")
        page.wait("getComputedStyle(document.getElementById('sidebar')).visibility === 'visible'")
        page.press("Escape")
        page.wait("getComputedStyle(document.getElementById('sidebar')).visibility === 'hidden'")
        self.assertEqual(page.problems, [])

    def test_dark_follows_the_system_until_chosen(self):
        background = "getComputedStyle(document.body).backgroundColor"
        light = self.page.run(background)
        self.page.dark(True)
        self.page.wait(f"{background} !== '{light}'")
        self.page.click("#theme")
        self.assertEqual(self.page.run(background), light)
        self.page.reload()
        self.assertEqual(self.page.run(background), light)


class KeyTest(PageCase):
    server_options = {"key": "trk_secret"}

    def test_a_server_with_tenants_is_asked_with_the_key(self):
        self.page.wait("document.getElementById('settings').open")
        self.assertEqual(self.page.text("#settings .problem"), ["This server wants a key."])
        self.assertEqual(self.page.run("document.activeElement.name"), "key")
        self.page.type("trk_secret")
        self.page.press("Enter")
        self.page.wait("document.getElementById('model').innerText === 'troika-demo'")
        self.ask("with a key")
        self.assertIn("You said", self.page.text(".assistant .body")[0])


class OperatorTest(PageCase):
    def open_operator(self):
        self.page.click("#to-operator")
        self.page.wait("document.querySelector('#operator .problem button')")
        self.page.click("#operator .problem button")
        self.page.run("document.querySelector('[name=admin]').focus()")
        self.page.type("admin")
        self.page.press("Enter")
        self.page.wait("document.querySelector('.state.live')")

    def test_it_shows_figures_plots_and_tenants(self):
        self.open_operator()
        self.page.wait("document.querySelectorAll('.tenants tbody tr').length === 4")
        self.page.wait("/\\d/.test(document.querySelector('.tile b').innerText)")
        self.assertEqual(self.page.count(".plot canvas"), 6)
        rows = self.page.text(".tenants tbody tr")
        self.assertTrue(
            any(row.startswith("clinic") and "interactive" in row for row in rows), rows
        )
        self.page.wait("document.querySelector('.plot .legend').innerText.includes('clinic')")
        painted = self.page.run(
            "[...document.querySelectorAll('.plot canvas')].map((one) => one.getContext('2d')"
            ".getImageData(0, 0, one.width, one.height).data.some((value) => value > 0))"
        )
        self.assertEqual(painted, [True] * 6)

    def test_the_key_ends_with_the_tab_and_the_view_with_its_asking(self):
        self.open_operator()
        self.assertEqual(
            self.page.run("localStorage.getItem('troika.settings')?.includes('admin')"), False
        )
        self.page.click("#new-chat")
        time.sleep(0.1)
        asked = self.server.asked.count("/metrics")
        time.sleep(2.5)
        self.assertEqual(self.server.asked.count("/metrics"), asked)

    def test_readings_are_understood(self):
        value = self.page.run("""(async () => {
          const m = await import('./page/metrics.js');
          const old = new m.Reading('troika_answer_tokens_total{tenant="a"} 100\\n', 0);
          const now = new m.Reading('# HELP x\\ntroika_answer_tokens_total{tenant="a"} 160 17\\n' +
            'troika_answer_tokens_total{tenant="b \\\\"q\\\\""} 20\\nbroken{\\n', 10);
          const begun = new m.Reading('troika_answer_tokens_total{tenant="a"} 30\\n', 20);
          return [m.rate(now, old, 'generated'), [...m.rateBy(now, old, 'generated', 'tenant')],
            m.rate(begun, now, 'generated'), m.rate(now, old, 'drafted'),
            m.fairness(new Map([['a', 30], ['b', 10]]), new Map([['a', 3], ['b', 1]])),
            m.fairness(new Map([['a', 30], ['b', 0]]), new Map())];
        })()""")
        self.assertEqual(value, [8, [["a", 6], ['b "q"', 2]], 3, None, 1, None])


class LooksTest(PageCase):
    def test_pictures_are_not_blank(self):
        self.ask("markdown")
        with tempfile.TemporaryDirectory() as folder:
            for dark in (False, True):
                self.page.dark(dark)
                path = pathlib.Path(folder) / "page.png"
                self.page.screenshot(path)
                self.assertGreater(path.stat().st_size, 20000)


if __name__ == "__main__":
    unittest.main()
