"""Learning steps a second of the host twin: the table "On the computer" in ``docs/speed.md``.

Run: .venv/bin/python -m tests.measure_host   (a minute; needs a C compiler)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import rtrl_edge as rt
from rtrl_edge.device import Int16
from rtrl_edge.device.host import best_simd

from .models import integer_model, words

STEPS, AGAIN = 1000, 7


def seconds(work: Callable[[], object]) -> float:
    """Of this process' one core, the least of several times: whatever else runs makes them longer, never shorter."""
    found = []
    for _ in range(AGAIN):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def single_calls(twin: rt.HostTwin, x: Int16, target: Int16) -> None:
    """The steps from Python, one by one."""
    for t in range(STEPS):
        twin.predict(x[t])
        twin.learn(target[t])


def main() -> None:
    """RNN of one input and output, RTRL and SGD; random words of an eighth of the range, a label at every step."""
    simds = list(dict.fromkeys(["none", best_simd()]))
    names = [name for simd in simds for name in (f"{simd}: play", f"{simd}: predict, learn")]
    print(f"| steps/s | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for units, numbers in ((8, rt.R16()), (16, rt.R16()), (32, rt.R16()), (16, rt.R8()), (32, rt.R8())):
        model = integer_model(units, 1, 1, numbers=numbers)
        x, target, _ = words(model, STEPS, 1)
        x, target = x // 8, target // 8
        rates = []
        for simd in simds:
            with rt.HostTwin(model, simd=simd) as twin:
                times = [seconds(partial(work, x, target)) for work in (twin.play, partial(single_calls, twin))]
            rates += [f"{STEPS / taken:,.0f}" for taken in times]
        print(f"| RNN({units}) {numbers.name} | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
