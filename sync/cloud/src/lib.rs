//! The reference member cloud: verifies, re-runs the rules, answers and signs.
