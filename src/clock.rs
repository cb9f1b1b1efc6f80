//! The only source of time and randomness.
