"""Search spaces: what losses are made of, and how they are searched."""

from glo_tf.search.spaces.space import (
    SearchSpace,
    glo,
    glo_annealed,
    glo_constants,
    glo_extended,
    glo_long_tail,
)

__all__ = ["SearchSpace", "glo", "glo_annealed", "glo_constants", "glo_extended", "glo_long_tail"]
