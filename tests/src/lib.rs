//! End to end: the real parts together, and the simulation that breaks them in every way that a seed can think of.

pub mod simulation;
