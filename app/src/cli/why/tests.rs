//! Tests that an entry has one state, whatever this car still holds beside it.

use dashpoint_membership::{Evidence, Growth, Paid, Points, Verdict};
use dashpoint_store::{Activity, EntrySummary};
use dashpoint_ui::locale::Language;
use dashpoint_wire::{Signed, SigningKey};
use jiff::tz::TimeZone;

use super::*;
use crate::screen::tests::world::{DEVICE, World, trip};

fn accepted() -> EntryStatus {
    EntryStatus::Judged(Verdict::Accepted {
        paid: Paid {
            points: Points::ZERO,
            growth: Growth::ZERO,
        },
    })
}

/// Less than a whole point: a kilometre that avoids some CO2.
fn fraction() -> Evidence {
    let Evidence::Trip(mut trip) = trip(0, 1_000, 5_000) else {
        unreachable!("a trip");
    };
    trip.used_wh = 10;
    Evidence::Trip(trip)
}

/// State and reason of an entry, with a statement and without one.
fn told(evidence: Evidence, status: EntryStatus) -> [(String, String); 2] {
    let mut world = World::new();
    let own = world.earn(evidence).clone();
    let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let signed = Signed::sign(own.entry.clone(), &key, &DEVICE).unwrap();
    let line = EntryRow {
        activity: Activity {
            point: own.point,
            raw: signed.to_raw(),
            summary: EntrySummary::of(&own.entry),
            verdict: None,
        },
        entry: Some(own.entry),
        status,
        said_again: None,
    };
    [Some(world.books), None].map(|books| {
        let reasons = Reasons {
            books,
            policies: None,
            zone: TimeZone::UTC,
        };
        let why = reasons.of(std::slice::from_ref(&line), 0, Language::English);
        let state = why.state(Language::English, &line.status);
        (state.to_owned(), why.text)
    })
}

#[test]
fn a_state_is_the_same_with_and_without_a_statement() {
    let idle = || trip(0, 30_000, 8_800);
    for evidence in [idle, fraction] {
        for status in [
            EntryStatus::Pending,
            EntryStatus::Unpaid,
            EntryStatus::Settled,
            accepted(),
        ] {
            let [(with, reason), (without, none)] = told(evidence(), status.clone());
            assert_eq!(with, "not earned", "{status:?}: {reason}");
            assert_eq!(without, with, "{status:?}");
            // Only the statement tells why; no other reason stands in its place.
            assert!(!reason.is_empty(), "{status:?}");
            assert_eq!(none, "", "{status:?}");
        }
    }
    let [(with, _), (without, reason)] = told(trip(0, 60_000, 9_800), EntryStatus::Unpaid);
    assert_eq!((&*with, &*without), ("not paid", "not paid"));
    assert_eq!(reason, "the cloud refuses this car");
}

/// Two equal trips of 1.55 points earn one point and two: the second one says where the rest came from.
#[test]
fn a_completed_point_says_so() {
    let mut world = World::new();
    let [first, second] =
        [0, 20_000].map(|from| world.earn(trip(from, 15_500, 9_900)).entry.clone());
    assert_eq!(first.predicted(), Points::new(1));
    assert_eq!(second.predicted(), Points::new(2));
    let milli = |entry| from_before(entry, &EntryStatus::Pending);
    assert_eq!(
        (milli(&first), milli(&second)),
        (Milli::ZERO, Milli::new(450))
    );
    assert_eq!(from_before(&second, &EntryStatus::Unpaid), Milli::ZERO);
    assert_eq!(
        Language::ALL.map(|language| reasons::from_before(language, milli(&second))),
        [
            "其中 0.450 来自此前零头",
            "0.450 of them left over from before"
        ]
    );
}
