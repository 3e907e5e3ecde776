"""A server whose model computes on other devices than the CPU, inside its sandbox."""

import subprocess
import unittest

from serving import MODEL, PROGRAM, Server, can_serve

QUESTION = {"messages": [{"role": "user", "content": "What is 34 + 58?"}], "max_tokens": 80}


def has_vulkan():
    return can_serve() and "vulkan:0" in subprocess.run(
        [PROGRAM, "devices"], capture_output=True, text=True, check=True).stdout


@unittest.skipUnless(has_vulkan(), "no Vulkan device on this machine")
class VulkanTest(unittest.TestCase):
    def test_the_sandbox_lets_drivers_in(self):
        server = Server("--device", "vulkan", parallel=2)
        self.addCleanup(server.stop)
        status, _, answer = server.ask("/v1/chat/completions", body=QUESTION)
        self.assertEqual(status, 200, answer)
        self.assertIn("92", answer["choices"][0]["message"]["content"])
        self.assertIn("sandbox: files are", "".join(server.lines))


if __name__ == "__main__":
    unittest.main()
