//! The member's local calendar. The zone data is bundled, so that both ends count the same days.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

use crate::policy::{Expiry, Period};
use crate::time::{LocalDay, ServerTime};

pub(crate) const DAY_S: i64 = 86_400;

/// The time zone in which a member's days are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A name that is no time zone of the bundled data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a time zone; expected an IANA name such as \"Asia/Shanghai\"")]
pub struct ZoneError {
    name: String,
}

impl Zone {
    /// Takes the IANA name of a zone.
    ///
    /// # Errors
    /// [`ZoneError`] when the bundled data has no such zone.
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        TimeZone::get(name).map(Self).map_err(|_| ZoneError {
            name: name.to_owned(),
        })
    }

    /// The zone of a signed statement; UTC for a name that only a newer program knows.
    ///
    /// The cloud refuses unknown names with [`Zone::new`]. A car with older zone data only predicts, so a day that is
    /// cut a few hours off costs an adjustment and nothing else.
    #[must_use]
    pub fn of_member(name: &str) -> Self {
        Self::new(name).unwrap_or(Self(TimeZone::UTC))
    }

    /// The day of the member's calendar that contains the instant.
    #[must_use]
    pub fn local_day(&self, at: ServerTime) -> LocalDay {
        let timestamp = timestamp(at.as_unix_s());
        let local_s = timestamp.as_second() + i64::from(self.0.to_offset(timestamp).seconds());
        day_of_unix_s(local_s)
    }

    /// The first day of the stretch that contains the instant.
    #[must_use]
    pub fn period_start(&self, at: ServerTime, period: Period) -> LocalDay {
        period.first_day(self.local_day(at))
    }

    /// The instant at which a day begins.
    #[must_use]
    pub fn start_of(&self, day: LocalDay) -> ServerTime {
        let midnight = date_of(day).to_datetime(jiff::civil::Time::midnight());
        self.0.to_timestamp(midnight).map_or_else(
            |_| ServerTime::from_unix_s(i64::from(day.get()) * DAY_S),
            |at| ServerTime::from_unix_s(at.as_second()),
        )
    }

    /// The end of the local day that lies that many months after the instant.
    #[must_use]
    pub fn end_of_day_after_months(&self, from: ServerTime, months: u16) -> ServerTime {
        let later =
            date_of(self.local_day(from)).saturating_add(Span::new().months(i64::from(months)));
        self.start_of(next_day(day_of(later)))
    }

    /// The start of the local day whose end lies that many months before the instant: undoes
    /// [`Zone::end_of_day_after_months`] to the day.
    #[must_use]
    pub fn start_of_day_before_months(&self, end: ServerTime, months: u16) -> ServerTime {
        let back = Span::new().months(-i64::from(months)).days(-1);
        self.start_of(day_of(date_of(self.local_day(end)).saturating_add(back)))
    }
}

impl Expiry {
    /// Returns the time at which points expire that were earned at the instant.
    #[must_use]
    pub fn of_points_earned(self, at: ServerTime, zone: &Zone) -> ServerTime {
        match self {
            Self::Months(months) => zone.end_of_day_after_months(at, months),
            Self::CalendarYears(years) => {
                let first_year = Period::Year.first_day(zone.local_day(at));
                let after = date_of(first_year)
                    .saturating_add(Span::new().years(i64::from(years.min(999))));
                zone.start_of(day_of(after))
            }
        }
    }
}

impl Period {
    /// The first day of the stretch that contains a day.
    #[must_use]
    pub fn first_day(self, day: LocalDay) -> LocalDay {
        match self {
            Self::Day => day,
            // Day 0 was a Thursday.
            Self::Week => LocalDay::new(
                day.get()
                    .saturating_sub(day.get().saturating_add(3).rem_euclid(7)),
            ),
            Self::Month => day_of(date_of(day).first_of_month()),
            Self::Year => day_of(date_of(day).first_of_year()),
        }
    }

    /// The last day of the stretch that contains a day.
    #[must_use]
    pub fn last_day(self, day: LocalDay) -> LocalDay {
        match self {
            Self::Day => day,
            Self::Week => LocalDay::new(self.first_day(day).get().saturating_add(6)),
            Self::Month => day_of(date_of(day).last_of_month()),
            Self::Year => day_of(date_of(day).last_of_year()),
        }
    }
}

