"""Where code lies: what import-linter (pyproject.toml) cannot say."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_at_most_eight_modules_lie_in_shared_itself() -> None:
    modules = [path.name for path in (ROOT / "shared").glob("*.py") if path.name != "__init__.py"]
    assert 0 < len(modules) <= 8, sorted(modules)


def test_function_app_imports_only_the_app_the_triggers_and_the_settings() -> None:
    imported = set()
    for node in ast.walk(ast.parse((ROOT / "function_app.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = {name.split(".")[1] for name in imported if name.split(".")[0] == "shared"}
    assert parts
    assert parts - {"app", "triggers", "settings"} == set()
