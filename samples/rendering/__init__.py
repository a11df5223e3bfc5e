"""Draws the sample documents: templates to pages, pages to pixels or PDF, and the faults put on them."""
