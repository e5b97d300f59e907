"""Bytes of any kind, a million of them on the decoder, break nothing and leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.stack import ROOT

HERE = Path(__file__).parent
LARGEST_MB = 200  # of the whole process
SLOWEST_S = 10  # for one input, on a machine that is busy
# Linux counts the memory of whoever started a process as its own; a shell is small
THROUGH_A_SHELL = ("sh", "-c", '"$@"; exit $?', "sh")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("target", "runs"), [("decoder", 1_000_000), ("template", 30_000), ("discovery", 30_000)]
)
def test_no_bytes_break_it_and_memory_stays_flat(target: str, runs: int, tmp_path: Path):
    found = tmp_path / "found"
    found.mkdir()
    ended = subprocess.run(
        [
            *THROUGH_A_SHELL,
            *(sys.executable, "-m", "tests.fuzz", target),
            *(f"-runs={runs}", "-seed=4", "-max_len=400", f"-dict={HERE / target}.dict"),
            *(f"-timeout={SLOWEST_S}", f"-rss_limit_mb={LARGEST_MB}"),
            *(f"-artifact_prefix={tmp_path}/", str(found), str(HERE / "corpus" / target)),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert f"Done {runs} runs" in ended.stderr


@pytest.mark.parametrize(
    "path",
    sorted((HERE / "corpus").glob("*/*")),
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_inputs_at_hand_are_taken(path: Path):
    TARGETS[path.parent.name](path.read_bytes())
