"""Options of this test suite."""

from __future__ import annotations

import hypothesis
import pytest

from rtrl_edge.device import host

# no timed tests: a loaded machine is not a defect
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden from what is generated now; then read the diff"
    )


@pytest.fixture
def this_cpu() -> None:
    """Twins take the instructions of this CPU, as a user's do."""


@pytest.fixture(autouse=True)
def _plain_twins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins are plain C at -Og unless a test says otherwise, as there are thousands: -O2 takes three times as long to
    compile, AVX2's header half a second. That no level and no instruction changes a bit is test_bits_host.py's."""
    if "this_cpu" not in request.fixturenames:
        monkeypatch.setattr(host, "best_simd", lambda: "none")
        monkeypatch.setattr(host, "OPTIMISED", ("-Og",))