/// Times further from 1970 than 6,000 years are held there, so that no sum with months leaves the calendar.
const FURTHEST_S: i64 = 6_000 * 365 * DAY_S;

fn timestamp(unix_s: i64) -> Timestamp {
    Timestamp::from_second(unix_s.clamp(-FURTHEST_S, FURTHEST_S)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn date_of(day: LocalDay) -> Date {
    Offset::UTC
        .to_datetime(timestamp(i64::from(day.get()) * DAY_S))
        .date()
}

fn day_of(date: Date) -> LocalDay {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let unix_s = Offset::UTC
        .to_timestamp(midnight)
        .map_or(0, Timestamp::as_second);
    day_of_unix_s(unix_s)
}

fn day_of_unix_s(unix_s: i64) -> LocalDay {
    let days = unix_s.div_euclid(DAY_S);
    LocalDay::new(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
}

const fn next_day(day: LocalDay) -> LocalDay {
    LocalDay::new(day.get().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> ServerTime {
        ServerTime::from_unix_s(text.parse::<Timestamp>().unwrap().as_second())
    }

    #[test]
    fn a_day_begins_at_the_members_midnight() {
        let shanghai = Zone::new("Asia/Shanghai").unwrap();
        let before = shanghai.local_day(at("2026-11-22T15:59:59Z"));
        let after = shanghai.local_day(at("2026-11-22T16:00:00Z"));
        assert_eq!(after.get(), before.get() + 1);
        assert_eq!(shanghai.start_of(after), at("2026-11-22T16:00:00Z"));
    }

    #[test]
    fn stretches_begin_and_end_where_the_calendar_says() {
        let utc = Zone::new("UTC").unwrap();
        let day = |text: &str| utc.local_day(at(&format!("{text}T12:00:00Z")));
        for (period, first, last) in [
            (Period::Day, "2028-02-29", "2028-02-29"),
            (Period::Week, "2028-02-28", "2028-03-05"),
            (Period::Month, "2028-02-01", "2028-02-29"),
            (Period::Year, "2028-01-01", "2028-12-31"),
        ] {
            assert_eq!(
                period.first_day(day("2028-02-29")),
                day(first),
                "{period:?}"
            );
            assert_eq!(period.last_day(day("2028-02-29")), day(last), "{period:?}");
        }
        assert_eq!(Period::Week.first_day(day("1970-01-01")), day("1969-12-29"));
    }

    #[test]
    fn points_expire_at_the_end_of_a_local_day() {
        let shanghai = Zone::new("Asia/Shanghai").unwrap();
        for (expiry, earned, expires) in [
            (
                Expiry::Months(24),
                "2026-11-22T08:00:00Z",
                "2028-11-22T16:00:00Z",
            ),
            (
                Expiry::Months(1),
                "2027-01-31T08:00:00Z",
                "2027-02-28T16:00:00Z",
            ),
            // 2027-01-01 in Shanghai.
            (
                Expiry::CalendarYears(2),
                "2026-12-31T20:00:00Z",
                "2028-12-31T16:00:00Z",
            ),
            (
                Expiry::CalendarYears(1),
                "2026-06-01T00:00:00Z",
                "2026-12-31T16:00:00Z",
            ),
        ] {
            assert_eq!(
                expiry.of_points_earned(at(earned), &shanghai),
                at(expires),
                "{earned}"
            );
        }
    }

    #[test]
    fn times_past_the_calendar_are_held_at_its_ends() {
        let zone = Zone::new("Asia/Shanghai").unwrap();
        for seconds in [i64::MIN, i64::MAX] {
            let at = ServerTime::from_unix_s(seconds);
            let day = zone.local_day(at);
            for period in [Period::Day, Period::Week, Period::Month, Period::Year] {
                assert!(period.first_day(day) <= period.last_day(day));
            }
            assert!(Expiry::Months(24).of_points_earned(at, &zone) != ServerTime::from_unix_s(0));
        }
    }

    #[test]
    fn an_unknown_zone_is_refused_or_counted_in_utc() {
        assert!(Zone::new("Mars/Olympus").is_err());
        assert_eq!(Zone::of_member("Mars/Olympus"), Zone::new("UTC").unwrap());
    }
}
