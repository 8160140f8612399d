//! The car's reconciler: a machine without IO, and the HTTPS transport that drives it.
