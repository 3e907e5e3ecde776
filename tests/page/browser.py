"""Headless Chromium, driven through its DevTools protocol over two pipes; the standard library is
enough. Keys and clicks are those of a person: they go where the focus and the pointer are."""

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
KEYS = {"Enter": (13, "\r"), "Escape": (27, None), "ArrowUp": (38, None), "Tab": (9, None)}


def find_browser():
    """The program, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One process with a profile of its own, which ends with it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        to_read, self.to_write = os.pipe()
        self.from_read, to_answer = os.pipe()
        # Numbers that the shell's own redirections do not touch.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_read, to_answer)]
        command = [
            find_browser(),
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            f"--user-data-dir={self.folder}",
            "about:blank",
        ]
        redirect = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", redirect, "browser", *command],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, to_answer, *ends):
            os.close(end)
        self.number = 0
        self.answers = {}
        self.pages = {}
        self.arrived = threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        buffer = b""
        while chunk := os.read(self.from_read, 1 << 16):
            *messages, buffer = (buffer + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    with self.arrived:
                        self.answers[message["id"]] = message
                        self.arrived.notify_all()
                elif message.get("sessionId") in self.pages:
                    self.pages[message["sessionId"]].heard(message["method"], message["params"])

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        number = self.number
        os.write(self.to_write, json.dumps(message).encode() + b"\0")
        with self.arrived:
            if not self.arrived.wait_for(lambda: number in self.answers, timeout=120):
                raise TimeoutError(f"{method}: no answer of the browser")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url, width=1280, height=800, dark=False, phone=False):
        """A page in a new context: nothing kept of pages before."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, session["sessionId"])
        self.pages[page.session] = page
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.size(width, height, phone)
        page.dark(dark)
        page.call("Page.navigate", url=url)
        page.wait("document.body && document.body.dataset.ready === 'true'")
        return page

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.to_write)
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        self.requests = []  # URLs that were asked for
        self.problems = []  # exceptions and errors on the console
        self.events = queue.Queue()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def heard(self, method, parameters):
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(
                details.get("exception", details).get("description", details["text"])
            )
        elif method == "Log.entryAdded" and parameters["entry"]["source"] in (
            "security",
            "violation",
        ):
            self.problems.append(parameters["entry"]["text"])

    def size(self, width, height, phone=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def dark(self, dark):
        value = "dark" if dark else "light"
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": value}],
        )

    def run(self, script):
        """The value of an expression, of a promise what it resolves to."""
        answer = self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, script, seconds=45):
        """Until the expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(f"(async () => Boolean({script}))()"):
                return
            time.sleep(0.03)
        raise AssertionError(
            f"not within {seconds} s: {script}; problems: {self.problems}; "
            f"{self.run('document.body.innerText.slice(0, 2000)')}"
        )

    def text(self, selector):
        return self.run(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".map((element) => element.innerText)"
        )

    def count(self, selector):
        return self.run(f"document.querySelectorAll({json.dumps(selector)}).length")

    def click(self, selector, number=0):
        """With the pointer, in the middle of what can be seen of it."""
        place = self.run(
            f"(() => {{ const one = document.querySelectorAll({json.dumps(selector)})[{number}];"
            "one.scrollIntoView({block: 'nearest'}); const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="none" if kind == "mouseMoved" else "left",
                clickCount=1,
            )

    def type(self, text):
        self.call("Input.insertText", text=text)

    def press(self, key, modifiers=0):
        code, text = KEYS.get(key, (ord(key.upper()[0]), None if modifiers else key))
        shared = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        down = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **shared, **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    def reload(self):
        self.run("document.body.dataset.ready = ''")
        self.call("Page.reload")
        self.wait("document.body && document.body.dataset.ready === 'true'")

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
