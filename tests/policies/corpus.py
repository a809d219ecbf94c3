"""The policies of this folder, and what their comments say about them.

A line that ends in `# expect: TEXT` (bad/) or `# warn: TEXT` (warn/) has a finding whose text holds TEXT;
`# warn-next: TEXT` says it of the next line. A bad policy that begins with `# beyond the schema` is wrong in a way that
JSON Schema cannot say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from shared.policy.language.findings import Finding, Report
from shared.policy.language.yaml_nodes import Mapping, Node, Scalar, Sequence, parse

FOLDER = Path(__file__).parent
BAD = sorted((FOLDER / "bad").glob("*.yaml"))
GOOD = sorted((FOLDER / "good").glob("*.yaml"))
WARN = sorted((FOLDER / "warn").glob("*.yaml"))
STARTER = FOLDER.parent.parent / "policy.yaml"


def stem(path: Path) -> str:
    return path.stem


def beyond_schema(path: Path) -> bool:
    return path.read_text().startswith("# beyond the schema\n")


def expected(path: Path, word: str) -> dict[int, str]:
    """Line -> the text that its finding holds."""
    lines = enumerate(path.read_text().splitlines(), 1)
    found = ((number, re.search(rf"# {word}(-next)?: (.+)", line)) for number, line in lines)
    return {number + bool(match[1]): match[2] for number, match in found if match}


def unmet(findings: list[Finding], wanted: dict[int, str]) -> list[str]:
    """What is not as expected: findings in other lines, lines without their finding."""
    wrong = [f"line {f.line} was not expected: {f}" for f in findings if f.line not in wanted]
    texts = {line: [str(f) for f in findings if f.line == line] for line in wanted}
    return wrong + [
        f"line {n}: {w!r} not in {texts[n]}" for n, w in wanted.items() if not any(w in t for t in texts[n])
    ]


def instance(text: str) -> Any:
    """The text as a YAML 1.2 editor sees it: only true and false are booleans, dates are text."""
    report = Report()
    root = parse(text, report)
    if root is None or report.failed:
        raise ValueError(report.findings)
    return _value(root)


def _value(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key: _value(value) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [_value(item) for item in node.items]
    if not isinstance(node, Scalar):
        raise TypeError("an alias has no value")
    if node.tag == "bool" and node.text.lower() in ("true", "false"):
        return node.text.lower() == "true"
    if node.tag == "int" and re.fullmatch("-?[0-9]+", node.text):
        return int(node.text)
    if node.tag == "float":
        return float(node.text)
    return None if node.tag == "null" else node.text
