"""Every rule of the catalogue is there, once, and explains itself."""

from __future__ import annotations

import pytest

from nninspect.doctor import manual
from nninspect.doctor.catalog import all_rules, chosen
from nninspect.doctor.rule import indexed

CATALOGUE = {
    *(f"NN{number}" for number in range(101, 113)),
    *(f"NN{number}" for number in (*range(201, 207), *range(208, 211))),
    *(f"NN{number}" for number in range(301, 310)),
    *(f"NN{number}" for number in range(401, 414)),
    *(f"NN{number}" for number in range(501, 510)),
    *(f"NN{number}" for number in range(600, 610)),
    *(f"NN{number}" for number in range(701, 710)),
    *(f"NN{number}" for number in (*range(801, 807), 808)),
    *(f"NN{number}" for number in range(901, 907)),
}


def test_the_catalogue_is_complete() -> None:
    assert {rule.code for rule in all_rules()} == CATALOGUE


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_a_rule_documents_itself_and_the_page_agrees_with_the_class(rule: type) -> None:
    page = manual.page(rule.code)
    assert page is not None
    assert (page.name, page.severity) == (rule.name, rule.severity)
    assert page.summary.endswith(".")
    assert page.family


def test_names_are_unique() -> None:
    names = [rule.name for rule in all_rules()]
    assert len(names) == len(set(names))


def test_a_selection_of_codes_takes_families_and_single_rules() -> None:
    assert {rule.code for rule in chosen(("NN2",), ("NN202",))} >= {"NN201"}
    assert "NN202" not in {rule.code for rule in chosen(("NN2",), ("NN202",))}
    assert not [rule for rule in chosen(("NN2",)) if not rule.code.startswith("NN2")]


def test_a_docstring_without_a_section_is_refused() -> None:
    with pytest.raises(ValueError, match="sections"):
        manual.parse("What is found.\n\nWhy: because.\n")


def test_code_of_a_change_has_indices_where_python_has_them() -> None:
    assert indexed("return self.layers.3(x)  # 0.5") == "return self.layers[3](x)  # 0.5"
    assert indexed("self.a.0.b.1.weight = 0.5") == "self.a[0].b[1].weight = 0.5"
