"""The size of the benchmark, its log, and the report at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from benches import logs, report
from benches.logs import Size
from benches.report import Results

RESULTS = pytest.StashKey[Results]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--size",
        default="2M",
        type=Size.of,
        metavar="N",
        help="records of the benchmark's log: 200k, 2M (the default), 20M",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = Results(config.getoption("--size"))


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Results:
    """Where figures are gathered."""
    return request.config.stash[RESULTS]


@pytest.fixture(scope="session")
def size(results: Results) -> Size:
    """How many records."""
    return results.size


@pytest.fixture(scope="session")
def log(size: Size) -> Path:
    """The log."""
    return logs.log(size)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the report, if everything was measured."""
    results = session.config.stash[RESULTS]
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and results.complete() and reporter is not None:
        path = report.write(results)
        reporter.ensure_newline()
        reporter.write_line(f"{path} written")
