//! Parses the `Retry-After` header.

/// Longest delay that is read; the machine bounds it further.
const MAX_S: u64 = 7 * 24 * 60 * 60;

/// Reads a `Retry-After` header: seconds, or an HTTP date.
///
/// A date counts from the answer's own `Date`, since the car's clock may be wrong; without one, from `now_unix_s`.
/// `None` for what is neither.
#[must_use]
pub fn retry_after_s(value: &str, date: Option<&str>, now_unix_s: i64) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse::<u64>().unwrap_or(MAX_S).min(MAX_S));
    }
    let until = http_date_unix_s(value)?;
    let from = date.and_then(http_date_unix_s).unwrap_or(now_unix_s);
    let wait = u64::try_from(until.saturating_sub(from)).unwrap_or(0);
    Some(wait.min(MAX_S))
}

/// Reads the one form of HTTP date that may be sent (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date_unix_s(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_weekday, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let day: i64 = digits(words.next()?, 2)?;
    let month_name = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month_name)?;
    let year: i64 = digits(words.next()?, 4)?;
    let mut clock = words.next()?.split(':');
    let hour = digits(clock.next()?, 2)?;
    let minute = digits(clock.next()?, 2)?;
    let second = digits(clock.next()?, 2)?;
    let in_range =
        (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60 && year >= 1970;
    if words.next() != Some("GMT") || words.next().is_some() || clock.next().is_some() || !in_range
    {
        return None;
    }
    let days = days_from_epoch(year, i64::try_from(month).ok()? + 1, day);
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn digits(text: &str, len: usize) -> Option<i64> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; months count from 1.
///
/// The year is taken to begin in March, so that the leap day is its last and 153 days make five months.
const fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    365 * year + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_the_standard_writes_them() {
        for (text, unix_s) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 23:59:59 GMT", Some(951_868_799)),
            ("Sun, 22 Nov 2026 08:00:00 GMT", Some(1_795_334_400)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("", None),
        ] {
            assert_eq!(http_date_unix_s(text), unix_s, "{text}");
        }
    }

    #[test]
    fn seconds_and_dates_become_a_delay() {
        let date = Some("Sun, 06 Nov 1994 08:49:00 GMT");
        for (value, date, now, delay) in [
            ("120", None, 0, Some(120)),
            (" 0 ", None, 0, Some(0)),
            ("99999999999999999999999", None, 0, Some(MAX_S)),
            ("-1", None, 0, None),
            ("soon", None, 0, None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", date, 0, Some(37)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, 784_111_770, Some(7)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, 884_111_770, Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, 0, Some(MAX_S)),
        ] {
            assert_eq!(retry_after_s(value, date, now), delay, "{value}");
        }
    }
}
