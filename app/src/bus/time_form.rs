//! The forms in which a message says when its value was true.

use jiff::fmt::temporal::Pieces;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::payload::{PayloadError, Scalar, parse_time};

/// 2000-01-01T00:00:00Z and 2100-01-01T00:00:00Z in milliseconds: a number outside of them is in another unit.
const NUMBERS_MS: std::ops::Range<f64> = 946_684_800_000.0..4_102_444_800_000.0;
/// A clock may be this much ahead of the head unit's, in milliseconds, and its time has happened still.
const AHEAD_MS: i64 = 60_000;

/// The form of a time in a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimeForm {
    /// RFC 3339 with its offset.
    Rfc3339,
    /// Seconds since 1970-01-01T00:00:00Z, also with a fraction.
    UnixS,
    /// Milliseconds since then.
    UnixMs,
    /// Date and time of day in a zone; a text that has an offset says itself which time it is.
    Local(TimeZone),
}

impl TimeForm {
    /// Returns its name in mapping files, with the zone of a local time.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Rfc3339 => "rfc3339".to_owned(),
            Self::UnixS => "unix-s".to_owned(),
            Self::UnixMs => "unix-ms".to_owned(),
            Self::Local(zone) => format!("local {}", zone.iana_name().unwrap_or_default()),
        }
    }

    /// Reads a time, in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// A time of day that comes twice, at the end of summer time, is the one that has happened at its arrival; where both
    /// or neither have, it is the nearer.
    ///
    /// # Errors
    /// [`PayloadError::BadTime`], also for a time of day that a zone leaves out, for a date alone, and for a number that is
    /// no time between 2000 and 2100.
    pub(super) fn read(
        &self,
        scalar: Option<&Scalar<'_>>,
        arrived_ms: i64,
    ) -> Result<i64, PayloadError> {
        let read = match (self, scalar) {
            (Self::Rfc3339, Some(Scalar::Text(text))) => parse_time(text).ok(),
            (Self::Local(zone), Some(Scalar::Text(text))) => local(zone, text, arrived_ms),
            (Self::UnixS, Some(scalar)) => number(scalar).and_then(|s| unix_ms(s * 1_000.0)),
            (Self::UnixMs, Some(scalar)) => number(scalar).and_then(unix_ms),
            (Self::Rfc3339 | Self::Local(_), Some(_)) | (_, None) => None,
        };
        read.ok_or(PayloadError::BadTime)
    }
}

fn number(scalar: &Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Number(number) => Some(*number),
        Scalar::Long(number) => Some(*number as f64),
        Scalar::Text(text) => text.trim().parse().ok(),
        Scalar::Flag(_) | Scalar::Null | Scalar::Other => None,
    }
}

fn unix_ms(ms: f64) -> Option<i64> {
    NUMBERS_MS.contains(&ms).then(|| ms.round() as i64)
}

