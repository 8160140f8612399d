//! Amounts in wholes.

use dashpoint_membership::Growth;

/// Whole growth value of thousandths.
pub(super) const fn whole(milli: i64) -> Growth {
    Growth::new(milli.div_euclid(1_000))
}
