//! The member's card, the notice on it, the connection, and what is suggested.

use dashpoint_membership::policy::{EarningRule, Policy, RuleKind};
use dashpoint_membership::{
    Chain, CompiledPolicy, Cover, DEFAULT_POLICY_TOML, DeviceId, Epoch, Evidence, Grade, Growth,
    LedgerVersion, MemberAction, Points, Policies, Seq, Subject,
};
use dashpoint_telematics::VehicleFact;
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::{Availability, Exchange, NoticeData, Settles};

use super::world::{NOW, World, charge, here, statement, trip};
use crate::live::CarState;
use crate::live::{Connection, Live, Reason};

#[test]
fn the_card_is_the_view_and_nothing_else() {
    let mut world = World::new();
    world.earn(trip(1_000, 60_000, 9_800));
    let member = world.member();
    assert_eq!(member.name, "林晓");
    assert_eq!(
        (member.balance, member.worth_fen),
        (Points::new(640), 6_400)
    );
    assert_eq!(member.pending, Points::new(6));
    assert_eq!(member.settles, Settles::NextConnection);
    assert_eq!(
        member.expiring,
        Some((NOW.plus_s(20 * 86_400), Points::new(640)))
    );
    let (next, missing) = member.ladder.next.unwrap();
    assert_eq!((next.en.as_str(), missing), ("Silver", Growth::new(80)));
    assert_eq!(member.today.safe, Points::new(6));
    assert_eq!(member.today.clean, Points::ZERO);
    assert_eq!(member.today.room, Some(Points::new(94)));
}

/// Each rule carries its thousandths on, and they are not lost to the day: what was earned and what may still come are
/// the cap, and more may come than the cap has left in thousandths.
#[test]
fn what_was_earned_today_and_what_may_still_come_add_up_to_the_cap() {
    for metres in (5_000..25_000).step_by(1_111) {
        let mut world = World::new();
        let Evidence::Trip(mut evidence) = trip(1_000, metres, 9_800) else {
            panic!("a trip")
        };
        evidence.used_wh /= 7;
        world.earn(Evidence::Trip(evidence));
        let today = world.member().today;
        assert!(today.clean > Points::ZERO && today.safe >= Points::ZERO);
        let earned = today.clean.plus(today.safe).plus(today.other);
        let room = today.room.unwrap();
        assert_eq!(earned.plus(room), Points::new(100), "{metres} m");
    }
}

#[test]
fn where_the_member_has_another_car_todays_sums_say_that_they_are_this_ones() {
    let mut world = World::new();
    world.earn(trip(1_000, 60_000, 9_800));
    assert!(!world.member().today.other_cars);
    let mut newer = statement(640, 420);
    newer.account.version = LedgerVersion::new(10);
    let cover = Cover {
        epoch: Epoch::new(1),
        through: Seq::new(3),
        head: world.books.head.hash,
        chain: Chain::start(NOW),
    };
    newer.covers.insert(DeviceId::from_bytes([8; 16]), cover);
    world.books.take_statement(newer, NOW);
    assert!(world.member().today.other_cars);
}

#[test]
fn the_summary_of_a_trip_knows_of_the_charge_after_it() {
    let mut world = World::new();
    let charged_since = |world: &World| world.data().trip.unwrap().charged_since;
    world.earn(charge(12_000, 900, Grade::Metered));
    world.earn(trip(1_000, 60_000, 9_800));
    assert!(!charged_since(&world));
    world.mint(Subject::Member {
        action: MemberAction::CheckIn,
    });
    assert!(!charged_since(&world), "nothing that the car did");
    world.earn(charge(9_000, 900, Grade::Metered));
    assert!(charged_since(&world));
}

#[test]
fn a_check_in_is_a_row_and_neither_clean_nor_safe() {
    let mut world = World::new();
    world.mint(Subject::Member {
        action: MemberAction::CheckIn,
    });
    let row = &world.rows()[0];
    assert_eq!(row.subject, dashpoint_ui::model::RowSubject::CheckIn);
    assert_eq!(row.rule.as_ref().unwrap().0.en, "Daily check-in");
    let today = world.member().today;
    assert_eq!((today.clean, today.safe), (Points::ZERO, Points::ZERO));
    assert_eq!(today.other, Points::new(1));
}

