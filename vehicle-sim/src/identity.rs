//! Identity of the car and of its driver.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::error::SimError;

/// A vehicle identification number of the shape of ISO 3779.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vin(String);

impl Vin {
    /// A number that no maker has given out: plainly a fake, and valid in shape.
    pub const FAKE: &'static str = "LDPTEST0000000001";

    /// The seventeen characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Vin {
    fn default() -> Self {
        Self(Self::FAKE.to_owned())
    }
}

impl FromStr for Vin {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        let allowed =
            |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"IOQ".contains(c));
        let digits_at_end = text.chars().rev().take(4).all(|c| c.is_ascii_digit());
        if text.chars().count() == 17 && text.chars().all(allowed) && digits_at_end {
            Ok(Self(text.to_owned()))
        } else {
            Err(SimError::Vin {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Vin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The driver as the car's own sign-in knows them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedDriver {
    pub issuer: String,
    pub subject: String,
}

impl SimulatedDriver {
    /// The subject of a car that does not say who drives: it names nobody and no guest.
    pub const UNDEFINED: &'static str = "UNDEFINED";

    /// Nobody in particular: the car does not say who drives, as before it has named anybody.
    pub fn unnamed() -> Self {
        Self {
            issuer: String::new(),
            subject: Self::UNDEFINED.to_owned(),
        }
    }

    /// Nobody that the car knows: both texts are empty.
    pub fn guest() -> Self {
        Self {
            issuer: String::new(),
            subject: String::new(),
        }
    }
}

impl FromStr for SimulatedDriver {
    type Err = SimError;

    /// Parses `ISSUER#SUBJECT`; the first `#` parts the two, since an issuer is a name or a URL without a fragment.
    fn from_str(text: &str) -> Result<Self, SimError> {
        match text.split_once('#') {
            Some((issuer, subject)) if !issuer.is_empty() && !subject.is_empty() => Ok(Self {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            }),
            Some(_) | None => Err(SimError::Driver {
                text: text.to_owned(),
            }),
        }
    }
}

/// The identity that the car publishes at the start of each command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub vin: Vin,
    /// Nobody is named when absent; what the broker retains from an earlier command then stays.
    pub driver: Option<SimulatedDriver>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vin_has_the_shape_of_iso_3779() {
        assert!(Vin::FAKE.parse::<Vin>().is_ok());
        for bad in [
            "",
            "LDPTEST000000001",
            "LDPTEST00000000012",
            "LDPTESTO000000001",
            "ldptest0000000001",
            "LDPTEST000000000A",
        ] {
            assert!(bad.parse::<Vin>().is_err(), "{bad}");
        }
    }

    /// The head unit's tests have the same table.
    #[test]
    fn a_driver_is_written_one_way() {
        for (text, issuer, subject) in [
            ("https://id.example.com#42", "https://id.example.com", "42"),
            (
                "https://id.example.com/#42",
                "https://id.example.com/",
                "42",
            ),
            (
                "https://id.example.com:8443/realms/cars#u/7",
                "https://id.example.com:8443/realms/cars",
                "u/7",
            ),
            (
                "https://id.example.com#a#b",
                "https://id.example.com",
                "a#b",
            ),
            (
                "https://id.example.com#+8613812345678",
                "https://id.example.com",
                "+8613812345678",
            ),
            ("Maker#Lin", "Maker", "Lin"),
            ("maker#林", "maker", "林"),
        ] {
            let driver: SimulatedDriver = text.parse().unwrap();
            assert_eq!(
                (driver.issuer.as_str(), driver.subject.as_str()),
                (issuer, subject),
                "{text}"
            );
        }
        for bad in [
            "",
            "#",
            "42",
            "#42",
            "maker#",
            "maker/42",
            "https://id.example.com/42",
        ] {
            assert!(bad.parse::<SimulatedDriver>().is_err(), "{bad}");
        }
    }
}
