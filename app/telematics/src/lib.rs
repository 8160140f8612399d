//! Vehicle signals folded into trips, charging sessions and their evidence.
