//! The forms in which a message says when its value was true.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::payload::{PayloadError, Scalar, parse_time};

/// The form of a time in a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimeForm {
    /// RFC 3339 with its offset.
    Rfc3339,
    /// Seconds since 1970-01-01T00:00:00Z, also with a fraction.
    UnixS,
    /// Milliseconds since then.
    UnixMs,
    /// Date and time of day in a zone, without an offset.
    Local(TimeZone),
}

impl TimeForm {
    /// Reads a time, in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// A time of day that comes twice, at the end of summer time, is the one that is nearer to the arrival.
    ///
    /// # Errors
    /// [`PayloadError::BadTime`], also for a time of day that a zone leaves out.
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
        Scalar::Text(text) => text.trim().parse().ok(),
        Scalar::Flag(_) | Scalar::Null | Scalar::Other => None,
    }
}

fn unix_ms(ms: f64) -> Option<i64> {
    // A conversion saturates, and not a number is 0: neither is a time that somebody said.
    let ms = ms.is_finite().then(|| ms.round() as i64)?;
    Timestamp::from_millisecond(ms).ok()?;
    Some(ms)
}

fn local(zone: &TimeZone, text: &str, arrived_ms: i64) -> Option<i64> {
    let said: DateTime = text.trim().parse().ok()?;
    let either = zone.to_ambiguous_timestamp(said);
    if matches!(either.offset(), AmbiguousOffset::Gap { .. }) {
        return None;
    }
    let earlier = either.earlier().ok()?.as_millisecond();
    let later = either.later().ok()?.as_millisecond();
    let is_earlier_nearer = arrived_ms.abs_diff(earlier) <= arrived_ms.abs_diff(later);
    Some(if is_earlier_nearer { earlier } else { later })
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
            (&TimeForm::UnixMs, Scalar::Number(f64::NAN), None),
            (&TimeForm::UnixMs, Scalar::Number(1e30), None),
            (&TimeForm::UnixMs, text("inf"), None),
            (&TimeForm::UnixMs, Scalar::Null, None),
            (&berlin, text("2026-11-22T09:00:01.25"), Some(AT_MS)),
            (&berlin, text("2026-11-22 09:00:01.25"), Some(AT_MS)),
            (&berlin, text("2026-03-29T02:30:00"), None),
        ] {
            assert_eq!(read(form, &scalar, AT_MS), expected, "{form:?}");
        }
        assert_eq!(
            TimeForm::UnixS.read(None, AT_MS),
            Err(PayloadError::BadTime)
        );
    }

    #[test]
    fn an_ambiguous_hour_is_the_nearer() {
        let berlin = TimeForm::Local(TimeZone::get("Europe/Berlin").unwrap());
        let said = Scalar::Text("2026-10-25T02:30:00".into());
        // 02:30 of summer time is 00:30 UTC, that of winter time 01:30 UTC.
        let summer_ms = 1_792_888_200_000;
        let winter_ms = summer_ms + 3_600_000;
        assert_eq!(read(&berlin, &said, summer_ms + 5_000), Some(summer_ms));
        assert_eq!(read(&berlin, &said, winter_ms + 5_000), Some(winter_ms));
    }
}
