"""The doctor on the bundled networks: each twin's mistake and nothing else; healthy ones silent."""

from __future__ import annotations

import pytest

from nninspect.doctor.check import check
from nninspect.engine.session import Session
from nninspect.plugin import ModelCard, collections
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.records import Setup

CARDS = [card for each in collections() if each.name == "bundled" for card in each.cards]
TWINS = [card for card in CARDS if card.twin_of]
HEALTHY = [card for card in CARDS if not card.twin_of]


def checked(card: ModelCard) -> CheckResult:
    session = Session()
    try:
        return check(session, Setup(target=card.name), CheckPlan(), lambda *_: None)
    finally:
        session.drop()


def name(card: ModelCard) -> str:
    return card.name


@pytest.mark.parametrize("card", TWINS, ids=name)
def test_a_broken_twin_is_found_with_exactly_its_codes(card: ModelCard) -> None:
    result = checked(card)
    assert {finding.code for finding in result.findings} == set(card.findings)
    assert not [rule for rule in result.skipped if "itself failed" in rule.reason]


@pytest.mark.parametrize("card", HEALTHY, ids=name)
def test_a_healthy_network_is_silent(card: ModelCard) -> None:
    result = checked(card)
    assert result.findings == ()
    assert not [rule for rule in result.skipped if "itself failed" in rule.reason]


def test_every_twin_says_what_is_to_be_found() -> None:
    assert all(card.findings for card in TWINS)
    assert not any(card.findings for card in HEALTHY)
