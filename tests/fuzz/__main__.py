"""`python -m tests.fuzz decoder [libFuzzer's options]`: bytes that seek new ways through the code.

A crash leaves its input beside the corpus; `python -m tests.fuzz decoder FILE` tries it again.
"""

import sys

import atheris

with atheris.instrument_imports(include=["devices.payloads", "devices.parsing", "devices.foreign"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()
