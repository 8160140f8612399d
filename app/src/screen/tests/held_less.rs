//! Less is held back than the car showed: another car is named only where it is certain that one used the limit.

use dashpoint_membership::policy::Policy;
use dashpoint_membership::{
    DEFAULT_POLICY_TOML, Entry, EntryBody, EntryHash, Evidence, EvidenceDigest, Grade, Points,
    Subject,
};
use dashpoint_ui::locale::Language;
use dashpoint_ui::unpaid::unpaid_in_words;

use super::caps::world_with;
use super::unpaid::changed;
use super::world::{NOW, World, charge, trip};
use crate::cli::reasons;
use crate::unpaid::AwardContext;

const DAY_S: i64 = 86_400;

/// Signs evidence as on the road, so many days before, under a receipt of the same morning; gives the chain, newest first.
fn chain(made: &[(i64, Evidence)]) -> Vec<Entry> {
    let mut world = World::new();
    for (days_ago, evidence) in made {
        let at = NOW.plus_s(-days_ago * DAY_S);
        world.books.receipt_at = at.plus_s(-3_600);
        let subject = Subject::Earn {
            evidence: evidence.clone(),
            digest: EvidenceDigest::from_bytes([7; EvidenceDigest::LEN]),
        };
        world.mint_at(subject, at);
    }
    let own = world.own.iter();
    own.map(|own| own.entry.clone()).collect()
}

/// Charges of a day each.
fn charges(days_ago: &[i64]) -> Vec<Entry> {
    let made = |days_ago: &i64| (*days_ago, charge(18_000, 800, Grade::Metered));
    let made: Vec<_> = days_ago.iter().map(made).collect();
    chain(&made)
}

/// Two rules that pay nothing have each its own reason: of one alone the member would mend the wrong thing.
#[test]
fn each_rule_that_pays_nothing_tells_its_own_reason() {
    let said = |evidence| {
        let mut world = World::new();
        world.earn(evidence);
        let (entry, status) = (&world.own[0].entry, &world.own[0].status);
        let (none, later) = (std::iter::empty(), std::iter::empty());
        let context = AwardContext::of(&world.books, entry, none, later).unwrap();
        let failed = context.why_nothing(entry, status).unwrap();
        let each = context.unpaid_rules(entry, status);
        [Language::English, Language::Chinese]
            .map(|language| unpaid_in_words(language, Some(&failed), &each))
    };
    let [en, zh] = said(changed(30_000, |trip| {
        trip.used_wh = 0;
        trip.score_x100 = 5_947;
    }));
    let (clean, safe) = en.split_once("; ").unwrap();
    assert!(
        clean.starts_with("Clean driving: ") && clean.contains("energy"),
        "{en}"
    );
    assert!(
        safe.starts_with("Safe trip: ") && safe.contains("59.47"),
        "{en}"
    );
    assert!(
        zh.starts_with("清洁驾驶：") && zh.contains("；安全出行："),
        "{zh}"
    );
    // One rule looks at a charge: nothing has to be told apart.
    let [en, _] = said(charge(400, 800, Grade::Declared));
    assert!(!en.contains("Clean charging"), "{en}");
}

/// Says why so many points fewer than were shown are held back of the newest entry, when a cap of the policy is full.
fn said(cap: Option<&str>, chain: &[Entry], fewer: Option<i64>) -> String {
    let policy = Policy::from_toml(DEFAULT_POLICY_TOML).unwrap();
    let world = cap.map_or_else(World::new, |cap| {
        let place = policy
            .caps
            .iter()
            .position(|known| known.id.as_str() == cap);
        world_with(&policy, place.unwrap(), 0)
    });
    let newest = &chain[0];
    let shown = newest.predicted();
    assert!(shown > Points::new(1), "{shown}");
    let held = fewer.map_or(Points::ZERO, |fewer| shown.minus(Points::new(fewer)));
    let earlier = chain[1..].iter();
    let context = AwardContext::of(&world.books, newest, earlier, std::iter::empty()).unwrap();
    let chain: Vec<&Entry> = chain.iter().collect();
    let used = context.used_elsewhere(newest, held, &chain);
    reasons::held_less(Language::English, used.as_ref())
}

#[test]
fn another_car_is_named_only_where_this_one_cannot_have_filled_the_limit() {
    let with_gap = || {
        let mut chain = charges(&[2, 1, 0]);
        chain.remove(1);
        chain
    };
    let carried = || {
        let mut chain = charges(&[1, 0]);
        chain[1].body = EntryBody::Carry {
            original: EntryHash::from_bytes([9; 32]),
            transaction: chain[1].transaction().clone(),
        };
        chain
    };
    // The rule gives more for the long trip than all points of a day.
    let full_by_own = || {
        chain(&[
            (1, charge(18_000, 800, Grade::Metered)),
            (0, trip(0, 1_000_000, 9_900)),
            (0, charge(18_000, 800, Grade::Metered)),
        ])
    };
    let cases = [
        (
            "since yesterday",
            Some("all-day"),
            charges(&[1, 0]),
            None,
            "100 a day for all points",
        ),
        (
            "since last month",
            Some("all-month"),
            charges(&[30, 0]),
            None,
            "1,500 a month for all points",
        ),
        ("only of today", Some("all-day"), charges(&[0]), None, ""),
        (
            "only of this month",
            Some("all-month"),
            charges(&[10, 0]),
            None,
            "",
        ),
        (
            "only of this year",
            Some("all-year"),
            charges(&[30, 0]),
            None,
            "",
        ),
        ("an entry is missing", Some("all-day"), with_gap(), None, ""),
        (
            "said again after it was lost",
            Some("all-day"),
            carried(),
            None,
            "",
        ),
        (
            "filled by this car",
            Some("all-day"),
            full_by_own(),
            None,
            "",
        ),
        (
            "a remainder",
            Some("all-day"),
            charges(&[1, 0]),
            Some(1),
            "",
        ),
        ("no limit is full", None, charges(&[1, 0]), None, ""),
    ];
    for (case, cap, chain, fewer, expected) in cases {
        let said = said(cap, &chain, fewer);
        let claim = "less than was shown: another car of yours used the limit of ";
        let expected = if expected.is_empty() {
            "less is held back than was shown".to_owned()
        } else {
            format!("{claim}{expected}")
        };
        assert_eq!(said, expected, "{case}");
    }
}
