//! Comparing a claimed value with a found one, one file per kind.
