//! The command line about meters.

use clap::Subcommand;
use dashpoint_membership::{EntryRef, Epoch, Seq};

use crate::core::{NamedDevice, NamedVehicle};

/// About meters and the stretches of them that entries hold.
#[derive(Debug, Subcommand)]
pub enum MeterCommand {
    /// List the meters that vehicles opened when a battery or an instrument cluster was replaced, and those that wait for `meter
    /// accept`; of one vehicle also its stretches: held, freed, and kept for entries that come again after a restore
    List {
        /// The vehicle: the id, its first digits, or the last four characters of its VIN; by default all that opened a meter
        vehicle: Option<NamedVehicle>,
    },
    /// Open a meter whose opening waits: look whether the counter was replaced, at a bill or in the workshop's book. What was charged or
    /// driven on it since is judged again and paid
    Accept(OpeningDecided),
    /// Refuse an opening that waits: the car still has its old counter. What was claimed on the new one is refused with it
    Refuse(OpeningDecided),
    /// Open a meter with other readings than the car said, or give them to one that is open: nothing below `--first` is paid on it
    Correct {
        /// The entry that opens it, as `meter list` shows it: DEVICE/EPOCH-SEQ
        #[arg(value_parser = entry)]
        entry: EntryRef,
        /// First reading of the new meter, in metres or watt-hours
        #[arg(long, value_name = "UNITS", required_unless_present = "last")]
        first: Option<u64>,
        /// Last reading of the meter before it, in metres or watt-hours
        #[arg(long, value_name = "UNITS")]
        last: Option<u64>,
        /// The reason; kept for ever
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take stretches from the entries that hold them, or that are to come again after a restore, so that others can be paid for
    /// them; their points are taken back
    Free {
        /// The vehicle: the id, its first digits, or the last four characters of its VIN
        vehicle: NamedVehicle,
        /// The stretch of this entry: DEVICE/EPOCH-SEQ
        #[arg(long, value_name = "ENTRY", value_parser = entry, required_unless_present = "device", conflicts_with = "device")]
        entry: Option<EntryRef>,
        /// All stretches of this device: the id, or its first digits
        #[arg(long, value_name = "DEVICE")]
        device: Option<NamedDevice>,
        /// The reason; kept for ever
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Leave the points: what is freed may then be paid twice
        #[arg(long)]
        keep_points: bool,
    },
}

/// A decision on the opening of a meter.
#[derive(Debug, clap::Args)]
pub struct OpeningDecided {
    /// The entry that opens it, as `meter list` shows it: DEVICE/EPOCH-SEQ
    #[arg(value_parser = entry)]
    pub entry: EntryRef,
    /// The reason; kept for ever
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Reads an entry as lists show it.
pub(super) fn entry(text: &str) -> Result<EntryRef, String> {
    let read = || {
        let (device, place) = text.split_once('/')?;
        let (epoch, seq) = place.split_once('-')?;
        let entry = EntryRef {
            device: device.parse().ok()?,
            epoch: Epoch::new(epoch.parse().ok()?),
            seq: Seq::new(seq.parse().ok()?),
        };
        // Only as it is written everywhere: no sign, no leading zero.
        (entry.to_string() == text).then_some(entry)
    };
    read().ok_or_else(|| "expected DEVICE/EPOCH-SEQ, as `entries` shows it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_named_as_it_is_shown() {
        let device = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
        let shown = format!("{device}/1-17");
        assert_eq!(entry(&shown).unwrap().to_string(), shown);
        for wrong in ["/1/17", "/1-+17", "/01-17", "/1-17-", "/1", ""] {
            assert!(entry(&format!("{device}{wrong}")).is_err(), "{wrong}");
        }
    }
}
