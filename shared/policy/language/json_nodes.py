"""JSON text as the same tree of nodes that YAML gives, so that one set of kinds reads both. Pure.

JSON goes through Python's own reader: YAML's would stumble over tabs and over the surrogate pairs of `json.dumps`. That
reader keeps no places, so every node stands in the line where the text began; the path tells the rest.
"""

from __future__ import annotations

import json
from typing import Any

from shared.policy.language.findings import Report, Spot, ascii_safe, quoted
from shared.policy.language.yaml_nodes import MAX_DEPTH, Mapping, Node, Scalar, Sequence, child_path

_TAGS = {str: "str", bool: "bool", int: "int", float: "float", type(None): "null"}


def parse_json(text: str, report: Report, line: int = 1) -> Node | None:
    """The tree of a JSON text that begins in that line; None where it is no JSON, with the finding in the report."""
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
        return _node(value, line, "", report, 0)
    except json.JSONDecodeError as error:
        report.error(Spot(line + error.lineno - 1, error.colno), f"not JSON: {error.msg}")
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; nesting of thousands of levels
        report.error(Spot(line, 1), f"not JSON: {ascii_safe(str(error))[:200]}")
    return None


class _Pairs(list[tuple[str, Any]]):
    """An object's members as they were written, so that a key that is there twice can be refused."""


def _node(value: Any, line: int, path: str, report: Report, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, _Pairs):
        mapping = Mapping(line, 1, path)
        for key, member in value:
            place = Scalar(line, 1, child_path(path, key), key, "str")
            if key in mapping.entries:
                report.error(place, f"the key {quoted(key)} is here twice")
            mapping.keys[key] = place
            mapping.entries[key] = _node(member, line, place.path, report, depth + 1)
        return mapping
    if isinstance(value, list):
        items = [_node(item, line, f"{path}[{i}]", report, depth + 1) for i, item in enumerate(value)]
        return Sequence(line, 1, path, items)
    return Scalar(line, 1, path, value if isinstance(value, str) else json.dumps(value), _TAGS[type(value)])
