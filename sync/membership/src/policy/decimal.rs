//! An exact decimal with eight places, so that a model's constants are the same in every encoding.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number in units of 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal8(i64);

/// A text that is no decimal with at most eight places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a decimal number with at most eight places")]
pub struct ParseDecimalError(String);

impl Decimal8 {
    const PLACES: usize = 8;
    const UNIT: i64 = 100_000_000;

    /// Takes units of 10^-8.
    #[must_use]
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// Units of 10^-8.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The nearest floating-point number.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "model constants have at most eleven digits"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::UNIT as f64
    }
}

impl FromStr for Decimal8 {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseDecimalError(text.to_owned());
        let (negative, digits) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > Self::PLACES || !plain(whole) || !plain(fraction) {
            return Err(refuse());
        }
        let units: i64 = format!("{whole}{fraction:0<8}")
            .parse()
            .map_err(|_| refuse())?;
        Ok(Self(if negative { -units } else { units }))
    }
}

impl fmt::Display for Decimal8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let unit = Self::UNIT.unsigned_abs();
        let text = format!("{sign}{}.{:08}", units / unit, units % unit);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for Decimal8 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal8 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for (text, units) in [
            ("122.15240383", 12_215_240_383),
            ("0", 0),
            ("-0.5", -50_000_000),
            ("5.2", 520_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Decimal8(units)));
            assert_eq!(Decimal8(units).to_string(), text);
        }
        for bad in [
            "",
            ".5",
            "1.123456789",
            "1e3",
            "--1",
            "1.-5",
            "99999999999999",
        ] {
            assert!(bad.parse::<Decimal8>().is_err(), "{bad}");
        }
    }
}
