"""What searches and comparisons give back, and the files it is kept in."""

from glo_tf.results.record import Record
from glo_tf.results.search_result import SearchResult

__all__ = ["Record", "SearchResult"]
