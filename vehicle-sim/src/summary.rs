//! Summary at the end of a command.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::meters::CarMeters;
use crate::publisher::{Delivered, SeenPart};
use crate::vehicle::Vehicle;

/// Summary of a command.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The command, as one would type it.
    pub command: String,
    /// Simulated time of the first and the last message.
    pub from: Timestamp,
    pub to: Timestamp,
    /// By this command.
    pub distance_m: f64,
    pub charged_kwh: f64,
    pub renewable_kwh: f64,
    pub consumed_kwh: f64,
    /// Lifetime.
    pub odometer_m: f64,
    pub charge_percent: f64,
    #[serde(flatten)]
    pub delivered: Delivered,
}

impl Summary {
    pub(crate) fn new(
        command: String,
        plan: &Dispatch,
        delivered: Delivered,
        before: &CarMeters,
        after: &CarMeters,
        vehicle: &Vehicle,
    ) -> Self {
        let (from, to) = plan.span();
        Self {
            command,
            from,
            to,
            distance_m: after.odometer_m - before.odometer_m,
            charged_kwh: after.charged_kwh - before.charged_kwh,
            renewable_kwh: after.renewable_kwh - before.renewable_kwh,
            consumed_kwh: after.consumed_kwh - before.consumed_kwh,
            odometer_m: after.odometer_m,
            charge_percent: after.charge_percent(vehicle),
            delivered,
        }
    }

    /// Returns whether the head unit has said that it took everything.
    pub fn all_seen(&self) -> bool {
        self.delivered.seen == SeenPart::All
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.command)?;
        writeln!(f, "  from {:.0} to {:.0}", self.from, self.to)?;
        if self.charged_kwh > 0.0 {
            writeln!(
                f,
                "  charged {:.3} kWh, {:.3} kWh of it renewable",
                self.charged_kwh, self.renewable_kwh
            )?;
        } else {
            writeln!(
                f,
                "  drove {:.3} km with {:.3} kWh",
                self.distance_m / 1000.0,
                self.consumed_kwh
            )?;
        }
        writeln!(
            f,
            "  odometer {:.3} km, state of charge {:.1} %",
            self.odometer_m / 1000.0,
            self.charge_percent
        )?;
        write!(
            f,
            "  sent {} messages, {} of them samples; ",
            self.delivered.messages, self.delivered.samples
        )?;
        match self.delivered.seen {
            SeenPart::All => write!(f, "the head unit has taken all of them"),
            SeenPart::Until(ts) => write!(f, "the head unit has taken them up to {ts:.3}"),
            SeenPart::Nothing => write!(f, "the head unit answers, but has taken none of them"),
            SeenPart::NoAnswer => write!(f, "no head unit answers on dashpoint/seen"),
            SeenPart::Untold => write!(
                f,
                "they have no times, or wrong ones, so nobody knows which of them the head unit has taken"
            ),
        }
    }
}
