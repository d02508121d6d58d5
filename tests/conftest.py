"""Options of this test suite."""

from __future__ import annotations

import hypothesis
import pytest

# no timed tests: a loaded machine is not a defect
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden from what is generated now; then read the diff"
    )
