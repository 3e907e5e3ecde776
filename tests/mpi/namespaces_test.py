"""Four ranks of MPI with addresses of their own, over TCP: the bytes of one process."""

import json
import os
import signal
import tempfile
import time
import unittest

import namespaces
import ranks
from ranks import SECONDS_MAX, answer, run, troika

HOSTS = ["10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.4"]

class NamespacesTest(unittest.TestCase):
    def setUp(self):
        if reason := ranks.reason_to_skip() or namespaces.reason_to_skip():
            self.skipTest(reason)
        if not ranks.open_mpi():
            self.skipTest("no Open MPI, whose flags these are")
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def hosts(self, extra=()):
        hosts = namespaces.Namespaces(self.folder.name, HOSTS, extra)
        self.addCleanup(hosts.end)
        return hosts

    @staticmethod
    def mpirun(hosts):
        return hosts.command(
            "mpirun", "--allow-run-as-root", "-n", len(HOSTS), "--host", ",".join(HOSTS),
            "--bind-to", "none", "--mca", "plm_rsh_agent", hosts.agent, "--mca", "btl", "tcp,self",
            "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "oob_tcp_if_include",
            "10.77.0.0/24")

    def test_four_hosts_answer_as_one_process(self):
        hosts = self.hosts()
        command = [*self.mpirun(hosts), *troika("--device", "mpi")]
        self.assertEqual(
            json.dumps(answer(*command, timeout=SECONDS_MAX), sort_keys=True, default=str),
            ranks.alone())
        uneven = [*self.mpirun(hosts), *troika("--device", "mpi", "--split", "3,1,2,2")]
        self.assertEqual(
            json.dumps(answer(*uneven, timeout=SECONDS_MAX), sort_keys=True, default=str),
            ranks.alone())

    def test_a_rank_that_is_killed_ends_all(self):
        job = ranks.Job([*self.mpirun(self.hosts()), *ranks.long_text()])
        self.addCleanup(job.kill)
        job.process.stdout.read(1)
        os.kill(job.rank(2), signal.SIGKILL)
        begin = time.monotonic()
        self.assertNotEqual(job.end(), 0)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertRegex("".join(job.lines), "process rank 2 .*signal 9")

    def test_a_host_that_cannot_be_reached_any_more_is_missed(self):
        hosts = self.hosts()
        job = ranks.Job([*self.mpirun(hosts), *ranks.long_text("--mpi-timeout", "3")])
        self.addCleanup(job.kill)
        job.process.stdout.read(1)
        hosts.unplug(2)
        job.wait_for(r"^troika: member \d of 4 .*no sign of life for 3 s")
        # mpirun waits for the host on its own account; whoever started it may not.

    def test_a_host_with_a_public_address_is_refused(self):
        hosts = self.hosts(extra=[(2, "203.0.113.7")])
        refused = run(*self.mpirun(hosts), *troika("--device", "mpi"), timeout=SECONDS_MAX)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("rank 2 on node2 has the public address 203.0.113.7", refused.stderr)
        trusted = [*self.mpirun(hosts), *troika("--device", "mpi", "--mpi-trust-network")]
        self.assertEqual(
            json.dumps(answer(*trusted, timeout=SECONDS_MAX), sort_keys=True, default=str),
            ranks.alone())


if __name__ == "__main__":
    unittest.main()
