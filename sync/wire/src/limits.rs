//! The version of signed bodies, and the bounds of one value.

/// The version that stands under key 0 of every signed body.
pub const BODY_VERSION: u64 = 1;

/// Most bytes of one text: the longest are the terms of a benefit.
pub const MAX_TEXT: usize = 4 * 1024;

/// Most items of one array or map: a member's lots of ten entries a day over the longest expiry.
pub const MAX_ITEMS: usize = 64 * 1024;
