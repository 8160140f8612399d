//! Amounts: points, growth value and their thousandths.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// Wraps the amount.
            #[must_use]
            pub const fn new(amount: i64) -> Self {
                Self(amount)
            }

            /// The amount.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// Returns whether it is exactly nothing.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum, or `None` past the range of 64 bits.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The sum, held at the ends of the range: amounts are bounded by the policy long before.
            #[must_use]
            pub const fn plus(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// The difference, held at the ends of the range.
            #[must_use]
            pub const fn minus(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold(Self::ZERO, Self::plus)
            }
        }
    };
}

amount!(
    /// Spendable points (积分).
    Points
);
amount!(
    /// Growth value (成长值): decides the tier, is never spent.
    Growth
);
amount!(
    /// Thousandths of a point or of growth value: what a rule pays, exactly.
    Milli
);

impl Milli {
    /// Thousandths in one.
    pub const PER_ONE: i64 = 1_000;

    /// That many wholes in thousandths.
    #[must_use]
    pub const fn from_whole(whole: i64) -> Self {
        Self(whole.saturating_mul(Self::PER_ONE))
    }

    /// Splits into wholes and what remains of the next one (0..=999 for amounts that are not negative).
    #[must_use]
    pub const fn split(self) -> (i64, Self) {
        (
            self.0.div_euclid(Self::PER_ONE),
            Self(self.0.rem_euclid(Self::PER_ONE)),
        )
    }
}
