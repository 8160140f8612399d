//! The drive cycles that the crate carries.

use serde::Deserialize;

use crate::error::SimError;
use crate::recording::DriveRecording;

/// A speed table of a regulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cycle {
    Udds,
    Hwfet,
    Us06,
    #[serde(rename = "wltc-3b")]
    Wltc3b,
}

impl Cycle {
    /// Every cycle.
    pub const ALL: [Self; 4] = [Self::Udds, Self::Hwfet, Self::Us06, Self::Wltc3b];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udds => "udds",
            Self::Hwfet => "hwfet",
            Self::Us06 => "us06",
            Self::Wltc3b => "wltc-3b",
        }
    }

    /// Describes the cycle in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Udds => "EPA city driving: many stops, gentle",
            Self::Hwfet => "EPA highway: no stop, at most 96 km/h",
            Self::Us06 => "EPA aggressive driving: two seconds of hard braking",
            Self::Wltc3b => "WLTP: low, medium, high and extra high speed",
        }
    }

    /// The speed table.
    ///
    /// # Errors
    /// None in practice: the table is part of the program, and a test reads each.
    pub fn recording(self) -> Result<DriveRecording, SimError> {
        DriveRecording::parse(self.name(), self.table())
    }

    fn table(self) -> &'static str {
        match self {
            Self::Udds => include_str!("../cycles/udds.csv"),
            Self::Hwfet => include_str!("../cycles/hwfet.csv"),
            Self::Us06 => include_str!("../cycles/us06.csv"),
            Self::Wltc3b => include_str!("../cycles/wltc-3b.csv"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_row_for_each_second() {
        for (cycle, rows) in Cycle::ALL.into_iter().zip([1370, 766, 601, 1801]) {
            assert_eq!(
                cycle.recording().unwrap().rows.len(),
                rows,
                "{}",
                cycle.name()
            );
        }
    }
}
