//! The figures behind a row: what was predicted and paid, and what was measured.

use dashpoint_membership::{
    Charge, Current, Discharge, Evidence, Grade, MeterInterval, Milli, Points, Trip,
};

use crate::locale::{fingerprint, percent, score, signed, tenths_of_thousandths};
use crate::model::{RowData, RowOutcome};
use crate::{Fact, FactLine};

/// A named figure.
#[must_use]
pub fn fact(fact: Fact, value: impl Into<slint::SharedString>) -> FactLine {
    FactLine {
        fact,
        value: value.into(),
    }
}

/// Metres as kilometres, or watt-hours as kilowatt-hours, with one decimal.
#[must_use]
pub fn thousandths(amount: u64) -> String {
    tenths_of_thousandths(i64::try_from(amount).unwrap_or(i64::MAX))
}

/// Thousandths of a point, all three decimals.
#[must_use]
pub fn exact_thousandths(milli: Milli) -> String {
    let (whole, rest) = milli.split();
    format!("{whole}.{:03}", rest.get())
}

/// Lists the predicted and the paid amounts of a row.
#[must_use]
pub fn values(row: &RowData) -> Vec<FactLine> {
    let mut lines = match &row.outcome {
        RowOutcome::AwaitingConnection { predicted }
        | RowOutcome::AwaitingSignature { predicted }
        | RowOutcome::Settled { predicted } => {
            vec![fact(Fact::Predicted, signed(predicted.get()))]
        }
        RowOutcome::InReview { points, .. } => vec![fact(Fact::HeldBack, signed(points.get()))],
        RowOutcome::TakenBack { paid, taken } => vec![
            fact(Fact::Paid, signed(paid.get())),
            fact(Fact::TakenBack, signed(Points::ZERO.minus(*taken).get())),
        ],
        RowOutcome::Booked { points } => vec![fact(Fact::Paid, signed(points.get()))],
        RowOutcome::Adjusted {
            paid, predicted, ..
        } => vec![
            fact(Fact::Predicted, signed(predicted.get())),
            fact(Fact::Paid, signed(paid.get())),
        ],
        RowOutcome::PaidLate {
            points, predicted, ..
        } => vec![
            fact(Fact::Predicted, signed(predicted.get())),
            fact(Fact::Paid, signed(points.get())),
        ],
        RowOutcome::Unpaid { predicted }
        | RowOutcome::Rejected { predicted, .. }
        | RowOutcome::Refused { predicted } => vec![
            fact(Fact::Predicted, signed(predicted.get())),
            fact(Fact::Paid, "0"),
        ],
        RowOutcome::Nothing(_) => vec![fact(Fact::Paid, "0")],
    };
    if !row.growth.is_zero() {
        lines.push(fact(Fact::Growth, signed(row.growth.get())));
    }
    if let Some((_, version)) = &row.rule {
        lines.push(fact(Fact::Policy, version.get().to_string()));
    }
    lines
}

/// Lists the measurements of a row and the entry that signed them.
#[must_use]
pub fn evidence(row: &RowData) -> Vec<FactLine> {
    let mut lines = match row.subject.evidence() {
        Some(Evidence::Trip(trip)) => of_trip(trip),
        Some(Evidence::Charge(charge)) => of_charge(charge),
        Some(Evidence::Discharge(discharge)) => of_discharge(discharge),
        None => Vec::new(),
    };
    if let Some(digest) = &row.digest {
        lines.push(fact(Fact::Digest, fingerprint(digest.as_bytes())));
    }
    if let Some(entry) = &row.entry {
        lines.push(fact(
            Fact::Entry,
            format!("{}-{}", entry.epoch.get(), entry.seq.get()),
        ));
    }
    lines
}

fn of_trip(trip: &Trip) -> Vec<FactLine> {
    let mut lines = vec![
        fact(Fact::Distance, thousandths(trip.odometer.length())),
        fact(Fact::DrivingTime, trip.driving.minutes().to_string()),
        fact(Fact::Score, score(trip.score_x100)),
    ];
    lines.extend(energy(trip));
    lines.push(fact(Fact::Odometer, stretch(trip.odometer)));
    if trip.missed_s > 0 {
        lines.push(fact(Fact::MissedTime, trip.missed_s.to_string()));
    }
    lines
}

/// The energy that a trip used and put back; a car that does not tell it used more than nothing.
#[must_use]
pub fn energy(trip: &Trip) -> Vec<FactLine> {
    if !trip.tells_energy() {
        return vec![fact(Fact::EnergyUnknown, "")];
    }
    vec![
        fact(Fact::EnergyUsed, thousandths(trip.used_wh.into())),
        fact(Fact::EnergyRegained, thousandths(trip.regained_wh.into())),
    ]
}

fn of_charge(charge: &Charge) -> Vec<FactLine> {
    let mut lines = vec![
        fact(Fact::EnergyCharged, thousandths(charge.charged.length())),
        fact(Fact::Renewable, percent(charge.renewable_permille)),
        fact(
            match charge.grade {
                Grade::Metered => Fact::OriginMetered,
                Grade::Declared => Fact::OriginDeclared,
                Grade::Estimated => Fact::OriginEstimated,
            },
            "",
        ),
    ];
    match charge.current {
        Current::Ac => lines.push(fact(Fact::CurrentAc, "")),
        Current::Dc => lines.push(fact(Fact::CurrentDc, "")),
        Current::Unknown => {}
    }
    lines.push(fact(Fact::ChargedMeter, stretch(charge.charged)));
    lines
}

fn of_discharge(discharge: &Discharge) -> Vec<FactLine> {
    vec![
        fact(
            Fact::EnergyDischarged,
            thousandths(discharge.discharged.length()),
        ),
        fact(Fact::DischargedMeter, stretch(discharge.discharged)),
    ]
}

/// The claimed stretch of a meter: `18,204.1 – 18,227.4`.
fn stretch(interval: MeterInterval) -> String {
    format!(
        "{} – {}",
        thousandths(interval.from),
        thousandths(interval.to)
    )
}
