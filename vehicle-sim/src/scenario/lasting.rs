//! The length of a step in a scenario.

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, de};

/// A time like `90s`, `1h 30m` or `7d`; a day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting(SignedDuration);

impl Lasting {
    /// At least a second and at most 400 days.
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

const MOST: SignedDuration = SignedDuration::from_hours(400 * 24);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span = text.parse::<Span>();
        let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
        match duration {
            Ok(duration) if (SignedDuration::from_secs(1)..=MOST).contains(&duration) => {
                Ok(Self(duration))
            }
            Ok(_) | Err(_) => Err(de::Error::custom(format!(
                "`{text}` is no time: expected 1s to 400d, for example `90s`, `1h 30m` or `7d`"
            ))),
        }
    }
}
