//! Coverage of a run: faults, verdicts, caps and the rows of the table of reconciliation.

use std::collections::BTreeMap;

use dashpoint_membership::{Adjustment, Verdict};
use serde::Serialize;

/// Counts by name.
pub type Counts = BTreeMap<String, u64>;

/// Coverage of one seed or of a whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Seeds that ran to their end.
    pub seeds: u64,
    /// Simulated time, summed over the vehicles, in days.
    pub vehicle_days: u64,
    /// Awards that a screen has shown.
    pub awards: u64,
    /// Awards that were lost together with the only disk that held them: a backup took its place.
    pub lost_with_disk: u64,
    /// Awards that a head unit had not sent when it was shut out.
    pub shut_out: u64,
    /// Rows that show the verdict of an earlier life of the cloud.
    pub former_verdicts: u64,
    /// Checks of what a screen shows against what the cloud has settled.
    pub checks: u64,
    /// Faults, by kind.
    pub faults: Counts,
    /// Events beyond driving and charging.
    pub events: Counts,
    /// Verdicts of the cloud, by kind and reason.
    pub verdicts: Counts,
    /// Periods in which a cap was used up, by cap.
    pub caps: Counts,
    /// Rows of the table "what happens / what both do" of the protocol.
    pub rows: Counts,
}

/// Items that a run of [`ENOUGH`] seeds must reach; an item that is never reached proves nothing.
const MUST: [(&str, &[&str]); 5] = [
    (
        "faults",
        &[
            "request lost",
            "request doubled",
            "request delayed",
            "request cut",
            "answer lost after commit",
            "answer late",
            "answer cut",
            "answer damaged",
            "receipt forged",
            "server error",
            "partition",
            "car killed",
            "car power cut",
            "cloud power cut",
            "cloud restored",
            "cloud restored, unsaid",
            "cloud restored, unsaid, after an enrolment",
            "disk restored",
            "clone",
            "clock jump",
            "clock in 1970",
            "policy in flight",
            "key store unreadable",
            "charged asleep",
            "device shut out",
            "key of another car",
            "cache lost with an entry unsent",
            "stranger with the VIN",
            "cloud's clock wrong",
            "cloud's clock leapt",
            "counter replaced",
            "counters not available",
        ],
    ),
    (
        "events",
        &[
            "checked in",
            "checked in by one of two drivers",
            "checked in twice a day",
            "check-in of a guest refused",
            "driver changed between drives",
            "driver changed in a drive",
            "guest drove",
            "enrolled anew",
            "second driver enrolled later",
            "shut out and told so",
            "own key put back",
            "signed again without a restart",
            "stranger not let in",
            "cloud's clock set right",
            "nothing changed by a clock that leapt",
            "nothing ended before a leap was confirmed",
            "operator took the clock for right",
            "paid under a receipt of the future",
            "a meter opened",
            "a meter opened once more",
            "the opening of a meter waited",
            "waited for its meter",
            "paid once its meter was open",
        ],
    ),
    (
        "verdicts",
        &[
            "accepted",
            "adjusted: cap",
            "adjusted: policy",
            "adjusted: remainder",
            "rejected: AlreadyPaid",
            "review: OverAllowance",
            "review: Estimated",
            "released",
            "expired",
        ],
    ),
    (
        "caps",
        &[
            "check-in-day",
            "trip-day",
            "charge-day",
            "clean-charging-week",
            "all-day",
            "all-month",
        ],
    ),
    (
        "rows",
        &[
            "same entry twice",
            "gap or wrong prev: sent again after the known entry",
            "gap or wrong prev: carried into a new epoch",
            "disk restored from a backup",
            "two branches of a clone",
            "server restored from an older backup",
            "enrolment shown to a cloud that forgot it",
            "clock wrong",
            "key store unreadable",
            "policy expired",
        ],
    ),
];

/// Seeds after which everything in [`Coverage::missing`] must have been reached.
pub const ENOUGH: u64 = 300;

impl Coverage {
    /// Counts a fault.
    pub fn fault(&mut self, kind: &str) {
        count(&mut self.faults, kind);
    }

    /// Counts what somebody did.
    pub fn event(&mut self, kind: &str) {
        count(&mut self.events, kind);
    }

    /// Counts a verdict.
    pub fn verdict(&mut self, kind: &str) {
        count(&mut self.verdicts, kind);
    }

    /// Counts what the cloud has said of an entry.
    pub fn judged(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted { .. } => self.verdict("accepted"),
            Verdict::Adjusted { reasons, .. } => {
                for reason in reasons {
                    self.verdict(match reason {
                        Adjustment::Cap { .. } => "adjusted: cap",
                        Adjustment::Policy { .. } => "adjusted: policy",
                        Adjustment::Rule { .. } => "adjusted: rule",
                        Adjustment::Remainder { .. } => "adjusted: remainder",
                    });
                    if let Adjustment::Policy { .. } = reason {
                        self.row("policy expired");
                    }
                }
            }
            Verdict::Rejected { reason } => self.verdict(&format!("rejected: {reason:?}")),
            Verdict::Review { reason, .. } => self.verdict(&format!("review: {reason:?}")),
        }
    }

    /// Counts a period in which a cap was used up.
    pub fn cap(&mut self, cap: &str) {
        count(&mut self.caps, cap);
    }

    /// Counts a row of the table.
    pub fn row(&mut self, row: &str) {
        count(&mut self.rows, row);
    }

    /// Adds what another seed has reached.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.vehicle_days += other.vehicle_days;
        self.awards += other.awards;
        self.lost_with_disk += other.lost_with_disk;
        self.checks += other.checks;
        self.shut_out += other.shut_out;
        self.former_verdicts += other.former_verdicts;
        for (ours, theirs) in [
            (&mut self.faults, &other.faults),
            (&mut self.events, &other.events),
            (&mut self.verdicts, &other.verdicts),
            (&mut self.caps, &other.caps),
            (&mut self.rows, &other.rows),
        ] {
            for (name, times) in theirs {
                *ours.entry(name.clone()).or_default() += times;
            }
        }
    }

    /// Lists the items that should have been reached and never were.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (group, names) in MUST {
            let counts = match group {
                "faults" => &self.faults,
                "events" => &self.events,
                "verdicts" => &self.verdicts,
                "caps" => &self.caps,
                _ => &self.rows,
            };
            let never = names.iter().filter(|name| !counts.contains_key(**name));
            missing.extend(never.map(|name| format!("{group}: {name}")));
        }
        missing
    }
}

fn count(counts: &mut Counts, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}
