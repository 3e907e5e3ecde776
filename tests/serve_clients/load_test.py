"""Short versions of bench/serving/acceptance: what the server is held to under load, in seconds."""

import importlib.util
import unittest

import serving
from runs import crash, health, hostile, ledger, neighbour, postgres, quotas, replicas, schemas
from runs.checks import Checks


@unittest.skipUnless(serving.can_serve(), "build/release has no troika that serves")
class LoadTest(unittest.TestCase):
    def hold(self, run, size):
        checks = Checks()
        run.run(checks, size)
        self.assertEqual(checks.failures, [], checks.table())

    def test_the_ledger_holds_what_clients_counted(self):
        self.hold(ledger, ledger.Size(tenants=8, seconds=4))

    def test_a_kill_charges_for_one_step_more_at_most(self):
        self.hold(crash, crash.Size(rounds=2, streams=16, slots=16, tokens_max=1000))

    def test_a_flood_leaves_its_neighbour_its_share(self):
        # On a machine that does other things, only what is far off is an error: who has to wait
        # for the flood before it waits a hundred times as long.
        self.hold(neighbour, neighbour.Size(answers=8, tokens=24, ratio_max=50, share_min=0.5))

    def test_quotas_refuse_exactly_at_their_limit(self):
        self.hold(quotas, quotas.Size(requests=12, wait=False))

    def test_health_is_told_while_a_long_prompt_is_read(self):
        # Held up by what computes, it would take as long as the prompt: seconds.
        self.hold(health, health.Size(prompts=1, p99_max_ms=500))

    def test_slow_and_oversized_requests_leave_the_others_served(self):
        self.hold(hostile, hostile.Size(slow=90, seconds=1.5, body_mib=4, grown_mib_max=300))

    @unittest.skipIf(importlib.util.find_spec("jsonschema") is None, "no package jsonschema")
    def test_what_is_written_under_schemas_is_valid(self):
        self.hold(schemas, schemas.Size(schemas=40, again=10))

    @unittest.skipIf(postgres.why_not(), postgres.why_not())
    def test_replicas_share_a_quota(self):
        self.hold(replicas, replicas.Size(requests=12, tokens=1500))


if __name__ == "__main__":
    unittest.main()
