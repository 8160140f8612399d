//! Checks the promise: every point is there, once, and car and cloud agree.

use std::collections::BTreeSet;

use dashpoint_cloud::EntryLine;
use dashpoint_membership::policy::Carbon;
use dashpoint_membership::{DeviceId, Evidence, MeterInterval, Trip, Verdict};

use crate::amounts::{thousandth, trip_co2_g};
use crate::head_unit::{HeadUnitEntry, HeadUnitLedger, LedgerVerification};
use crate::report::{Entries, PlayReport, Points, ReportedCharge, ReportedTrip, Signals};
use crate::words;
use dashpoint_ui::locale::Language;

/// Deviation that is allowed between the evidence and what the car did, in thousandths.
const TOLERANCE_PERMILLE: f64 = 5.0;

/// The state of both sides, and the car's real drives and charges.
#[derive(Debug)]
pub struct InvariantInput<'a> {
    /// The car's drives and charges, in order: name, and length in metres or watt-hours.
    pub did: &'a [(String, f64)],
    /// The head unit's ledger, verified.
    pub ledger: &'a HeadUnitLedger,
    /// The cloud's log.
    pub cloud: &'a [EntryLine],
    /// Points as the car shows them, and as the cloud has them.
    pub points: Points,
    /// The emission factors of the policy.
    pub carbon: Carbon,
    /// Signals of the car.
    pub signals: Signals,
    /// The number of kills of the head unit.
    pub kills: u32,
    /// True when the network was there at the end: then both sides must agree.
    pub settled: bool,
}

/// Makes the report, and says what of the promise did not hold; each in a few words.
#[must_use]
pub fn check_invariants(input: &InvariantInput<'_>) -> (PlayReport, Vec<String>) {
    let rows = &input.ledger.entries;
    let verification = input.ledger.verification.as_ref();
    let mut report = PlayReport {
        signals: input.signals.clone(),
        trips: Vec::new(),
        charges: Vec::new(),
        entries: entries(rows, input.cloud),
        points: input.points,
        chain_verified: verification.is_some_and(LedgerVerification::holds),
        kills: input.kills,
    };
    let mut faults = Vec::new();
    for (row, (name, length)) in rows.iter().zip(input.did) {
        match row.evidence() {
            Some(Evidence::Trip(trip)) => {
                report.trips.push(drove(name, row, trip, &input.carbon));
            }
            Some(Evidence::Charge(charge)) => report.charges.push(ReportedCharge {
                kwh: thousandth(charge.charged.length()),
                renewable_percent: f64::from(charge.renewable_permille) / 10.0,
                grade: words::grade(Language::English, charge.grade).to_owned(),
                predicted: row.predicted,
                points: row.paid,
            }),
            None if row.is_unmeasured() && *length == 0.0 => {}
            Some(Evidence::Discharge(_)) | None => {
                faults.push(format!("{name}: its entry is about something else"));
            }
        }
    }
    faults.extend(missing(input.did, rows));
    if input.settled {
        faults.extend(disagreements(&report, rows, input.cloud));
    }
    let duplicate = report.entries.duplicate;
    if duplicate > 0 {
        faults.push(format!("{} recorded twice", words::entries(duplicate)));
    }
    faults.extend(unverified(verification));
    (report, faults)
}

/// Lists the parts of the ledger that do not verify.
fn unverified(verification: Option<&LedgerVerification>) -> Vec<String> {
    let checks = verification.map_or(&[][..], |verification| &verification.checks);
    if checks.is_empty() {
        return vec!["the ledger was not verified".to_owned()];
    }
    let faulty = checks.iter().filter(|check| !check.faults.is_empty());
    faulty
        .map(|check| {
            let faults = check.faults.join(", ");
            format!("the ledger does not verify: {}: {faults}", check.what)
        })
        .collect()
}

fn drove(name: &str, row: &HeadUnitEntry, trip: &Trip, carbon: &Carbon) -> ReportedTrip {
    ReportedTrip {
        cycle: name.to_owned(),
        km: thousandth(trip.odometer.length()),
        score: f64::from(trip.score_x100) / 100.0,
        co2_avoided_g: trip_co2_g(trip, carbon),
        predicted: row.predicted,
        points: row.paid,
    }
}

