"""`ica rules backtest`: arguments, documents and stacks that it refuses."""

import pytest

from tests.fakes.make import pause_rule
from tests.integration.aws import TABLE, Aws
from tests.integration.ica.backtest.conftest import Run
from tests.integration.ica.conftest import Write


class TestRefused:
    """One clear sentence, and the exit code."""

    def test_a_table_without_outcomes(self, run: Run) -> None:
        done = run("-o", "json", rules=[pause_rule()])
        span = "between 2026-11-20 00:00 UTC and 2026-11-24 00:00 UTC"
        assert done.err == f"past has no outcome {span} in its index: there is nothing to compare.\n"
        assert (done.code, done.json["outcomes"], done.json["rules"]["p"]["now"]) == (0, 0, 0)

    def test_a_table_without_the_index(self, stack: Aws, run: Run) -> None:
        stack.dynamodb.update_table(TableName=TABLE, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_day"}}])
        done = run(rules=[pause_rule()])
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("This stack's table has no index by day yet")

    def test_a_stack_that_does_not_exist(self, run: Run) -> None:
        done = run("--stack", "nowhere", rules=[pause_rule()])
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("There is no stack named nowhere in ")

    def test_no_credentials(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("botocore.credentials.CredentialResolver.load_credentials", lambda _: None)
        done = run(rules=[pause_rule()])
        assert (done.code, done.out) == (3, "")
        assert done.err == "No AWS credentials are found. Log in (`aws login`), or set AWS_PROFILE.\n"

    def test_a_stored_document_that_is_not_valid(self, stack: Aws, run: Run, write: Write) -> None:
        stack.put_parameter("/past/rules", '{"version": 1, "rules": 7}')
        done = run(rules=[pause_rule()])
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("/past/rules version 1 is refused as a whole, and events wait until it is mended:")
        assert done.err.endswith("--against FILE compares with a file instead.\n")
        assert run("--against", write("old.json", {"version": 1, "rules": []}), rules=[pause_rule()]).code == 0

    @pytest.mark.parametrize(
        ("period", "sentence"),
        [
            (("--since", "soon"), "--since soon is no time. Write 30d, 12h or 2w before now, or a time such as"),
            (("--since", "0d"), "--since 0d is no time."),
            (("--from", "2026-02-30"), "--from 2026-02-30 is no time."),
            (("--since", "99999w"), "99999w is too long ago: a period has ten years at most."),
            (("--since", "3d", "--to", "1d"), "--since reaches to now. Give either it, or --from and --to."),
            (("--from", "1d", "--to", "3d"), "The period would begin at "),
        ],
    )
    def test_a_period_that_is_none(self, run: Run, period: tuple[str, ...], sentence: str) -> None:
        done = run(rules=[pause_rule()], period=period)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert done.err.startswith(sentence)

    def test_a_document_that_is_not_valid(self, run: Run) -> None:
        done = run(rules=[pause_rule(-5)])
        assert (done.code, done.out) == (2, "")
        assert "rules[0].longer_than_ms: must be at least 0, not -5" in done.err
