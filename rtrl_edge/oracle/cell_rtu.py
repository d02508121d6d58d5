"""RTU: c' = lambda c + gamma (W1 + i W2) x, lambda = r e^(i theta), r = sigmoid(nu), theta = (pi / 8) times its weight.

Shapes: state s = [Re c; Im c] (2 n,); flat weights nu (n,), theta (n,), W1, W2 (n, inputs).
The derivatives are those of this file's own forward pass, in complex numbers; finite differences judge them.
Source: Elelimy et al. 2024; Orvieto et al. 2023.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..model import RTU, Dims
from .plain import direct, sigmoid
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]

TURN = np.pi / 8  # radians of one unit of the angle's weight

Complex = npt.NDArray[np.complex128]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """[Re c'; Im c'] (2 n,)."""
    r, unit, U = _split(d, w)
    c = r * unit * (s[: d.units] + 1j * s[d.units :]) + _gamma(r) * (U @ x)
    return np.concatenate((c.real, c.imag))


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """D: multiplication with lambda. I: the derivatives of c' by nu, theta, W1 and W2, as real and imaginary rows."""
    n = d.units
    r, unit, U = _split(d, w)
    lam, gamma = r * unit, _gamma(r)
    c = s[:n] + 1j * s[n:]
    slope = r * (1 - r)  # dr/dnu
    by_nu = slope * unit * c - slope * r / gamma * (U @ x)  # dgamma/dr = -r / gamma
    by_theta = TURN * 1j * lam * c
    by_w1 = np.einsum("ik,k,j->ikj", np.eye(n), gamma, x).reshape(n, -1)
    columns = np.hstack((np.diag(by_nu), np.diag(by_theta), by_w1, 1j * by_w1))
    a, b = np.diag(lam.real), np.diag(lam.imag)
    return np.block([[a, -b], [b, a]]), np.vstack((columns.real, columns.imag))


def visible(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """h (2 n,)."""
    return np.tanh(s) if _squash(d) else s


def visible_jacobian(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """Diagonal (2 n, 2 n)."""
    return np.diag(1.0 - np.tanh(s) ** 2) if _squash(d) else np.eye(2 * d.units)


def _squash(d: Dims) -> bool:
    assert isinstance(d.cell, RTU)
    return d.cell.squash


def _split(d: Dims, w: Float) -> tuple[Float, Complex, Complex]:
    """r (n,), e^(i theta) (n,) and W1 + i W2 (n, inputs)."""
    n = d.units
    W1, W2 = w[2 * n :].reshape(2, n, d.inputs)
    return sigmoid(w[:n]), np.exp(1j * TURN * w[n : 2 * n]), W1 + 1j * W2


def _gamma(r: Float) -> Float:
    return np.sqrt(1.0 - r * r)