fn local(zone: &TimeZone, text: &str, arrived_ms: i64) -> Option<i64> {
    let text = text.trim();
    if let Ok(said_ms) = parse_time(text) {
        return Some(said_ms);
    }
    let pieces = Pieces::parse(text).ok()?;
    if pieces.offset().is_some() || pieces.time_zone_annotation().is_some() {
        return None;
    }
    let said = pieces.date().to_datetime(pieces.time()?);
    let either = zone.to_ambiguous_timestamp(said);
    if matches!(either.offset(), AmbiguousOffset::Gap { .. }) {
        return None;
    }
    let earlier = either.earlier().ok()?.as_millisecond();
    let later = either.later().ok()?.as_millisecond();
    let has_happened = |ms: i64| ms.saturating_sub(arrived_ms) <= AHEAD_MS;
    // The later one is also the nearer when both have happened.
    Some(if has_happened(later) { later } else { earlier })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T08:00:01.250Z.
    const AT_MS: i64 = 1_795_334_401_250;

    fn read(form: &TimeForm, scalar: &Scalar<'_>, arrived_ms: i64) -> Option<i64> {
        form.read(Some(scalar), arrived_ms).ok()
    }

    #[test]
    fn each_form_is_read() {
        let berlin = TimeForm::Local(TimeZone::get("Europe/Berlin").unwrap());
        let text = |text: &'static str| Scalar::Text(text.into());
        for (form, scalar, expected) in [
            (
                &TimeForm::Rfc3339,
                text("2026-11-22T08:00:01.25Z"),
                Some(AT_MS),
            ),
            (&TimeForm::Rfc3339, text("2026-11-22T08:00:01.25"), None),
            (&TimeForm::Rfc3339, Scalar::Number(1_795_334_401.25), None),
            (
                &TimeForm::UnixS,
                Scalar::Number(1_795_334_401.25),
                Some(AT_MS),
            ),
            (&TimeForm::UnixS, text("1795334401.25"), Some(AT_MS)),
            (
                &TimeForm::UnixMs,
                Scalar::Number(1_795_334_401_250.0),
                Some(AT_MS),
            ),
            // In the other unit, or in a third.
            (&TimeForm::UnixMs, Scalar::Number(1_795_334_401.0), None),
            (&TimeForm::UnixS, Scalar::Number(1_795_334_401_250.0), None),
            (
                &TimeForm::UnixMs,
                Scalar::Number(1_795_334_401_250_000.0),
                None,
            ),
            (&TimeForm::UnixS, Scalar::Number(0.0), None),
            (&TimeForm::UnixS, Scalar::Number(946_684_799.0), None),
            (
                &TimeForm::UnixS,
                Scalar::Number(946_684_800.0),
                Some(946_684_800_000),
            ),
            (&TimeForm::UnixMs, Scalar::Number(f64::NAN), None),
            (&TimeForm::UnixMs, Scalar::Number(1e30), None),
            (&TimeForm::UnixMs, text("inf"), None),
            (&TimeForm::UnixMs, Scalar::Null, None),
            (&berlin, text("2026-11-22T09:00:01.25"), Some(AT_MS)),
            (&berlin, text("2026-11-22 09:00:01.25"), Some(AT_MS)),
            (&berlin, text("2026-03-29T02:30:00"), None),
            // An offset is obeyed, and a zone beside the one of the mapping is refused.
            (&berlin, text("2026-11-22T08:00:01.25Z"), Some(AT_MS)),
            (&berlin, text("2026-11-22T08:00:01.25+00:00"), Some(AT_MS)),
            (&berlin, text(" 2026-11-22T03:00:01.25-05:00 "), Some(AT_MS)),
            (&berlin, text("2026-11-22T09:00:01.25[Europe/Paris]"), None),
            (&berlin, text("2026-11-22"), None),
            (&berlin, text("2026-11-22Z"), None),
            (
                &berlin,
                text("2026-10-25T02:30:00+01:00"),
                Some(1_792_891_800_000),
            ),
        ] {
            assert_eq!(read(form, &scalar, AT_MS), expected, "{form:?}");
        }
        assert_eq!(
            TimeForm::UnixS.read(None, AT_MS),
            Err(PayloadError::BadTime)
        );
    }

    #[test]
    fn a_doubled_hour_has_happened_already() {
        let berlin = TimeForm::Local(TimeZone::get("Europe/Berlin").unwrap());
        let said = Scalar::Text("2026-10-25T02:30:00".into());
        // 02:30 of summer time is 00:30 UTC, that of winter time 01:30 UTC.
        let summer_ms = 1_792_888_200_000;
        let winter_ms = summer_ms + 3_600_000;
        for (arrived_ms, expected_ms) in [
            (summer_ms - 600_000, summer_ms),
            (summer_ms + 5_000, summer_ms),
            // Late by 35 minutes: the other one would be 25 minutes ahead.
            (summer_ms + 2_100_000, summer_ms),
            (winter_ms - 61_000, summer_ms),
            // A clock that is a little ahead.
            (winter_ms - 60_000, winter_ms),
            (winter_ms + 5_000, winter_ms),
            (winter_ms + 86_400_000, winter_ms),
        ] {
            assert_eq!(
                read(&berlin, &said, arrived_ms),
                Some(expected_ms),
                "{}",
                arrived_ms - summer_ms
            );
        }
    }
}
