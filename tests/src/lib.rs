//! End to end: the real parts together.
