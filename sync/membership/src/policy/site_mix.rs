//! Declared mixes of charging points, and the way in which their ids are compared.

use serde::{Deserialize, Serialize};

/// The declared mix of a group of charging points (OCPI EnergyMix).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteMix {
    /// Beginning of the EVSE ids of the group; separators and case do not matter, nor does the `E` after the operator.
    pub evse_prefix: String,
    /// Share of renewable energy, in permille.
    pub renewable_permille: u16,
}

impl SiteMix {
    /// Returns how many significant characters of a charging point's id the group's beginning has; `None` for a point of another
    /// group.
    #[must_use]
    pub fn covers(&self, evse: &str) -> Option<usize> {
        let mut of_point = significant(evse);
        let mut found = 0;
        for wanted in significant(&self.evse_prefix) {
            if of_point.next() != Some(wanted) {
                return None;
            }
            found += 1;
        }
        Some(found)
    }

    /// Returns the beginning of the ids as it is compared.
    pub(super) fn significant_prefix(&self) -> String {
        significant(&self.evse_prefix).collect()
    }
}

/// Place of the letter that says "EVSE" after two characters of the country and three of the operator.
const ID_TYPE: usize = 5;

/// The characters by which ids are compared: the same point is written with and without separators, in either case, and with or without
/// the `E` after the operator (ISO 15118-2 Annex H and eMI3 have it, older ids and DIN SPEC 91286 do not).
fn significant(id: &str) -> impl Iterator<Item = char> {
    id.chars()
        .filter(|char| !matches!(char, '*' | '-' | ' '))
        .map(|char| char.to_ascii_uppercase())
        .enumerate()
        .filter(|(place, char)| (*place, *char) != (ID_TYPE, 'E'))
        .map(|(_, char)| char)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(evse_prefix: &str) -> SiteMix {
        SiteMix {
            evse_prefix: evse_prefix.to_owned(),
            renewable_permille: 0,
        }
    }

    #[test]
    fn one_charging_point_is_written_in_many_ways() {
        for (prefix, id, expected) in [
            ("DE*AB7*E840", "DE*AB7*E840*6487", Some(8)),
            ("DE*AB7*E840", "DEAB7E8406487", Some(8)),
            ("DE*AB7*840", "DE*AB7*E840*6487", Some(8)),
            ("DE*AB7*E840", "DE*AB7*840*6487", Some(8)),
            ("deab7", "DE*AB7*E840*6487", Some(5)),
            ("DE*AB7*E840", "de-ab7-e840-6487", Some(8)),
            ("DE*AB7*E", "DE*AB7*1", Some(5)),
            ("CN*DSP*S", "CN*DSP*ES12*1", Some(6)),
            ("CN*DSP*S", "CN*DSP*E12*1", None),
            ("DE*AB7*E840", "DE*AB7*E84", None),
            ("DE*AB7*E840", "DE*AB8*E8406", None),
            ("+49*810*000", "+49*810*000*438", Some(9)),
        ] {
            assert_eq!(site(prefix).covers(id), expected, "{prefix} {id}");
        }
    }
}
