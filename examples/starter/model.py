"""A model to start from. `rtrl-edge simulate model.py` plays it as it is; change it line by line.

The command line asks this file for two things:
    build()   the integer model: definition, trained, quantized
    stream()  the recording that simulate, run and verify play (or give them a file: simulate model.py data.csv)
"""

from pathlib import Path

import rtrl_edge as rt
from rtrl_edge.evaluate.recordings import watch

HERE = Path(__file__).parent

# The recording. Yours: rt.load_stream(HERE / "data.csv"), a header line and one sample a row; columns whose
# names begin with "target" are labels, without any the label is the next sample.
recording = watch()

model = rt.Model(
    name="gait",  # prefix of every name in the generated C
    inputs=6,  # sensor channels
    cells=[rt.RNN(8)],  # units: RAM grows with their cube, `rtrl-edge plan model.py` tells
    readout=rt.Linear(6),  # outputs
    loss=rt.SquaredError(),
    rule=rt.RTRL(),  # exact gradient through time; or rt.ReadoutOnly()
    optimiser=rt.SGD(rate=2**-4, readout_rate=2**-4, clip=1.0),  # powers of two: shifts on the chip
    numbers=rt.R16(cap=2),  # or rt.R8(cap=2): half the influence memory
)


def build() -> rt.IntegerModel:
    """Train once in float, keep the weights beside this file, quantize."""
    kept = HERE / "weights.npz"
    if kept.exists():
        weights = rt.Weights.load(kept)
    else:
        weights = rt.train(model, recording.past)
        weights.save(kept)
    return rt.quantize(model, weights, calibration=recording.past)


def stream() -> rt.Stream:
    """What the chip will meet."""
    return recording.future
