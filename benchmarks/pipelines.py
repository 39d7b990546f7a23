"""Makes pipelines.csv.gz: a table of scikit-learn pipelines on its handwritten digits.

    python benchmarks/pipelines.py [--out DIR] [--smoke]        (8 minutes on one core)

A pipeline scales the 64 pixels, perhaps reduces them to fewer components, then classifies; the
classifier's hyper-parameters depend on the classifier. All 1,932 are evaluated: `valid` is the
accuracy in % of 4-fold cross-validation on the first 1,200 images, `test` that on the other 597,
which are of other writers, after training on the 1,200.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler
from sklearn.svm import SVC

TRAINING = 1200
SCALERS = {
    "none": lambda: "passthrough",
    "standard": StandardScaler,
    "minmax": MinMaxScaler,
    "power": PowerTransformer,
}
REDUCTIONS = {
    "none": lambda components: "passthrough",
    "pca": lambda components: PCA(components, random_state=0),
    "best": lambda components: SelectKBest(k=components),
}
COMPONENTS = (6, 12, 24)
MODELS: dict[str, tuple[Any, dict[str, tuple[Any, ...]]]] = {
    "logistic": (LogisticRegression, {"logistic_C": (0.001, 0.01, 0.1, 1.0, 10.0)}),
    "svc": (
        SVC,
        {"svc_C": (0.1, 1.0, 10.0, 100.0), "svc_gamma": (0.0001, 0.001, 0.01, 0.1, 1.0)},
    ),
    "neighbors": (
        KNeighborsClassifier,
        {
            "neighbors_n_neighbors": (1, 3, 5, 9, 17),
            "neighbors_weights": ("uniform", "distance"),
            "neighbors_p": (1, 2),
        },
    ),
    "forest": (
        RandomForestClassifier,
        {
            "forest_max_features": (0.05, 0.2, 0.8),
            "forest_min_samples_leaf": (1, 2, 4, 8),
            "forest_criterion": ("gini", "entropy"),
        },
    ),
}
FIXED = {
    "logistic": {"max_iter": 200},
    "svc": {},
    "neighbors": {"algorithm": "brute"},
    "forest": {"n_estimators": 25, "random_state": 0},
}
COLUMNS = (
    "scaler", "reduction", "components", "model",
    *(name for _, options in MODELS.values() for name in options), "valid", "test",
)  # fmt: skip


def main() -> None:
    """Evaluate all pipelines, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--smoke", action="store_true", help="some of the pipelines only")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    images, labels = load_digits(return_X_y=True)
    few = 2 if options.smoke else None
    for preprocessing in itertools.islice(preprocessings(), few):
        print(preprocessing, flush=True)
        parts = list(splits(preprocessing, images, labels))
        for model, found in itertools.islice(models(), few):
            scores = [100 * model().fit(x, y).score(xt, yt) for x, y, xt, yt in parts]
            numbers = {"valid": f"{np.mean(scores[:-1]):.3f}", "test": f"{scores[-1]:.3f}"}
            writer.writerow(preprocessing | found | numbers)
    options.out.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(text.getvalue().encode(), mtime=0)
    (options.out / "pipelines.csv.gz").write_bytes(packed)


def preprocessings() -> Iterator[dict[str, Any]]:
    """Every choice of scaler, reduction and components."""
    for scaler, reduction in itertools.product(SCALERS, REDUCTIONS):
        for components in COMPONENTS if reduction != "none" else (None,):
            chosen = {"scaler": scaler, "reduction": reduction}
            yield chosen if components is None else chosen | {"components": components}


def splits(chosen: dict[str, Any], images: Any, labels: Any) -> Iterator[tuple[Any, ...]]:
    """Training and validation part of every fold, then training and test part, preprocessed."""
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    known = np.arange(TRAINING)
    pairs = [*folds.split(known, labels[known]), (known, np.arange(TRAINING, len(labels)))]
    for train, held_out in pairs:
        steps = make_pipeline(
            SCALERS[chosen["scaler"]](), REDUCTIONS[chosen["reduction"]](chosen.get("components"))
        )
        x = steps.fit_transform(images[train], labels[train])
        yield x, labels[train], steps.transform(images[held_out]), labels[held_out]


def models() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every classifier with its hyper-parameters: how to make it, and its columns."""
    for name, (kind, options) in MODELS.items():
        for values in itertools.product(*options.values()):
            found = dict(zip(options, values, strict=True))
            arguments = {key.removeprefix(f"{name}_"): value for key, value in found.items()}

            def make(kind: Any = kind, arguments: Any = FIXED[name] | arguments) -> Any:
                return kind(**arguments)

            yield make, {"model": name} | found


if __name__ == "__main__":
    main()
