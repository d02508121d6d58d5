"""An Elman network that learns by exact RTRL in float64, fast enough to benchmark: what integers are compared with.

The oracle is the authority; this is the same mathematics with the influence as one matrix (units, columns).
"""

from __future__ import annotations

import numpy as np

from ..model import RNN, RTRL, SGD, Linear, Model
from ..oracle.voices import voices
from ..stream import Float, Stream
from ..weights import Weights


def float_rnn(model: Model, weights: Weights, stream: Stream) -> Float:
    """Outputs y (T, outputs), each before its label was seen; a stream without resets, in the network's units.

    Args:
        model: RNN, RTRL, Linear, SGD without decay and schedule, any loss; its numbers are ignored.
        weights: where to start.
        stream: T samples.
    """
    optimiser = model.optimiser
    assert (type(model.cell), type(model.rule), type(model.readout), type(optimiser)) == (RNN, RTRL, Linear, SGD)
    assert optimiser == SGD(optimiser.rate, optimiser.readout_rate, optimiser.clip)
    rate, readout_rate, clip = 2.0**-optimiser.rate_shift, 2.0**-optimiser.readout_rate_shift, optimiser.clip
    error, n, m = voices(model).loss.error, model.dims.units, model.dims.presynaptic
    W, V = weights.W.copy(), weights.V.copy()
    J = np.zeros((n, n * m))
    own = J.reshape(n, n, m)[np.arange(n), np.arange(n)]  # a copy: shape of the immediate Jacobian's entries
    rows, columns = np.repeat(np.arange(n), m), np.arange(n * m)
    z, h1 = np.ones(m), np.ones(n + 1)
    z[-n:] = h1[:n] = 0.0
    y = np.empty(stream.target.shape)
    known = stream.labelled.tolist()
    for t, x in enumerate(stream.x):
        z[: model.inputs], z[-n:] = x, h1[:n]
        h1[:n] = np.tanh(W @ z)
        y[t] = V @ h1
        slope = 1.0 - h1[:n] ** 2
        J = (slope[:, None] * W[:, -n:]) @ J
        np.multiply.outer(slope, z, out=own)
        J[rows, columns] += own.ravel()
        if known[t]:
            e = error(model.loss, y[t], stream.target[t])
            g = ((V[:, :n].T @ e) @ J).reshape(n, m)
            V -= readout_rate * np.clip(np.multiply.outer(e, h1), -clip, clip)
            W -= rate * np.clip(g, -clip, clip)
    return y