fn entries(rows: &[HeadUnitEntry], cloud: &[EntryLine]) -> Entries {
    let mut entries = Entries::default();
    for row in rows {
        entries.signed += 1;
        match &row.verdict {
            None => {}
            Some(Verdict::Accepted { .. }) => entries.accepted += 1,
            Some(Verdict::Adjusted { .. } | Verdict::Review { .. }) => entries.adjusted += 1,
            Some(Verdict::Rejected { .. }) => entries.rejected += 1,
        }
    }
    let mut known = BTreeSet::new();
    let again = cloud.iter().filter(|line| !known.insert(line.hash)).count();
    let claims: Vec<MeterInterval> = rows
        .iter()
        .filter_map(HeadUnitEntry::evidence)
        .map(Evidence::interval)
        .collect();
    let claimed_before = |(at, claim): (usize, &MeterInterval)| {
        claims.iter().take(at).any(|before| before.overlaps(claim))
    };
    let overlapping = claims
        .iter()
        .enumerate()
        .filter(|pair| claimed_before(*pair))
        .count();
    entries.duplicate = (again + overlapping) as u64;
    entries
}

/// Lists the drives and charges that the ledger does not have, or has otherwise.
fn missing(did: &[(String, f64)], rows: &[HeadUnitEntry]) -> Vec<String> {
    let mut faults = Vec::new();
    if rows.len() != did.len() {
        faults.push(format!(
            "the car drove or charged {} times, and the ledger has {}",
            did.len(),
            words::entries(rows.len())
        ));
    }
    for (row, (name, length)) in rows.iter().zip(did) {
        let claimed = row
            .evidence()
            .map_or(0, |evidence| evidence.interval().length());
        let (claimed, really) = (thousandth(claimed), length / 1000.0);
        if (claimed - really).abs() * 1000.0 > really * TOLERANCE_PERMILLE {
            faults.push(format!(
                "{name}: {really:.3} in truth, {claimed:.3} in the ledger"
            ));
        }
    }
    faults
}

fn disagreements(report: &PlayReport, rows: &[HeadUnitEntry], cloud: &[EntryLine]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut see = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    let Points {
        confirmed,
        pending,
        cloud: balance,
    } = report.points;
    see(
        confirmed == balance,
        format!("the car shows {confirmed} points and the cloud has {balance}"),
    );
    see(pending == 0, format!("{pending} points are still pending"));
    let here: i64 = rows.iter().filter_map(|row| row.paid).sum();
    let known: BTreeSet<_> = rows.iter().map(|row| row.hash.as_str()).collect();
    let is_known = |line: &&EntryLine| known.contains(line.hash.to_string().as_str());
    let own: BTreeSet<_> = cloud
        .iter()
        .filter(is_known)
        .map(|line| line.entry.device)
        .collect();
    let of_this_car = cloud.iter().filter(|line| own.contains(&line.entry.device));
    let strange = of_this_car.filter(|line| !is_known(line)).count();
    see(
        strange == 0,
        format!(
            "the cloud has {} of this car that its ledger does not have",
            words::entries(strange)
        ),
    );
    let elsewhere = paid_elsewhere(&own, cloud);
    see(
        here + elsewhere == balance,
        format!(
            "the entries were paid {here} points in all, those of other cars {elsewhere}, and the cloud has {balance}"
        ),
    );
    let there: BTreeSet<_> = cloud.iter().map(|line| line.hash.to_string()).collect();
    let lost = rows.iter().filter(|row| !there.contains(&row.hash)).count();
    see(
        lost == 0,
        format!("{} never came to the cloud", words::entries(lost)),
    );
    faults
}