#[test]
fn without_a_statement_there_is_no_card_and_a_sealed_one_is_damaged() {
    let mut world = World::new();
    world.books.members.clear();
    assert_eq!(world.data().member, Availability::NotYet);
    world.sealed = true;
    assert_eq!(world.data().member, Availability::Damaged);
    assert_eq!(world.data().activity, Availability::Damaged);
}

#[test]
fn the_connection_and_the_queue_are_told_as_they_are() {
    let mut world = World::new();
    world.earn(trip(0, 60_000, 9_800));
    let data = world.data();
    assert!(!data.link.online);
    assert_eq!(data.link.as_of, Some(NOW.plus_s(-3_600)));
    assert_eq!(data.device.waiting, 1);
    assert_eq!(data.device.head.unwrap().0, Seq::new(1));

    world.live = Some(Live {
        connection: Connection::Online { since_unix_s: 0 },
        ..Live::default()
    });
    let data = world.data();
    assert!(data.link.online);
    assert_eq!(data.device.exchange, Exchange::Done);
}

#[test]
fn the_worst_is_what_the_member_is_told() {
    let mut world = World::new();
    assert_eq!(world.member().notice, None);
    let offline = |reason| Connection::Offline {
        since_unix_s: None,
        reason,
    };
    let next_try = NOW.plus_s(90);
    let mut live = Live {
        connection: offline(Reason::NoNetwork),
        next_try_unix_s: Some(next_try.as_unix_s()),
        ..Live::default()
    };
    for (change, expected) in [
        ((|_: &mut Live| {}) as fn(&mut Live), None),
        (
            |live: &mut Live| {
                live.connection = Connection::Offline {
                    since_unix_s: None,
                    reason: Reason::TimedOut,
                };
            },
            Some(NoticeData::Unreachable { next_try }),
        ),
        (
            |live: &mut Live| live.policy_refused = true,
            Some(NoticeData::PolicyRefused),
        ),
        (
            |live: &mut Live| live.salvaged = true,
            Some(NoticeData::Salvaged),
        ),
        (
            |live: &mut Live| live.awaiting = 2,
            Some(NoticeData::AwaitingSignature { awards: 2 }),
        ),
    ] {
        change(&mut live);
        world.live = Some(live.clone());
        assert_eq!(world.member().notice, expected);
    }
}

#[test]
fn a_guest_whom_the_car_names_is_told_with_another_way_out_than_one_who_was_chosen() {
    let mut world = World::new();
    world.guest = true;
    assert_eq!(world.member().notice, Some(NoticeData::Guest));
    world.live = Some(Live {
        guest_by_car: true,
        ..Live::default()
    });
    for is_chosen in [true, false] {
        world.guest = is_chosen;
        assert_eq!(world.member().notice, Some(NoticeData::GuestByCar));
        assert!(world.data().guest && world.data().guest_by_car);
    }
}

#[test]
fn a_rule_that_this_car_cannot_evaluate_is_told_when_nothing_worse_is() {
    let mut world = World::new();
    let mut policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    let later = EarningRule {
        id: "towing".parse().unwrap(),
        on: RuleKind::Unknown(5),
        ..policy.rules[0].clone()
    };
    policy.rules.push(later);
    let policy = CompiledPolicy::compile_known(policy).unwrap();
    world.books.policies = Some(Policies::new(policy));
    assert_eq!(world.member().notice, Some(NoticeData::RulesSkipped));
    world.live = Some(Live {
        policy_refused: true,
        ..Live::default()
    });
    assert_eq!(world.member().notice, Some(NoticeData::PolicyRefused));
}

#[test]
fn the_state_of_the_car_suggests_benefits_and_the_tier_opens_them() {
    let mut world = World::new();
    let mut car = CarState::default();
    car.take(&VehicleFact::ChargePercent(14.0));
    car.take(&VehicleFact::NightMode(true));
    car.take(&VehicleFact::Language("en".to_owned()));
    assert!(car.night);
    assert_eq!(car.language(), Some(Language::English));
    world.live = Some(Live {
        car,
        ..Live::default()
    });
    let benefits = here(world.data().benefits);
    assert!(benefits.iter().any(|benefit| benefit.fits_now));
    assert!(benefits.iter().any(|benefit| !benefit.open));
    for benefit in benefits {
        let suits_charge = benefit.benefit.suits == dashpoint_membership::Suits::LowCharge;
        assert_eq!(benefit.fits_now, suits_charge, "{:?}", benefit.benefit.id);
        assert_eq!(benefit.open, benefit.tier.en == "Basic");
    }
}
