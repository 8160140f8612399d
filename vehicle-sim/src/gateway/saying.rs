//! One value that a gateway has to say, and the forms of its numbers.

use jiff::{SignedDuration, Timestamp};

/// A value under the name that the gateway gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Saying {
    pub(super) key: &'static str,
    /// As it stands in the payload.
    pub(super) value: String,
    /// As the payload names it, where it does.
    pub(super) unit: Option<&'static str>,
    /// The time of the measurement, by the clock of the car.
    pub(super) measured: Timestamp,
    /// Not more often than this.
    pub(super) every: SignedDuration,
}

impl Saying {
    pub(super) fn new(key: &'static str, value: impl Into<String>, measured: Timestamp) -> Self {
        Self {
            key,
            value: value.into(),
            unit: None,
            measured,
            every: SignedDuration::ZERO,
        }
    }
}

/// The second of a time, as payloads in whole seconds have it.
pub(super) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A number rounded to so many decimals, zeros left out.
pub(super) fn decimals(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" { "0" } else { text }.to_owned()
}

/// A number with at least one decimal, as Erlang and Python write it.
pub(super) fn with_point(number: f64, digits: usize) -> String {
    let text = decimals(number, digits);
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// A number with so many significant digits, as C's `%g` and a C++ stream write it: zeros left out, and an exponent
/// where the number is far from 1.
pub(super) fn significant(number: f64, digits: usize) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let most = digits.saturating_sub(1);
    let scientific = format!("{number:.most$e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let after_point = i32::try_from(most).unwrap_or(0) - exponent;
    match usize::try_from(after_point) {
        Ok(after_point) if exponent >= -4 => decimals(number, after_point),
        Ok(_) | Err(_) => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_form_of_their_language() {
        for (number, expected) in [
            (0.0, "0"),
            (50.0, "50"),
            (12_345.64, "12345.6"),
            (1_234_567.0, "1.23457e+06"),
            (999_999.7, "1e+06"),
            (0.000_012_345_67, "1.23457e-05"),
            (0.000_123_456_7, "0.000123457"),
            (-7.5, "-7.5"),
        ] {
            assert_eq!(significant(number, 6), expected);
        }
        assert_eq!(decimals(6_960.671_4, 3), "6960.671");
        assert_eq!(decimals(1_200.0, 3), "1200");
        assert_eq!(decimals(1_200.0, 0), "1200");
        assert_eq!(decimals(-0.000_1, 3), "0");
        assert_eq!(with_point(50.0, 2), "50.0");
        assert_eq!(with_point(1_653.421, 2), "1653.42");
    }
}
