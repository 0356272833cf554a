"""From requests to results that are kept: the dispatcher and the study."""
