"""The verdict of a gate as JUnit XML, which continuous integration shows check by check.

A ``testsuites`` of a ``testsuite`` for each condition, of a ``testcase`` for each check, with
``failure``, ``error`` or ``skipped`` where it did not pass: what CI servers commonly read.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bench.gate.text import cells, failure_images, failure_text, headline
from bench.gate.verdict import Check, Outcome, Verdict

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Signs that XML 1.0 has no place for (https://www.w3.org/TR/xml/#charsets), even escaped."""


def verdict_junit(verdict: Verdict) -> bytes:
    """Return the XML in UTF-8: a test case for each check, or one that tells the reason."""
    root = ElementTree.Element("testsuites", name="bench gate")
    if not verdict.checks:
        _lone_case(_suite(root, "gate"), verdict)
    for dataset, recipe in dict.fromkeys((c.dataset, c.recipe) for c in verdict.checks):
        suite = _suite(root, f"{dataset} × {recipe}")
        for check in verdict.checks:
            if (check.dataset, check.recipe) == (dataset, recipe):
                _case(suite, check)
    for element in (*root, root):
        cases = list(element.iter("testcase"))
        element.set("tests", str(len(cases)))
        for attribute, kind in _COUNTED.items():
            element.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(root, "testsuite", name=_clean(name))


def _case(suite: ElementTree.Element, check: Check) -> None:
    name = f"{check.metric} is not worse by more than {check.limit_text}"
    case = ElementTree.SubElement(
        suite, "testcase", classname=_clean(check.restorer), name=_clean(name)
    )
    if check.failed:
        failure = ElementTree.SubElement(case, "failure", message=_clean(failure_text(check)))
        failure.text = _clean("\n".join([" | ".join(cells(check)), *failure_images(check)]))
    else:
        ElementTree.SubElement(case, "system-out").text = _clean(" | ".join(cells(check)))


def _lone_case(suite: ElementTree.Element, verdict: Verdict) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="gate", name="can be decided")
    stopped = verdict.outcome is Outcome.NOT_COMPARABLE or verdict.exit_code
    kind = "error" if stopped else "skipped"
    ElementTree.SubElement(case, kind, message=_clean(headline(verdict)))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
