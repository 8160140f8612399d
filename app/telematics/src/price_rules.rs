//! Renewable shares by power, as a charging station announces them.

use serde::{Deserialize, Serialize};

/// Rules of one schedule entry that ISO 15118-20 has at most.
const RULES_MAX: usize = 8;
/// Power beyond which no range of a car's charging begins, in watts.
const RANGE_W_MAX: u32 = 10_000_000;

/// Price rules of ISO 15118-20 that are in force: each has the power from which it counts, and a share that was announced ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PriceRules(Vec<PriceRule>);

/// A range of power with its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PriceRule {
    /// Start of the range, in watts; it ends where the next one begins.
    from_w: u32,
    permille: u16,
}

impl PriceRules {
    /// Reads `WATTS:PERCENT` of each range, lowest first, with commas between them; an empty text for none. `None` for any other
    /// text: a share is a byte in the standard, and one above 100 is an error of the station.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        let rules: Vec<PriceRule> = text.split(',').map(rule).collect::<Option<_>>()?;
        let rises = rules.is_sorted_by(|one, next| one.from_w < next.from_w);
        (rises && rules.len() <= RULES_MAX).then_some(Self(rules))
    }

    /// Returns the share of the range that a power is in, in permille. For a power that is not known, or below all ranges, it is the
    /// least one; `None` without a rule.
    pub(crate) fn permille(&self, power_w: Option<f64>) -> Option<u16> {
        let in_range = |power_w: f64| {
            let mut below = self.0.iter().rev();
            below.find(|rule| f64::from(rule.from_w) <= power_w)
        };
        let least = || self.0.iter().min_by_key(|rule| rule.permille);
        let rule = power_w.and_then(in_range).or_else(least)?;
        Some(rule.permille)
    }
}

fn rule(text: &str) -> Option<PriceRule> {
    let (from_w, percent) = text.trim().split_once(':')?;
    let from_w = from_w
        .parse()
        .ok()
        .filter(|from_w| *from_w <= RANGE_W_MAX)?;
    let percent: u16 = percent.parse().ok().filter(|percent| *percent <= 100)?;
    Some(PriceRule {
        from_w,
        permille: percent * 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_in_one_range() {
        let rules = PriceRules::parse("0:80, 11000:40,50000:60").unwrap();
        for (power_w, permille) in [
            (Some(0.0), 800),
            (Some(10_999.9), 800),
            (Some(11_000.0), 400),
            (Some(350_000.0), 600),
            (None, 400),
        ] {
            assert_eq!(rules.permille(power_w), Some(permille), "{power_w:?}");
        }
        let high = PriceRules::parse("3000:90,22000:70").unwrap();
        assert_eq!(high.permille(Some(1_500.0)), Some(700), "below all ranges");
        assert_eq!(PriceRules::parse("").unwrap().permille(None), None);
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for text in [
            "0:101",
            "0:255",
            "0:-5",
            "0:80,0:40",
            "11000:80,0:40",
            "0:80,",
            "80",
            "0:8.5",
            "0:1,1:1,2:1,3:1,4:1,5:1,6:1,7:1,8:1",
        ] {
            assert_eq!(PriceRules::parse(text), None, "{text}");
        }
    }
}
