//! Names that leave the car in place of what they stand for: keyed digests, cut to sixteen bytes where a name is enough.

use dashpoint_membership::{DriverTag, VehicleId};
use dashpoint_wire::NameSalt;

/// An identity of a driver in its one written form, `ISSUER#SUBJECT`.
///
/// The first `#` parts the two: an issuer is a name or a URL without a fragment (OpenID Connect Core 1.0, section 2), a
/// subject may have any characters. Both are compared exactly as the bus spells them: neither case nor a slash at the end
/// is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriverName<'a> {
    /// Issuer of the identity.
    pub issuer: &'a str,
    /// The driver to that issuer.
    pub subject: &'a str,
}

impl<'a> DriverName<'a> {
    /// Reads `ISSUER#SUBJECT`; `None` when one of both is missing.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (issuer, subject) = text.split_once('#')?;
        (!issuer.is_empty() && !subject.is_empty()).then_some(Self { issuer, subject })
    }

    /// Returns the name of the driver that leaves the car.
    #[must_use]
    pub fn tag(&self, salt: &NameSalt) -> DriverTag {
        let parts = [
            &b"dashpoint/driver/v2"[..],
            self.issuer.as_bytes(),
            self.subject.as_bytes(),
        ];
        DriverTag::from_bytes(salt.name(&parts))
    }
}

/// Returns the name of the vehicle that leaves the car.
#[must_use]
pub fn salted_vehicle_id(salt: &NameSalt, vin: &str) -> VehicleId {
    VehicleId::from_bytes(salt.name(&[b"dashpoint/vehicle/v2", vin.as_bytes()]))
}

/// Checks the VIN on the bus against the vehicle of the certificate, which a head unit that was enrolled before there was
/// a salt has in the form without one.
#[must_use]
pub fn is_vehicle(id: VehicleId, vin: &str, salt: Option<&NameSalt>) -> bool {
    id == vehicle_id(vin) || salt.is_some_and(|salt| id == salted_vehicle_id(salt, vin))
}

/// Returns the name of a driver without a salt: bindings that were made before there was one have it.
#[must_use]
pub fn driver_tag(issuer: &str, subject: &str) -> DriverTag {
    let named = [
        b"dashpoint/driver/v1",
        issuer.as_bytes(),
        &[0],
        subject.as_bytes(),
    ]
    .concat();
    DriverTag::from_bytes(first_16(&named))
}

/// Returns the name of a vehicle without a salt: certificates that were issued before there was one have it.
#[must_use]
pub fn vehicle_id(vin: &str) -> VehicleId {
    VehicleId::from_bytes(first_16(
        &[b"dashpoint/vehicle/v1", vin.as_bytes()].concat(),
    ))
}

fn first_16(bytes: &[u8]) -> [u8; 16] {
    let digest = dashpoint_wire::digest(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: NameSalt = NameSalt::from_bytes([7; 32]);

    /// The simulator's tests have the same table.
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
            assert_eq!(
                DriverName::parse(text),
                Some(DriverName { issuer, subject }),
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
            assert_eq!(DriverName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn issuers_that_differ_in_a_slash_or_in_case_are_others() {
        let tag = |text| DriverName::parse(text).unwrap().tag(&SALT);
        assert_eq!(tag("https://a.example#1"), tag("https://a.example#1"));
        for other in [
            "https://a.example/#1",
            "https://A.example#1",
            "http://a.example#1",
            "https://a.example#01",
        ] {
            assert_ne!(tag("https://a.example#1"), tag(other), "{other}");
        }
    }

    #[test]
    fn a_certificate_of_either_form_names_its_vehicle() {
        const VIN: &str = "LDPTEST0000000001";
        for id in [vehicle_id(VIN), salted_vehicle_id(&SALT, VIN)] {
            assert!(is_vehicle(id, VIN, Some(&SALT)));
            assert!(!is_vehicle(id, "LDPTEST0000000002", Some(&SALT)));
        }
        assert!(is_vehicle(vehicle_id(VIN), VIN, None));
        assert!(!is_vehicle(salted_vehicle_id(&SALT, VIN), VIN, None));
        let other = NameSalt::from_bytes([8; 32]);
        assert!(!is_vehicle(
            salted_vehicle_id(&SALT, VIN),
            VIN,
            Some(&other)
        ));
    }
}
