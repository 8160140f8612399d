//! Values by which a counter says that it has none.

/// Units by which a meter may be off at once, for grain and delay.
pub(crate) const SLACK: u64 = 1_000;

/// Widths of counters, in bits.
const WIDTHS: [u32; 5] = [16, 24, 32, 40, 48];
/// Units of a counter, in millionths of a metre or of a watt-hour: 1, 2 and 5 in each power of ten from a hundredth to a
/// thousand, and a mile.
const UNITS_MICRO: [u128; 19] = [
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    160_934_400,
    1_609_344_000,
    16_093_440,
];

/// Returns whether a value that the counter does not lead to stands for none: all ones in the width of a counter, or zero where
/// there has been a value.
pub(crate) fn is_no_reading(has_read: bool, value: u64) -> bool {
    if value == 0 {
        has_read
    } else {
        is_all_ones(value)
    }
}

fn is_all_ones(value: u64) -> bool {
    let is_code = |width: &u32| {
        let ones = (1_u128 << width) - 1;
        let scaled = |unit: &u128| ones * unit / 1_000_000;
        // A fraction may have been rounded either way.
        UNITS_MICRO
            .iter()
            .map(scaled)
            .any(|code| (code..=code + 1).contains(&u128::from(value)))
    };
    WIDTHS.iter().any(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ones_are_none_in_any_unit() {
        for code in [
            65_535,
            6_553_500,
            65_535_000,
            655_350,
            16_777_215,
            4_294_967_295,
            429_496_730,
            105_468_359,
        ] {
            assert!(is_no_reading(false, code), "{code}");
            assert!(is_no_reading(true, code), "{code}");
        }
        for value in [1, 12_345_678, 4_010_000, 20_010_000] {
            assert!(!is_no_reading(true, value), "{value}");
        }
        assert!(is_no_reading(true, 0));
        assert!(!is_no_reading(false, 0));
    }
}
