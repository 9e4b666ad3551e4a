"""Agreement of two measurements of the same things: Bland-Altman, Pearson and the intraclass correlation ICC(2,1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BlandAltman:
    """Bias and 95 % limits of agreement of `n` differences with standard deviation `sd`, in the measurement's unit."""

    bias: Interval
    lower_limit: Interval
    upper_limit: Interval
    sd: float
    n: int


def bland_altman(measured: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> BlandAltman:
    """Bias and limits of agreement of `measured` minus `reference`.

    Limits are bias +- 1.96 SD; the standard error of the bias is SD / sqrt(n), that of a limit
    SD sqrt(1/n + 1.96^2 / (2 (n - 1))), with Student's t on n - 1 degrees of freedom (Bland & Altman, Lancet 1986 and
    Stat Methods Med Res 1999, section 2).

    Raises:
        ValueError: If there are fewer than two finite pairs.
    """
    first, second = _pairs(measured, reference, least=2)
    difference = first - second
    n, bias, sd = len(difference), difference.mean(), difference.std(ddof=1)
    z, t = stats.norm.ppf(0.975), stats.t.ppf((1 + confidence) / 2, n - 1)
    bias_margin = t * sd / np.sqrt(n)
    limit_margin = t * sd * np.sqrt(1 / n + z**2 / (2 * (n - 1)))
    return BlandAltman(
        bias=_around(bias, bias_margin),
        lower_limit=_around(bias - z * sd, limit_margin),
        upper_limit=_around(bias + z * sd, limit_margin),
        sd=float(sd),
        n=n,
    )


def pearson(measured: ArrayLike, reference: ArrayLike, confidence: float = 0.95) -> Interval:
    """Pearson's correlation with Fisher's confidence interval; NaN where one side does not vary.

    Raises:
        ValueError: If there are fewer than two finite pairs.
    """
    first, second = _pairs(measured, reference, least=2)
    first, second = first - first.mean(), second - second.mean()
    spread = np.linalg.norm(first) * np.linalg.norm(second)
    if spread == 0:
        return Interval(np.nan, np.nan, np.nan)
    r = float(np.clip(first @ second / spread, -1, 1))
    if len(first) < 4 or abs(r) == 1:  # Fisher's standard error is 1 / sqrt(n - 3), and his z infinite at 1
        return Interval(r, *((r, r) if abs(r) == 1 else (-1.0, 1.0)))
    margin = stats.norm.ppf((1 + confidence) / 2) / np.sqrt(len(first) - 3)
    return Interval(r, float(np.tanh(np.arctanh(r) - margin)), float(np.tanh(np.arctanh(r) + margin)))


def icc_2_1(ratings: ArrayLike, confidence: float = 0.95) -> Interval:
    """Intraclass correlation ICC(2,1): two-way random effects, absolute agreement, single rater.

    Shrout & Fleiss, Psychol Bull 1979; the interval is that of McGraw & Wong, Psychol Methods 1996 (case 2A).

    Args:
        ratings: `[n, k]`, n targets rated by the same k raters; targets with a rating that is not finite are left out.
        confidence: Of the interval.

    Raises:
        ValueError: If there are fewer than two targets or two raters.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim == 2:
        table = table[np.isfinite(table).all(axis=1)]
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"ICC(2,1) needs at least two targets and two raters, got ratings of shape {table.shape}.")
    n, k = table.shape
    targets, raters, residual = _mean_squares(table)
    denominator = targets + (k - 1) * residual + k * (raters - residual) / n
    if denominator == 0:
        return Interval(np.nan, np.nan, np.nan)
    icc = (targets - residual) / denominator
    return Interval(float(icc), *_icc_bounds(icc, targets, raters, residual, n, k, confidence))


def _mean_squares(table: Values) -> tuple[float, float, float]:
    """Mean squares of a two-way analysis of variance without replication: targets, raters, residual."""
    n, k = table.shape
    grand, rows, columns = table.mean(), table.mean(axis=1), table.mean(axis=0)
    residual = table - rows[:, None] - columns + grand
    targets = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    raters = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    return targets, raters, float((residual**2).sum()) / ((n - 1) * (k - 1))


def _icc_bounds(
    icc: float, targets: float, raters: float, residual: float, n: int, k: int, confidence: float
) -> tuple[float, float]:
    """Ends of the interval, with Satterthwaite's degrees of freedom for the mixture of rater and residual variance."""
    if icc == 1:  # up to rounding, which leaves nothing to divide by below
        return 1.0, 1.0
    if residual == 0:  # the raters differ by constants only: no error left to estimate
        return (1.0, 1.0) if raters == 0 else (np.nan, np.nan)
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    freedom = (a * raters + b * residual) ** 2 / (
        (a * raters) ** 2 / (k - 1) + (b * residual) ** 2 / ((n - 1) * (k - 1))
    )
    upper_tail = (1 + confidence) / 2
    f_low, f_high = stats.f.ppf(upper_tail, n - 1, freedom), stats.f.ppf(upper_tail, freedom, n - 1)
    between = k * raters + (k * n - k - n) * residual
    low = n * (targets - f_low * residual) / (f_low * between + n * targets)
    high = n * (f_high * targets - residual) / (between + n * f_high * targets)
    return float(low), float(high)


def _pairs(measured: ArrayLike, reference: ArrayLike, least: int) -> tuple[Values, Values]:
    """Both sides of the pairs in which both are finite."""
    first, second = np.asarray(measured, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"Agreement needs two lists of one length, got shapes {first.shape} and {second.shape}.")
    finite = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(finite) < least:
        raise ValueError(f"Agreement needs at least {least} pairs of finite values, got {np.count_nonzero(finite)}.")
    return first[finite], second[finite]


def _around(value: float, margin: float) -> Interval:
    return Interval(float(value), float(value - margin), float(value + margin))
