//! What car and cloud sign and send: bytes to types and back.
