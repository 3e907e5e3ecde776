"""What a run found: rows of what was measured beside the bar that it is held to."""


class Checks:
    def __init__(self):
        self.rows = []  # (what, bar, measured, whether it holds)

    def hold(self, what, bar, measured, holds):
        self.rows.append((what, bar, str(measured), bool(holds)))

    def equal(self, what, measured, wanted):
        self.hold(what, f"= {wanted}", measured, measured == wanted)

    def note(self, what, measured):
        """A figure that is reported and held to nothing."""
        self.rows.append((what, "", str(measured), True))

    @property
    def failures(self):
        return [f"{what}: {measured}, wanted {bar}" for what, bar, measured, ok in self.rows
                if not ok]

    def table(self):
        """The rows as a table of Markdown."""
        lines = ["| what | bar | measured | |", "|---|---|---|---|"]
        lines += [f"| {what} | {bar} | {measured} | {'' if ok else 'NOT HELD'} |"
                  for what, bar, measured, ok in self.rows]
        return "\n".join(lines)
