"""D, and the products with it; C: ``dynamics.c``, ``keep.c``, ``immediate.c``, ``dot_c.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import WEIGHT_FRAC, block_shift, fits, round_shift
from ..fixed.words import Int
from .net import Net


def dynamics(net: Net) -> None:
    """D = the cell's mix, rounded with one exponent, so that no row of D and keep together has a large L1 norm."""
    d, f = net.dims, net.formats
    mix = net.cell.cell_mix(net)
    size = np.abs(mix).sum(axis=1)
    if d.private:
        keep = np.abs(net["keep"].reshape(d.components, d.private, d.units)).sum(axis=1).ravel()
        size = size + (keep << int(f.mix_frac - net["k_exp"]))
    shift = block_shift(
        l1=int(size.max()),
        peak=int(np.abs(mix).max()),
        terms=d.units + d.private,
        l1_max=f.l1_max,
        peak_max=f.dynamics_max,
        least=WEIGHT_FRAC,
    )
    D = round_shift(mix, shift)
    assert np.abs(D).max() <= f.dynamics_max
    assert np.abs(D).sum(axis=1).max() <= f.l1_max
    net["D"][: D.size], net["d_exp"] = D.ravel(), f.mix_frac - shift


def keep_times(net: Net, J: Int) -> Int:
    """keep J for columns J (P, states), in the fraction bits of D J."""
    d = net.dims
    acc = np.zeros((len(J), d.components, d.units), dtype=np.int64)
    if d.private:
        keep = net["keep"].reshape(d.components, d.private, d.units)
        for of in range(d.private):
            part = fits(keep[None, :, of] * J.reshape(-1, d.components, d.units)[:, of : of + 1])
            acc += round_shift(part, int(net["k_exp"] - net["d_exp"]))
    return acc.reshape(len(J), d.states)


def dot_dynamics(net: Net, J: Int) -> Int:
    """D times the last component of columns J (P, states): (P, states); |.| < 2^30 by the L1 rule."""
    d = net.dims
    return fits(J[:, d.states - d.units :] @ net["D"][: d.states * d.units].reshape(d.states, d.units).T, 31)


def by_neuron(net: Net, own: Int, vector: Int) -> Int:
    """vector^T I, without z, of every gate's neurons (gates, neurons): ``own`` (gates, units) of those that move their
    own unit alone; else spread times the ``vector`` of the last component (units,)."""
    d = net.dims
    found = np.zeros((len(d.structure.blocks), d.neurons), dtype=np.int64)
    found[:, : d.units] = own
    for b, block in enumerate(d.structure.blocks):
        if block.spread:
            found[b] = net["spread"].reshape(d.neurons, d.units) @ vector
    return found


def immediate_add(net: Net, acc: Int, frac: Int) -> Int:
    """acc (P, states) with ``frac`` (P,) fraction bits, plus the immediate term of every column."""
    d = net.dims
    block, unit, seen = d.places
    z = net["z"][seen]
    coef = net["coef"].reshape(-1, d.components, d.units)
    down = np.minimum(net.formats.coef_frac + 15 - frac, 31)
    spread = np.array([b.spread for b in d.structure.blocks])[block]
    for k in range(d.components):
        own = np.flatnonzero(~spread)
        value = fits(coef[block[own], k, unit[own]] * z[own])
        acc[own, k * d.units + unit[own]] += round_shift(value, down[own])
    if spread.any():
        wide = np.flatnonzero(spread)
        value = fits(net["spread"].reshape(d.neurons, d.units)[unit[wide]] * z[wide, None])
        acc[wide, d.states - d.units :] += round_shift(value, down[wide, None])
    return fits(acc)
