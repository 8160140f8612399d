//! Times and amounts as the command line writes them.

use dashpoint_membership::ServerTime;
use dashpoint_ui::locale::Language;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A day and a minute in the member's zone.
#[must_use]
pub(super) fn minute(at: ServerTime, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d %H:%M")
}

/// A day and a minute with the name of their zone.
#[must_use]
pub(super) fn zoned_minute(at: ServerTime, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d %H:%M %Q")
}

/// Names a zone, for the head of a column of times.
#[must_use]
pub(super) fn zone_name(zone: &TimeZone) -> String {
    let name = zone.iana_name().map(str::to_owned);
    name.unwrap_or_else(|| zone.to_offset(Timestamp::UNIX_EPOCH).to_string())
}

/// A day in the member's zone.
#[must_use]
pub(super) fn day(at: ServerTime, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d")
}

fn format(at: ServerTime, zone: &TimeZone, shape: &str) -> String {
    match Timestamp::from_second(at.as_unix_s()) {
        Ok(timestamp) => timestamp.to_zoned(zone.clone()).strftime(shape).to_string(),
        Err(_) => at.to_string(),
    }
}

/// The noun that follows an amount of points.
pub(super) const fn points_noun(language: Language, amount: i64) -> &'static str {
    match (language, amount) {
        (Language::English, 1) => "point",
        (Language::English, _) => "points",
        (Language::Chinese, _) => "积分",
    }
}

/// An amount with its thousands apart.
#[must_use]
pub(super) fn thousands(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = if amount < 0 {
        "-".to_owned()
    } else {
        String::new()
    };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Counts entries, in English.
#[must_use]
pub(super) fn entries(count: u64) -> String {
    let noun = if count == 1 { "entry" } else { "entries" };
    format!("{count} {noun}")
}

/// Fen as yuan with two places.
#[must_use]
pub(super) fn yuan(fen: i64) -> String {
    format!("{}.{:02}", thousands(fen / 100), fen.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_something_is_not_several() {
        assert_eq!(
            (entries(1), entries(2)),
            ("1 entry".to_owned(), "2 entries".to_owned())
        );
    }

    #[test]
    fn a_time_tells_its_zone() {
        let at = ServerTime::from_unix_s(1_795_308_120);
        for (zone, time) in [
            ("Asia/Shanghai", "2026-11-22 08:42 Asia/Shanghai"),
            ("Europe/Berlin", "2026-11-22 01:42 Europe/Berlin"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(zoned_minute(at, &zone), time);
            assert!(time.ends_with(&zone_name(&zone)));
        }
    }

    #[test]
    fn amounts_are_read_at_a_glance() {
        for (amount, text) in [
            (0, "0"),
            (999, "999"),
            (1_240, "1,240"),
            (-12_345_678, "-12,345,678"),
        ] {
            assert_eq!(thousands(amount), text);
        }
        assert_eq!(yuan(12_405), "124.05");
    }
}
