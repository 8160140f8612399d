//! The head unit: configuration, clock, keys, runtime and command line.
