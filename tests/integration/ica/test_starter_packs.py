"""The starter packs in `rules/`: each works as it stands, and its tests pass."""

from pathlib import Path

import pytest

from cli.rules.document import read_document
from domain.rules.rule import Rule
from local.places import ROOT
from tests.fakes.ica import ica

FOLDER = ROOT / "rules"
PACKS = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".tests.json"))
RULES = [pytest.param(rule, id=f"{path.stem}-{rule.id}") for path in PACKS for rule in read_document(path).rules.rules]


def test_there_are_three() -> None:
    assert [path.stem for path in PACKS] == ["compliance", "sales", "support"]


@pytest.mark.parametrize("pack", PACKS, ids=lambda path: path.stem)
def test_a_pack_passes_its_tests_and_leaves_room_for_more(pack: Path) -> None:
    done = ica("rules", "test", pack)
    assert done.code == 0, done.out + done.err
    assert read_document(pack).stored_bytes <= 4_096


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_tells_the_supervisor_what_to_do(rule: Rule) -> None:
    assert rule.help
    assert rule.help[0].isupper()
    assert rule.help[-1] in ".?"


def test_the_documented_example_is_the_vendor_s() -> None:
    shipped = FOLDER / "results" / "documented-example.json"
    assert shipped.read_bytes() == (ROOT / "local" / "fixtures" / "recording_123.json").read_bytes()
