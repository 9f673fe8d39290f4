"""Seeded folds of whole conversations, for figures that are not measured on what they were chosen on."""

import random
from collections.abc import Hashable, Iterator, Sequence

FOLDS = 5
REPEATS = 10


def conversation_folds(
    conversations: Sequence[Hashable], folds: int, repeats: int, seed: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (training, left out) positions for each fold of each repeat; none where there are under 2 conversations.

    Every position is left out once per repeat, with its whole conversation. Fewer conversations than folds give one
    fold each.

    Raises:
        ValueError: If folds is under 2 or repeats under 1.
    """
    if folds < 2 or repeats < 1:
        raise ValueError(f"expected at least 2 folds and 1 repeat, got {folds} and {repeats}")
    labels = list(dict.fromkeys(conversations))
    if len(labels) < 2:
        return
    rng = random.Random(seed)
    for _ in range(repeats):
        rng.shuffle(labels)
        fold_of = {label: place % folds for place, label in enumerate(labels)}
        of_position = [fold_of[label] for label in conversations]
        for fold in range(min(folds, len(labels))):
            training = tuple(i for i, where in enumerate(of_position) if where != fold)
            yield training, tuple(i for i, where in enumerate(of_position) if where == fold)
