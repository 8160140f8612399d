//! Screen and command line say the same of how an entry stands.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Adjustment, CapId, Cause, Chain, Cover, EntryRef, Epoch, Growth, LedgerVersion, Paid, Pending,
    Points, Rejection, ReviewReason, Seq, ServerEpoch, Settlement, Statement, Verdict,
};
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::{RowOutcome, RowSubject};
use dashpoint_wire::ChainPoint;

use super::world::{BINDING, DEVICE, MEMBER, NOW, World, statement, trip};
use crate::cli::ledger_words::entry_status;
use crate::entry_status::{AccountFacts, EntryStatus};

const ENTRY: EntryRef = EntryRef {
    device: DEVICE,
    epoch: Epoch::new(1),
    seq: Seq::new(1),
};

const fn paid(points: i64) -> Paid {
    Paid {
        points: Points::new(points),
        growth: Growth::ZERO,
    }
}

const fn held_back() -> Verdict {
    Verdict::Review {
        paid: paid(6),
        reason: ReviewReason::Estimated,
        until: NOW.plus_s(86_400),
    }
}

const fn accepted() -> Verdict {
    Verdict::Accepted { paid: paid(6) }
}

const fn rejected() -> Verdict {
    Verdict::Rejected {
        reason: Rejection::AlreadyPaid,
    }
}

fn row(cause: Cause, points: i64) -> Settlement {
    Settlement {
        version: LedgerVersion::new(10),
        at: NOW,
        cause,
        points: Points::new(points),
        growth: Growth::ZERO,
        arrears: Points::ZERO,
        allocations: Vec::new(),
        promoted: None,
    }
}

/// A statement that covers the entry, holds it back or not, and lists one more settlement.
fn covering(world: &World, is_held: bool, settlement: Option<Settlement>) -> Statement {
    let mut newer = statement(646, 420);
    newer.account.version = LedgerVersion::new(10);
    newer.covers.insert(
        DEVICE,
        Cover {
            epoch: ENTRY.epoch,
            through: ENTRY.seq,
            head: world.books.head.hash,
            chain: Chain::start(NOW),
        },
    );
    newer.account.pending = is_held
        .then_some(Pending {
            entry: ENTRY,
            paid: paid(6),
            reason: ReviewReason::Estimated,
            until: NOW.plus_s(86_400),
            expires: NOW.plus_s(20 * 86_400),
        })
        .into_iter()
        .collect();
    newer.settlements.extend(settlement);
    newer
}

#[test]
fn the_account_overtakes_a_verdict_on_screen_and_command_line() {
    let adjusted = Verdict::Adjusted {
        paid: paid(2),
        reasons: vec![Adjustment::Cap {
            cap: CapId::new("all-day").unwrap(),
        }],
    };
    let entry_row = |verdict: &Verdict| Cause::Entry {
        entry: ENTRY,
        verdict: verdict.clone(),
    };
    let released = || Cause::Released { entry: ENTRY };
    let refused = || Cause::ClawedBack { entry: ENTRY };
    // The verdict on the disk, what the statement says; state on the command line, points that both show.
    let cases = [
        (Some(held_back()), true, None, "held back", 6),
        (
            Some(held_back()),
            false,
            Some(row(released(), 6)),
            "confirmed",
            6,
        ),
        (
            Some(held_back()),
            false,
            Some(row(refused(), 0)),
            "refused",
            0,
        ),
        (
            Some(accepted()),
            false,
            Some(row(refused(), -6)),
            "taken back",
            0,
        ),
        // Of six points, two stay: another entry is paid by their thousandths.
        (
            Some(accepted()),
            false,
            Some(row(refused(), -4)),
            "taken back",
            2,
        ),
        // One of the four is owed.
        (
            Some(accepted()),
            false,
            Some(Settlement {
                arrears: Points::new(1),
                ..row(refused(), -3)
            }),
            "taken back",
            2,
        ),
        (Some(rejected()), false, None, "rejected", 0),
        (
            Some(rejected()),
            false,
            Some(row(released(), 4)),
            "paid late",
            4,
        ),
        // Of four points, three paid what was owed.
        (
            Some(rejected()),
            false,
            Some(Settlement {
                arrears: Points::new(-3),
                ..row(released(), 1)
            }),
            "paid late",
            4,
        ),
        (
            None,
            false,
            Some(row(entry_row(&adjusted), 2)),
            "adjusted",
            2,
        ),
        (
            None,
            false,
            Some(row(entry_row(&rejected()), 0)),
            "rejected",
            0,
        ),
    ];
    for (verdict, is_held, settlement, word, points) in cases {
        let mut world = World::new();
        world.earn(trip(0, 60_000, 9_800)).status =
            verdict.map_or(EntryStatus::Pending, EntryStatus::Judged);
        let newer = covering(&world, is_held, settlement);
        world.books.take_statement(newer, NOW);
        let status = &world.entries()[0].status;
        assert_eq!(entry_status(Language::English, status), word, "{status:?}");
        let points_told = status.paid().or(status.held_back());
        assert_eq!(points_told, Some(Points::new(points)), "{status:?}");
        let rows = world.rows();
        let own = rows.iter().find(|row| row.entry == Some(ENTRY)).unwrap();
        let (shown, shown_points) = match &own.outcome {
            RowOutcome::InReview { points, .. } => ("held back", *points),
            RowOutcome::Booked { points } => ("confirmed", *points),
            RowOutcome::Adjusted { paid, .. } => ("adjusted", *paid),
            RowOutcome::Rejected { .. } => ("rejected", Points::ZERO),
            RowOutcome::PaidLate {
                points,
                was_rejected: true,
                ..
            } => ("paid late", *points),
            RowOutcome::PaidLate { points, .. } => ("confirmed", *points),
            RowOutcome::Refused { .. } => ("refused", Points::ZERO),
            RowOutcome::TakenBack { paid, taken } => ("taken back", paid.minus(*taken)),
            RowOutcome::AwaitingConnection { .. }
            | RowOutcome::AwaitingSignature { .. }
            | RowOutcome::Unpaid { .. }
            | RowOutcome::Settled { .. }
            | RowOutcome::Nothing(_) => panic!("{word}: {:?}", own.outcome),
        };
        assert_eq!((shown, shown_points.get()), (word, points));
        for language in [Language::English, Language::Chinese] {
            let told = entry_status(language, status);
            assert_eq!(own.status().in_words(language), told);
        }
        // What was taken back is in the row of the entry, and not told twice.
        let taken = rows.iter().find(|row| row.subject == RowSubject::Clawback);
        assert_eq!(taken, None, "{word}");
    }
}

/// Versions of two lives of the cloud's database do not compare.
#[test]
fn a_row_of_a_later_life_outranks_a_higher_version_of_an_earlier_one() {
    let world = World::new();
    let late = row(Cause::Released { entry: ENTRY }, 4);
    let newer = Statement {
        server_epoch: ServerEpoch::new(2),
        ..covering(&world, false, Some(late))
    };
    let earlier = Settlement {
        version: LedgerVersion::new(90),
        ..row(Cause::ClawedBack { entry: ENTRY }, -6)
    };
    let bindings = BTreeMap::from([(BINDING, MEMBER)]);
    let account = AccountFacts::of(DEVICE, bindings, [newer]).with_kept(vec![earlier]);
    let point = ChainPoint {
        epoch: ENTRY.epoch,
        seq: ENTRY.seq,
        hash: world.books.head.hash,
    };
    let status = account.status(point, BINDING, Some(rejected()));
    assert_eq!(entry_status(Language::English, &status), "paid late");
}
