"""Writes numbers.json: what SciPy says of the statistics in src/statistics.

Run in an environment of its own: pip install scipy==1.17.1 && python make.py
"""

import itertools
import json
import pathlib

import numpy
import scipy
from scipy import integrate, stats

random = numpy.random.default_rng(20260701)


def holm(ps):
    order = numpy.argsort(ps)
    adjusted = numpy.empty(len(ps))
    most = 0.0
    for rank, i in enumerate(order):
        most = max(most, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = most
    return adjusted.tolist()


def paired(n, shift, spread, ties):
    differences = random.normal(shift, spread, n)
    if ties:
        differences = numpy.round(differences * 50) / 50
    other = random.uniform(0.4, 0.7, n).round(3)
    one = other + differences
    test = stats.permutation_test(
        (differences,), numpy.mean, permutation_type="samples", n_resamples=numpy.inf
    ) if n <= 14 else None
    margin = 0.02
    lower = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    upper = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    result = stats.ttest_1samp(differences, 0)
    ninety = result.confidence_interval(0.9)
    ninety_five = result.confidence_interval(0.95)
    return {
        "differences": differences.tolist(),
        "one": one.tolist(),
        "other": other.tolist(),
        **({"signFlip": float(test.pvalue)} if test else {}),
        "interval90": [float(ninety.low), float(ninety.high)],
        "interval95": [float(ninety_five.low), float(ninety_five.high)],
        "equivalence": float(max(lower, upper)),
        "interquartileMean": float(stats.trim_mean(differences, 0.25)),
        "improvement": float(stats.mannwhitneyu(one, other).statistic / (n * n)),
    }


def power(n, effect, alpha):
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    shift = effect * n**0.5
    power = float(stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift))
    if numpy.isfinite(power):
        return power
    # nct fails at some far ends: the same chance over the distribution of the sample's variance.
    return float(
        stats.chi2(n - 1).expect(
            lambda v: stats.norm.cdf(shift - critical * (v / (n - 1)) ** 0.5)
            + stats.norm.cdf(-shift - critical * (v / (n - 1)) ** 0.5)
        )
    )


def crossed(seeds, sizes, draws):
    tiers = [
        random.choice([-1, 0, 1], p=[0.2, 0.5, 0.3], size=(seeds, size)) for size in sizes
    ]
    # Seeds differ, and so do prompts.
    tiers = [
        tier + random.normal(0, 0.1, (seeds, 1)) + random.normal(0, 0.3, (1, tier.shape[1]))
        for tier in tiers
    ]
    means = numpy.empty(draws)
    for draw in range(draws):
        rows = random.integers(seeds, size=seeds)
        means[draw] = numpy.mean(
            [
                tier[rows][:, random.integers(tier.shape[1], size=tier.shape[1])].mean()
                for tier in tiers
            ]
        )
    return {
        "tiers": [tier.round(4).tolist() for tier in tiers],
        "interval": numpy.quantile(means, [0.025, 0.975]).tolist(),
        "deviation": float(means.std()),
    }


def area(places):
    heights = numpy.random.default_rng(len(places)).uniform(0.2, 0.9, len(places))
    length = places[-1] - places[0]
    return {
        "places": places,
        "heights": heights.tolist(),
        "mean": float(integrate.trapezoid(heights, places) / length),
    }


def binomial(n, p):
    us = [0.0005, 0.02, 0.3, 0.5, 0.77, 0.98, 0.9995]
    return {"n": n, "p": p, "us": us, "quantiles": stats.binom.ppf(us, n, p).astype(int).tolist()}


ps = [[0.01, 0.04, 0.03], [0.5, 0.5, 0.02, 0.001], [0.9, 0.8], [0.0625]]
numbers = {
    "scipy": scipy.__version__,
    "numpy": numpy.__version__,
    "student": [
        {"share": share, "degrees": degrees, "point": float(stats.t.ppf(share, degrees))}
        for degrees, share in itertools.product(
            [1, 2, 3, 4, 9, 10, 19, 29, 100, 301], [0.02, 0.6, 0.8, 0.95, 0.975, 0.995, 0.9995]
        )
    ],
    "power": [
        {"pairs": n, "effect": effect, "alpha": alpha, "power": power(n, effect, alpha)}
        for n, effect, alpha in itertools.product(
            [2, 3, 5, 10, 20, 60], [0, 0.3, 1, 2.5], [0.05, 0.005]
        )
    ],
    # As in scipy.stats.false_discovery_control, but Holm's method, which SciPy lacks.
    "holm": [{"ps": p, "adjusted": holm(p)} for p in ps],
    "paired": [
        paired(2, 0.1, 0.05, False),
        paired(5, 0.05, 0.02, False),
        paired(8, 0.0, 0.01, True),
        paired(10, 0.03, 0.04, True),
        paired(13, -0.02, 0.05, False),
        paired(14, 0.01, 0.01, True),
        paired(20, 0.02, 0.04, False),
    ],
    "crossed": [crossed(10, [40, 25], 100_000), crossed(4, [12], 100_000)],
    "area": [area([0, 10, 20, 30, 40]), area([0, 6, 12]), area([2, 3, 10, 11.5])],
    "binomial": [binomial(8, 0.03), binomial(8, 0.5), binomial(32, 0.9), binomial(1, 0.25)],
}
path = pathlib.Path(__file__).with_name("numbers.json")
path.write_text(json.dumps(numbers, separators=(",", ":"), allow_nan=False) + "\n")
