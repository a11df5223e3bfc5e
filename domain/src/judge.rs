//! From comparisons to checks, and from checks to the verdict.