/// Points that the cloud paid for entries of other cars.
fn paid_elsewhere(own: &BTreeSet<DeviceId>, cloud: &[EntryLine]) -> i64 {
    let others = cloud
        .iter()
        .filter(|line| !own.contains(&line.entry.device));
    others.map(|line| line.verdict.paid().points.get()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head_unit::LedgerCheck;
    use dashpoint_membership::{
        CoarseTime, DrivingTime, EntryHash, EntryRef, Epoch, EvidenceDigest, FactorSeen, Growth,
        Meter, Paid, PolicyVersion, Seq, ServerTime, Transaction,
    };

    const CARBON: Carbon = Carbon {
        petrol_g_per_km: 190,
        grid_g_per_kwh: 531,
    };

    fn verdict() -> Verdict {
        Verdict::Accepted {
            paid: Paid {
                points: dashpoint_membership::Points::new(4),
                growth: Growth::ZERO,
            },
        }
    }

    fn trip(seq: u64, from: u64, to: u64) -> HeadUnitEntry {
        let evidence = Evidence::Trip(Trip {
            odometer: MeterInterval::of_first(Meter::Odometer, from, to),
            started: CoarseTime::containing_unix_s(0),
            driving: DrivingTime::Minutes(10),
            missed_s: 0,
            used_wh: 1_000,
            regained_wh: 0,
            assisted_percent: None,
            braking_resolution_s: None,
            score_x100: 8_225,
            factors: Vec::<FactorSeen>::new(),
        });
        HeadUnitEntry {
            epoch: 1,
            seq,
            hash: hash(seq).to_string(),
            predicted: 4,
            paid: Some(4),
            state: "confirmed".to_owned(),
            verdict: Some(verdict()),
            transaction: Some(Transaction::Earn {
                evidence,
                digest: EvidenceDigest::from_bytes([0; 32]),
                awards: Vec::new(),
            }),
        }
    }

    fn hash(seq: u64) -> EntryHash {
        EntryHash::from_bytes([u8::try_from(seq).unwrap(); 32])
    }

    fn line(seq: u64) -> EntryLine {
        EntryLine {
            entry: EntryRef {
                device: DeviceId::from_bytes([1; 16]),
                epoch: Epoch::new(1),
                seq: Seq::new(seq),
            },
            hash: hash(seq),
            member: None,
            kind: "trip",
            interval: None,
            carried: false,
            happened: ServerTime::from_unix_s(0),
            arrived: ServerTime::from_unix_s(0),
            policy: PolicyVersion::new(1),
            predicted: dashpoint_membership::Points::new(4),
            verdict: verdict(),
            cut_by: Vec::new(),
            since: None,
        }
    }

    fn of_another_car(mut line: EntryLine) -> EntryLine {
        line.entry.device = DeviceId::from_bytes([2; 16]);
        line
    }

    fn verified(rows: Vec<HeadUnitEntry>, faults: &[&str]) -> HeadUnitLedger {
        let check = LedgerCheck {
            what: "links of the chain".to_owned(),
            looked_at: 2,
            faults: faults.iter().map(ToString::to_string).collect(),
        };
        HeadUnitLedger {
            entries: rows,
            verification: Some(LedgerVerification {
                checks: vec![check],
            }),
        }
    }

    /// What is said of two drives of 12.888 km, with one thing changed.
    fn faults(
        change: impl FnOnce(&mut HeadUnitLedger, &mut Vec<EntryLine>, &mut Points),
    ) -> Vec<String> {
        let did = ["US06", "UDDS"].map(|name| (name.to_owned(), 12_888.0));
        let rows = vec![trip(1, 0, 12_888), trip(2, 12_888, 25_776)];
        let (mut ledger, mut cloud) = (verified(rows, &[]), vec![line(1), line(2)]);
        let mut points = Points {
            confirmed: 8,
            pending: 0,
            cloud: 8,
        };
        change(&mut ledger, &mut cloud, &mut points);
        let (_, faults) = check_invariants(&InvariantInput {
            did: &did,
            ledger: &ledger,
            cloud: &cloud,
            points,
            carbon: CARBON,
            signals: Signals::default(),
            kills: 0,
            settled: true,
        });
        faults
    }

    #[test]
    fn the_promise_holds_when_both_sides_have_the_same() {
        assert_eq!(faults(|_, _, _| {}), Vec::<String>::new());
    }

    #[test]
    fn what_another_car_of_the_member_earned_counts_on_both_sides() {
        let agree = faults(|_, cloud, points| {
            cloud.push(of_another_car(line(3)));
            (points.confirmed, points.cloud) = (12, 12);
        });
        assert_eq!(agree, Vec::<String>::new());
    }

    #[test]
    fn whatever_breaks_the_promise_is_named() {
        let said = |faults: Vec<String>, expected: &str| {
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{expected}: {faults:?}"
            );
        };
        said(
            faults(|_, _, points| points.confirmed = 9),
            "shows 9 points",
        );
        said(
            faults(|_, _, points| points.pending = 1),
            "1 points are still",
        );
        said(
            faults(|_, _, points| (points.confirmed, points.cloud) = (12, 12)),
            "paid 8 points in all",
        );
        said(faults(|_, cloud, _| drop(cloud.pop())), "never came");
        said(faults(|_, cloud, _| cloud.push(line(1))), "recorded twice");
        said(
            faults(|ledger, _, _| ledger.entries[1] = trip(2, 12_887, 25_775)),
            "recorded twice",
        );
        said(
            faults(|ledger, _, _| ledger.entries[1] = trip(2, 12_888, 25_000)),
            "UDDS: 12.888 in truth, 12.112",
        );
        said(
            faults(|ledger, _, _| drop(ledger.entries.pop())),
            "has 1 entry",
        );
        said(
            faults(|ledger, _, _| drop(ledger.entries.pop())),
            "1 entry of this car that its ledger does not have",
        );
        said(
            faults(|_, cloud, _| cloud.push(of_another_car(line(3)))),
            "those of other cars 4",
        );
        said(
            faults(|ledger, _, _| {
                *ledger = verified(std::mem::take(&mut ledger.entries), &["entry 1-2"]);
            }),
            "does not verify",
        );
        said(
            faults(|ledger, _, _| ledger.verification = None),
            "was not verified",
        );
        said(
            faults(|ledger, _, _| ledger.entries[0].transaction = None),
            "about something else",
        );
    }
}
