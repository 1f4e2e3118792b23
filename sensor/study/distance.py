"""How unlike two blocks are: three measures, each of many pairs of profiles at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PERSISTENCE = 0.9
"""Of rank-biased overlap: the first ten ranks carry six sevenths of the weight."""


def jensen_shannon(one: Array, other: Array) -> Array:
    """Jensen-Shannon divergence in bits, 0 for equal distributions and 1 for disjoint ones (Lin 1991).

    Parameters
    ----------
    one, other
        Counts, shape (pairs, columns).
    """
    first, second = _distribution(one), _distribution(other)
    middle = (first + second) / 2
    return (_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2


def rank_biased_overlap(one: Array, other: Array) -> Array:
    """Rank-biased overlap of the orders by count, extrapolated (Webber, Moffat and Zobel 2010), 0 to 1.

    Columns without any count have no rank. Equal counts rank by column.
    """
    columns = one.shape[1]
    present = (one > 0).sum(axis=1), (other > 0).sum(axis=1)
    depth = np.maximum(np.minimum(*present), 1)
    # A column is in both lists from the deeper of its two ranks on.
    meets = np.maximum(_ranks(one), _ranks(other))
    depths = np.arange(1, columns + 1)
    common = np.stack([np.bincount(row, minlength=columns + 1)[:columns].cumsum() for row in meets])
    within = depths[None, :] <= depth[:, None]
    agreement = np.where(within, common / depths, 0.0)
    series = (1 - PERSISTENCE) * (agreement * PERSISTENCE ** (depths - 1)).sum(axis=1)
    last = common[np.arange(len(common)), depth - 1] / depth
    return np.asarray(series + last * PERSISTENCE**depth)


def correlation(one: Array, other: Array) -> Array:
    """Pearson's correlation of each pair of rows; 0 where one of them is flat."""
    first, second = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    products = (first * second).sum(axis=1)
    return np.asarray(np.divide(products, scale, out=np.zeros(len(one)), where=scale > 0))


def _distribution(counts: Array) -> Array:
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros_like(counts, dtype=float), where=total > 0)
    return np.asarray(shares)


def _relative_entropy(one: Array, other: Array) -> Array:
    ratio = np.divide(one, other, out=np.ones_like(one), where=(one > 0) & (other > 0))
    return np.asarray((one * np.log2(ratio)).sum(axis=1))


def _ranks(counts: Array) -> NDArray[np.int64]:
    """Place of each column in the order by count, from 0; beyond all columns where there is no count."""
    columns = counts.shape[1]
    order = np.argsort(-counts, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(columns), order.shape), axis=1)
    return np.where(counts > 0, ranks, columns)
