"""What the gallery says of each loss that the loss does not say itself; data of `make_gallery`.

Every reason to use a loss, or not to, says in parentheses what it rests on: a source, its picture
or its formula, or figures of the project, above, below or in the results.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import glo_tf


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the gallery says of a loss that the loss does not say itself.

    Attributes:
        kind: Its class.
        formula: LaTeX, with its parameters.
        use: When to use it, with a source; figures of the project follow.
        avoid: When not.
        source: Where it is from, where the docstring's first line does not say.
        frequencies: Whether it is made of the frequencies of the classes.
    """

    kind: Any
    formula: str
    use: str
    avoid: str
    source: str = ""
    frequencies: bool = False


def _arxiv(number: str) -> str:
    return f"[arXiv {number}](https://arxiv.org/abs/{number})"


_GNEITING = "[Gneiting 2011](https://doi.org/10.1198/jasa.2011.r10138)"

GROUPS: dict[str, list[Entry]] = {
    "The usual ones": [
        Entry(
            glo_tf.CrossEntropy,
            r"-\sum x \log y",
            "Anything, first: most others are no better, each at its own rate (table above).",
            "Many labels are wrong: given time, networks fit those as well "
            f"({_arxiv('1611.03530')}).",
        ),
        Entry(
            glo_tf.LabelSmoothing,
            r"-\sum \left(x (1 - \alpha) + \frac{\alpha}{C}\right) \log y",
            "Networks that become too sure: it improved the calibration of image and translation "
            f"models ({_arxiv('1906.02629')}).",
            f"The network is to teach another one: distillation suffers ({_arxiv('1906.02629')}).",
        ),
        Entry(
            glo_tf.Focal,
            r"-\sum x (1 - y)^{\gamma} \log y",
            "Very many easy samples that drown the hard ones, as background does in object "
            f"detection (its paper); sure networks, which it calibrates ({_arxiv('2002.09437')}).",
            "Hard samples are hard because their labels are wrong: these are what it looks at "
            "(below).",
        ),
        Entry(
            glo_tf.Poly1,
            r"\sum x \left(-\log y + \varepsilon_1 (1 - y)\right)",
            "A last gain where there is time to tune one number: 0.4 to 0.6 points over "
            "cross-entropy with EfficientNetV2-L on ImageNet (its paper).",
            "There is no time to tune it: what is best depends on data and task (its paper).",
        ),
        Entry(
            glo_tf.Brier,
            r"\sum (x - y)^2",
            "Probabilities that can be acted on, with slopes that are bounded: it is a proper "
            "scoring rule, as cross-entropy is "
            "([Gneiting, Raftery 2007](https://doi.org/10.1198/016214506000001437)).",
            "Training has to leave a wrong, sure prediction quickly: there its slope by the logits "
            "vanishes (picture).",
        ),
    ],
    "For wrong labels": [
        Entry(
            glo_tf.GCE,
            r"\sum x \frac{1 - y^q}{q}",
            "Labels of which some are wrong: q leads from cross-entropy, which learns quickly, to "
            "the mean absolute error, which is robust (its paper).",
            "Classes are rare, or labels are few and right: it learns less from hard samples "
            "than cross-entropy (below).",
        ),
        Entry(
            glo_tf.SCE,
            r"-\alpha \sum x \log y - \beta \sum y \log x",
            "Labels of which some are wrong, where hard classes are not learned (its paper).",
            "Two weights are not to be tuned: its authors had other ones for each data set (its "
            "paper).",
        ),
        Entry(
            glo_tf.Bootstrapping,
            r"-\sum \left(\beta x + (1 - \beta) y\right) \log y",
            "Labels of which some are wrong, also where one class is always taken for the same "
            "other one: what the network is sure is wrong need not be fitted (its paper).",
            "There is no time to tune it: at its default it is all but cross-entropy (below). Or "
            "you need probabilities to act on: the entropy makes them surer than the labels are "
            "(its formula).",
        ),
        Entry(
            glo_tf.MAE,
            r"\sum \left|x - y\right|",
            "As a limit: what minimises it is the same with uniformly wrong labels (its paper).",
            f"Data is hard, or there are many classes: it trains poorly ({_arxiv('1805.07836')}).",
        ),
        Entry(
            glo_tf.AMSE,
            r"\sum (a x - y)^2",
            "Beside a loss that learns actively, as in NCEAndAMSE (its paper).",
            "It is the only loss: for a large a it is the mean absolute error in all but scale "
            "(its formula; below).",
        ),
        Entry(
            glo_tf.TaylorCrossEntropy,
            r"\sum x \sum_{i=1}^{t} \frac{(1 - y)^i}{i}",
            "Labels of which some are wrong: its order t leads from the mean absolute error to "
            "cross-entropy ([IJCAI 2020](https://doi.org/10.24963/ijcai.2020/305)).",
            "Labels are right, or its order is small: it stalls then, as the mean absolute error "
            "does (below).",
            source="[IJCAI 2020, 305](https://doi.org/10.24963/ijcai.2020/305)",
        ),
        Entry(
            glo_tf.NCE,
            r"\frac{\sum x \log y}{\sum \log y}",
            "Beside a passive loss, as in NCEAndRCE: normalised, any loss is robust (its paper).",
            "It is the only loss: robust losses underfit (its paper).",
        ),
        Entry(
            glo_tf.NCEAndRCE,
            r"\alpha \frac{\sum x \log y}{\sum \log y} - \beta \sum y \log x",
            "Labels of which many are wrong, in trainings that are long (its paper).",
            "Two weights are not to be tuned: its authors had other ones for each data set (its "
            "paper). Or classes are rare (below).",
        ),
        Entry(
            glo_tf.NCEAndAMSE,
            r"\alpha \frac{\sum x \log y}{\sum \log y} + \frac{\beta}{C} \sum (a x - y)^2",
            "Labels of which many are wrong, in trainings that are long (its paper).",
            "Three numbers are not to be tuned (its formula).",
        ),
    ],
    "For rare classes": [
        Entry(
            glo_tf.LogitAdjusted,
            r"-\sum x \log \frac{y\, n^{\tau}}{\sum y\, n^{\tau}}",
            "A long tail, where rare classes count as much as frequent ones: it is consistent for "
            "the mean accuracy of the classes (its paper).",
            "Classes are as frequent where the network is used as in the training data: "
            "cross-entropy is consistent for that (its paper).",
            frequencies=True,
        ),
        Entry(
            glo_tf.ClassWeighted,
            r"-\sum w\, x \log y, \quad w \propto n^{-p}",
            "A long tail (below), and a network too small to fit the training data "
            f"({_arxiv('1812.03372')}).",
            "The network fits all training data: weights then change little "
            f"({_arxiv('1812.03372')}).",
            source="King, Zeng, Logistic regression in rare events data (2001)",
            frequencies=True,
        ),
        Entry(
            glo_tf.Vanern,
            r"-\sum \left(x \log \frac{y\, n}{\sum y\, n} + \frac{\alpha}{C} \log y\right)",
            "A long tail, where rare classes count as much as frequent ones, and the network can "
            "learn its samples by heart ([the suite](results/suite.md)).",
            "Classes are as frequent where the network is used as in the training data. Or there "
            "are few samples: on yeast, with 1,479, it was behind class weights "
            "([the suite](results/suite.md)). Or you need probabilities to act on: the second term "
            "keeps the network from being sure (its formula).",
            source="found by this project ([the suite](results/suite.md))",
            frequencies=True,
        ),
        Entry(
            glo_tf.LDAM,
            r"-\sum x \log \frac{e^{s (z - x \Delta)}}{\sum e^{s (z - x \Delta)}}, \quad "
            r"\Delta \propto n^{-1/4}",
            "A long tail, with logits that are cosines, and class weights late in training (its "
            "paper).",
            "Logits are those of a plain layer: at a scale of 30 it begins as a loss 30 times as "
            "steep (its formula).",
            frequencies=True,
        ),
    ],
    "For labels of their own": [
        Entry(
            glo_tf.Asymmetric,
            r"-\sum x (1 - y)^{\gamma_+} \log y + (1 - x)\, p^{\gamma_-} \log(1 - p), \quad "
            r"p = \max(y - m, 0)",
            "Several labels to a sample, of which most are absent (its paper).",
            "Classes exclude each other: it takes each label for itself (its formula).",
        ),
    ],
    "For numbers": [
        Entry(
            glo_tf.SquaredError,
            r"(x - y)^2",
            f"Means are wanted ({_GNEITING}), and errors have no heavy tails.",
            "Some targets are far off: the slope grows with the error (picture).",
            source="Gauss, Theoria combinationis observationum (1823)",
        ),
        Entry(
            glo_tf.AbsoluteError,
            r"\left|x - y\right|",
            f"Medians are wanted ({_GNEITING}), or some targets are far off.",
            "Learning rates stay as they are: its slope does not shrink with the error, so the "
            "rate has to (picture).",
            source="Boscovich (1757); Koenker, Bassett (1978)",
        ),
        Entry(
            glo_tf.Huber,
            r"\begin{cases} \frac{e^2}{2} & |e| \le \delta \\ \delta \left(|e| - "
            r"\frac{\delta}{2}\right) & \text{else} \end{cases}, \quad e = x - y",
            "Some targets are far off, and the others want a mean (its source).",
            "The scale of the errors is not known: delta is in the unit of the targets (its "
            "formula).",
            source="[Huber 1964](https://doi.org/10.1214/aoms/1177703732)",
        ),
        Entry(
            glo_tf.LogCosh,
            r"\log \cosh(x - y)",
            "As Huber's with delta = 1, where a second derivative is to be smooth (its formula).",
            "Targets have another scale than 1: it has no parameter for that (its formula).",
            source="as `keras.losses.LogCosh`",
        ),
        Entry(
            glo_tf.Quantile,
            r"\max(q\, e, (q - 1)\, e), \quad e = x - y",
            "A bound that a share q of the targets stays below; with two, an interval (its "
            "source).",
            f"A mean is wanted: its least value is at a quantile ({_GNEITING}).",
            source="[Koenker, Bassett 1978](https://doi.org/10.2307/1913643)",
        ),
        Entry(
            glo_tf.AsymmetricSquared,
            r"\begin{cases} \tau e^2 & e > 0 \\ (1 - \tau) e^2 & \text{else} \end{cases}, \quad "
            r"e = x - y",
            "Predictions that are too low cost more than those that are too high, or the reverse "
            "(its source).",
            f"A share of targets is to stay below: that is a quantile ({_GNEITING}).",
            source="[Newey, Powell 1987](https://doi.org/10.2307/1911031)",
        ),
        Entry(
            glo_tf.Cauchy,
            r"\frac{c^2}{2} \log\left(1 + \left(\frac{x - y}{c}\right)^2\right)",
            "Targets with gross errors: their slope falls again (its source).",
            "Training begins far from the targets: slopes are small there, too (picture). "
            "Standardise them.",
            source="[Holland, Welsch 1977](https://doi.org/10.1080/03610927708827533)",
        ),
        Entry(
            glo_tf.Tukey,
            r"\frac{c^2}{6} \left(1 - \max\left(1 - \left(\frac{x - y}{c}\right)^2, "
            r"0\right)^3\right)",
            "Targets with gross errors, which are to have no influence at all (its source).",
            "Training begins further than c from the targets: there is no slope (picture). "
            "Standardise them.",
            source="[Beaton, Tukey 1974](https://doi.org/10.1080/00401706.1974.10489171)",
        ),
    ],
    "Found by evolution": [
        Entry(
            glo_tf.Baikal,
            r"\sum \frac{x}{y} - \log y",
            "A given, small learning rate that is not to be tuned, and accuracy alone: it trains "
            "faster then, as its steps are larger ([results](results/paper.md)).",
            "You need probabilities to act on: its outputs are under-confident on purpose, and "
            "only their order counts ([results](results/paper.md)). Or learning rates are tuned "
            "(below). Its slope grows as 1/y² for a true class of small probability (its formula).",
        ),
        Entry(
            glo_tf.BaikalCMA,
            r"\sum 4.953 \frac{x}{y} - 2.691 \log(1.5352\, y)",
            "As Baikal, with larger steps at the same learning rate: the paper's best on MNIST at "
            "a learning rate of 0.01, here, too ([results](results/paper.md)).",
            "As Baikal. Its scale is about five times Baikal's: tune the learning rate down (on "
            "MNIST it diverges at 0.05, where cross-entropy and Baikal train; "
            "[results](results/paper.md)).",
        ),
        Entry(
            glo_tf.NGL,
            r"\frac{1}{C} \sum e^{2.4092 - y - y x} - \cos(\cos(\sin y))",
            "Clean labels, of which no sample is to dominate a batch: its slopes are bounded, and "
            "it was ahead of cross-entropy on digits (below).",
            "You need probabilities to act on, or have many classes at a small learning rate: its "
            "terms are averaged over the classes, so its slopes shrink as their number grows (its "
            "formula).",
        ),
        Entry(
            glo_tf.Saimaa,
            r"-8 \sum \left(x (y + \alpha \log y) + 2.04 \frac{y^{3/8}}{C} "
            r"+ 0.28\, y^2\right)",
            "Many labels are wrong, at random or for those of a neighbouring class "
            "([the suite](results/suite.md)); digits (below) are among the data that it was "
            "searched on.",
            "There are few samples: on vowel, with 90 of each of 11 classes, it was behind the "
            "best known loss ([the suite](results/suite.md)), and with 50 labels behind "
            "cross-entropy (below). Or you need probabilities to act on: the loss is least "
            "short of 1 (above).",
            source="found by this project ([the suite](results/suite.md))",
        ),
    ],
}

LOSSES = {
    entry.kind.NAME: (entry.kind, entry.use, entry.avoid)
    for entries in GROUPS.values()
    for entry in entries
}
"""The class of each, when to use it and when not, by name."""
