"""KF-RTRL in integers; C: ``rule_kf_rtrl.c``."""

from __future__ import annotations

from .kronecker import immediate_A, immediate_exponent, immediate_u, kronecker_step, rule_init, rule_reset
from .low_rank import dot, pair_exponent, pair_join, pair_merge, pair_sign
from .net import Net

__all__ = ["rule_init", "rule_reset", "rule_step"]


def rule_step(net: Net, learn: bool) -> None:
    """D A and the gradient, then u <- rho u + c z, A <- D A / rho + c I."""
    kronecker_step(net, learn)
    sign = pair_sign(net)
    u, A, z, fresh = net["u"][0], net["A"][0], immediate_u(net), immediate_A(net)
    old, new = (dot(u, u), dot(A, A), int(net["E"][0])), (dot(z, z), dot(fresh, fresh), immediate_exponent(net))
    m = pair_merge(old, new, sign)
    u[...], gain = pair_join(m, m.u_shift, u, z)
    A[...], more = pair_join(m, m.a_shift, A, fresh)
    net["E"][0] = pair_exponent(net, u, m.exponent + gain + more)
