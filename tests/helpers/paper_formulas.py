"""Formulas of the papers of all known losses, in NumPy; they share no code with the package.

Each case is the class of a loss, its arguments, and its formula: of one-hot labels x and
probabilities y for classes and for labels of their own, of the error x - y for numbers.
"""

import numpy as np

import glo_tf

FREQUENCIES = [60.0, 5.0, 30.0, 5.0]
PRIORS = np.array(FREQUENCIES) / 100.0


def of_label(x, values):
    """What stands at the label, of one-hot labels."""
    return (x * values).sum(-1)


def cross_entropy(x, y):
    return -of_label(x, np.log(y))


def reverse(x, y, least):
    return -(y * np.log(np.clip(x, least, 1.0))).sum(-1)


def normalised(x, y):
    """Cross-entropy over its sum for every label that there might be."""
    every = [cross_entropy(np.broadcast_to(label, y.shape), y) for label in np.eye(y.shape[-1])]
    return cross_entropy(x, y) / np.sum(every, axis=0)


def softmax(z):
    shifted = np.exp(z - z.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def adjusted(x, y, tau):
    return cross_entropy(x, softmax(np.log(y) + tau * np.log(PRIORS)))


def margins(x, y, widest, scale):
    width = np.array(FREQUENCIES) ** -0.25
    return cross_entropy(x, softmax(scale * (np.log(y) - x * width / width.max() * widest)))


def weighted(x, y, power):
    weights = (1.0 / PRIORS) ** power
    return (x * weights).sum(-1) / (PRIORS * weights).sum() * cross_entropy(x, y)


def baikal_cma(x, y):
    inner = 0.9863 * np.log(1.5352 * y) - 1.8158 * (x / y)
    return (-2.7279 * inner).sum(-1)


def ngl(x, y):
    return (np.exp(2.4092 - y - y * x) - np.cos(np.cos(np.sin(y)))).mean(-1)


def smooth(x, y, alpha):
    return cross_entropy(x * (1 - alpha) + alpha / y.shape[-1], y)


def focal(x, y, gamma):
    return (1 - of_label(x, y)) ** gamma * cross_entropy(x, y)


def poly(x, y, first):
    return cross_entropy(x, y) + first * (1 - of_label(x, y))


def saimaa(x, y, alpha):
    entropy = 2.04 * (y**0.375).sum(-1) / y.shape[-1]
    return 8 * (alpha * cross_entropy(x, y) - of_label(x, y) - entropy - 0.28 * (y**2).sum(-1))


def bootstrapping(x, y, beta):
    return cross_entropy(beta * x + (1 - beta) * y, y)


def taylor(x, y, order):
    return sum((1.0 - of_label(x, y)) ** i / i for i in range(1, order + 1))


CLASSES = [
    (glo_tf.CrossEntropy, {}, cross_entropy),
    (glo_tf.LabelSmoothing, {}, lambda x, y: smooth(x, y, 0.1)),
    (
        glo_tf.LabelSmoothing,
        {"alpha": 0.3},
        lambda x, y: cross_entropy(x * 0.7 + 0.3 / y.shape[-1], y),
    ),
    *(
        (
            glo_tf.Focal,
            {"gamma": g},
            lambda x, y, g=g: focal(x, y, g),
        )
        for g in (0, 0.5, 1, 2, 3.5)
    ),
    *(
        (
            glo_tf.Poly1,
            {"epsilon_1": e},
            lambda x, y, e=e: poly(x, y, e),
        )
        for e in (-1, 2, 5.5)
    ),
    *(
        (glo_tf.GCE, {"q": q}, lambda x, y, q=q: (1 - of_label(x, y) ** q) / q)
        for q in (0.01, 0.5, 0.7, 1)
    ),
    (glo_tf.SCE, {}, lambda x, y: 0.1 * cross_entropy(x, y) + reverse(x, y, 1e-4)),
    (
        glo_tf.SCE,
        {"alpha": 6, "beta": 0.1, "least_label": 0.01},
        lambda x, y: 6 * cross_entropy(x, y) + 0.1 * reverse(x, y, 0.01),
    ),
    *(
        (glo_tf.Bootstrapping, {"beta": b}, lambda x, y, b=b: bootstrapping(x, y, b))
        for b in (0.3, 0.95, 1)
    ),
    (glo_tf.MAE, {}, lambda x, y: np.abs(x - y).sum(-1)),
    (glo_tf.Brier, {}, lambda x, y: ((x - y) ** 2).sum(-1)),
    (glo_tf.AMSE, {"a": 10}, lambda x, y: ((10 * x - y) ** 2).sum(-1)),
    *(
        (glo_tf.TaylorCrossEntropy, {"order": t}, lambda x, y, t=t: taylor(x, y, t))
        for t in (1, 2, 6, 30)
    ),
    (glo_tf.NCE, {}, normalised),
    (glo_tf.NCEAndRCE, {}, lambda x, y: normalised(x, y) + reverse(x, y, 1e-4)),
    (
        glo_tf.NCEAndRCE,
        {"alpha": 10, "beta": 0.1, "least_label": 0.02},
        lambda x, y: 10 * normalised(x, y) + 0.1 * reverse(x, y, 0.02),
    ),
    (
        glo_tf.NCEAndAMSE,
        {"alpha": 2, "beta": 0.5, "a": 20},
        lambda x, y: 2 * normalised(x, y) + 0.5 * ((y - 20 * x) ** 2).mean(-1),
    ),
]
EVOLVED = [
    (glo_tf.Baikal, {}, lambda x, y: (x / y - np.log(y)).sum(-1)),
    (glo_tf.BaikalCMA, {}, baikal_cma),
    (glo_tf.NGL, {}, ngl),
    *((glo_tf.Saimaa, {"alpha": a}, lambda x, y, a=a: saimaa(x, y, a)) for a in (0, 0.02, 0.5)),
]
OF_FREQUENCIES = [
    *(
        (glo_tf.ClassWeighted, {"power": p}, lambda x, y, p=p: weighted(x, y, p))
        for p in (0, 0.5, 1)
    ),
    *((glo_tf.LogitAdjusted, {"tau": t}, lambda x, y, t=t: adjusted(x, y, t)) for t in (0, 1, 1.5)),
    *(
        (glo_tf.Vanern, {"alpha": a}, lambda x, y, a=a: adjusted(x, y, 1) - a * np.log(y).mean(-1))
        for a in (0, 0.2, 1)
    ),
    (glo_tf.LDAM, {}, lambda x, y: margins(x, y, 0.5, 30)),
    (glo_tf.LDAM, {"max_margin": 2, "scale": 1}, lambda x, y: margins(x, y, 2, 1)),
]
OF_FREQUENCIES = [(k, {"frequencies": FREQUENCIES, **a}, f) for k, a, f in OF_FREQUENCIES]


def huber(e, delta):
    return np.where(abs(e) <= delta, e**2 / 2, delta * (abs(e) - delta / 2))


def tukey(e, c):
    return np.where(abs(e) <= c, c**2 / 6 * (1 - (1 - (e / c) ** 2) ** 3), c**2 / 6)


NUMBERS = [
    (glo_tf.SquaredError, {}, lambda e: e**2),
    (glo_tf.AbsoluteError, {}, np.abs),
    *((glo_tf.Huber, {"delta": d}, lambda e, d=d: huber(e, d)) for d in (0.3, 1, 20)),
    (glo_tf.LogCosh, {}, lambda e: np.log(np.cosh(e))),
    *(
        (glo_tf.Quantile, {"q": q}, lambda e, q=q: np.maximum(q * e, (q - 1) * e))
        for q in (0.1, 0.5, 0.95)
    ),
    *(
        (glo_tf.AsymmetricSquared, {"tau": t}, lambda e, t=t: np.where(e > 0, t, 1 - t) * e**2)
        for t in (0.1, 0.5, 0.8)
    ),
    *(
        (glo_tf.Cauchy, {"c": c}, lambda e, c=c: c**2 / 2 * np.log1p((e / c) ** 2))
        for c in (0.5, 2.385)
    ),
    *((glo_tf.Tukey, {"c": c}, lambda e, c=c: tukey(e, c)) for c in (1, 4.685)),
]


def asymmetric(x, y, positive, negative, margin):
    shifted = np.maximum(y - margin, 0.0)
    there, not_there = (1 - y) ** positive * np.log(y), shifted**negative * np.log(1 - shifted)
    return -(x * there + (1 - x) * not_there).sum(-1)


LABELS = [
    (
        glo_tf.Asymmetric,
        {"gamma_positive": p, "gamma_negative": n, "margin": m},
        lambda x, y, p=p, n=n, m=m: asymmetric(x, y, p, n, m),
    )
    for p, n, m in ((0, 4, 0.05), (1, 2, 0), (0.5, 1, 0.2), (2, 0, 0.1), (0, 0.5, 0.3))
]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def reference_slopes(function, z):
    """Derivatives by logits or numbers, by central differences."""
    slopes = np.empty_like(z)
    for place in np.ndindex(*z.shape[1:]):
        step = np.zeros_like(z)
        step[(slice(None), *place)] = 1e-5
        slopes[(slice(None), *place)] = (function(z + step) - function(z - step)) / 2e-5
    return slopes
