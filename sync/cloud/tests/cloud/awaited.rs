//! Entries of living head units after a restore: each ends as it did in the database before, whoever sends first.

use dashpoint_cloud::{CloudCore, PostOutcome, Selected};
use dashpoint_membership::*;
use dashpoint_wire::Signed;

use crate::backed::show;
use crate::replaced_units::{Home, earn_trip};
use crate::restored_scene::open;
use crate::support::*;

/// Two head units of one vehicle, each of a member of its own, and a backup of before their trips.
pub struct Shared {
    pub home: Home,
    pub first: Car,
    pub second: Car,
}

impl Shared {
    pub fn new() -> Self {
        Self::enrolled(true)
    }

    /// The backup knows the head units, or is of before they came.
    fn enrolled(is_before: bool) -> Self {
        let mut home = Home::new();
        let [one, other] = [1, 2].map(|number| home.world.member(number));
        if !is_before {
            home.back_up("b.db");
        }
        let (first, second) = (home.world.car(2, 3, one), home.world.car(4, 3, other));
        if is_before {
            home.back_up("b.db");
        }
        Self {
            home,
            first,
            second,
        }
    }

    pub fn balances(&mut self) -> [i64; 2] {
        [self.first.member, self.second.member].map(|member| self.home.world.balance(member))
    }

    /// Posts the same metres from the first head unit, then from the second.
    pub fn drive(&mut self) -> [Signed<Entry>; 2] {
        let now = self.home.world.now;
        let same = drove(trip(0, 12_000));
        let entries = [&mut self.first, &mut self.second].map(|car| car.mint(same.clone(), now));
        let world = &mut self.home.world;
        assert!(paid(&world.verdict(&mut self.first, &entries[0])) > 0);
        assert_eq!(
            world.verdict(&mut self.second, &entries[1]),
            rejected(Rejection::AlreadyPaid)
        );
        entries
    }

    /// Sends entries again, the second head unit's first.
    fn send_again(&mut self, [first, second]: &[Signed<Entry>; 2]) {
        for (car, entry) in [(&self.second, second), (&self.first, first)] {
            send(&mut self.home, car, entry);
        }
    }
}

/// Sends an entry again; a head unit that the cloud forgot shows first what it holds.
pub fn send(home: &mut Home, car: &Car, entry: &Signed<Entry>) {
    show(&mut home.world, car).unwrap();
    let posted = home.world.post(car, std::slice::from_ref(entry));
    assert!(matches!(posted, PostOutcome::Settled(_)), "{posted:?}");
}

pub fn vehicle() -> VehicleId {
    VehicleId::from_bytes([3; 16])
}

pub fn place(car: &Car, seq: u64) -> EntryRef {
    EntryRef {
        device: car.device,
        epoch: Epoch::new(1),
        seq: Seq::new(seq),
    }
}

#[test]
fn who_held_a_stretch_is_paid_again() {
    for is_before in [true, false] {
        let mut shared = Shared::enrolled(is_before);
        let entries = shared.drive();
        let before = shared.balances();
        for _ in 0..2 {
            let done = shared.home.restore("b.db");
            assert_eq!(done.awaited, Some(2));
            assert_eq!(shared.balances(), [0, 0]);
            shared.send_again(&entries);
            assert_eq!(shared.balances(), before);
        }
        // What the one before still awaited is awaited by the next.
        for _ in 0..2 {
            let done = shared.home.restore("b.db");
            assert_eq!(done.awaited, Some(2));
        }
        shared.send_again(&entries);
        assert_eq!(shared.balances(), before);
    }
}

#[test]
fn what_the_right_backup_has_is_not_awaited() {
    let mut shared = Shared::new();
    let entries = shared.drive();
    let before = shared.balances();
    shared.home.back_up("right.db");
    shared.home.restore("b.db");
    let done = shared.home.restore("right.db");
    assert_eq!((done.awaited, done.undone.unwrap()), (Some(0), vec![]));
    assert_eq!(shared.balances(), before);
    let stretches = shared.home.world.core.stretches(vehicle()).unwrap();
    assert_eq!(stretches.len(), 1, "{stretches:?}");
    shared.send_again(&entries);
    assert_eq!(shared.balances(), before);
}

/// The backup was made after a restore, and the database that it replaces is a new one.
#[test]
fn what_the_backup_awaits_is_awaited_still() {
    let mut shared = Shared::new();
    let entries = shared.drive();
    let before = shared.balances();
    shared.home.restore("b.db");
    shared.home.back_up("later.db");
    shared.home.stop();
    std::fs::remove_file(shared.home.database()).unwrap();
    shared.home.world = open(&shared.home.data(), shared.home.world.now);
    let done = shared.home.restore("later.db");
    assert_eq!(done.awaited, Some(2));
    shared.send_again(&entries);
    assert_eq!(shared.balances(), before);
}

/// A restore takes an operator's word on a fraud back; the right backup has it.
#[test]
fn no_stretch_is_kept_for_who_is_shut_out() {
    let mut shared = Shared::new();
    shared.home.back_up("early.db");
    let (device, now) = (shared.first.device, shared.home.world.now);
    let core = &mut shared.home.world.core;
    core.revoke_fraud(device, "copied", now).unwrap();
    shared.home.back_up("late.db");
    shared.home.restore("early.db");
    let entries = shared.drive();
    let done = shared.home.restore("late.db");
    assert_eq!(done.awaited, Some(1));
    send(&mut shared.home, &shared.second, &entries[1]);
    let [_, other] = shared.balances();
    assert!(other > 0);
}

#[test]
fn kept_points_are_kept_through_a_restore() {
    for keeps_points in [true, false] {
        for is_replaced in [true, false] {
            let mut shared = Shared::new();
            let entries = shared.drive();
            let (now, core) = (shared.home.world.now, &mut shared.home.world.core);
            let entry = place(&shared.first, 1);
            core.free_stretches(
                vehicle(),
                Selected::Entry(entry),
                keeps_points,
                "shared",
                now,
            )
            .unwrap();
            let before = shared.balances();
            assert_eq!([before[0] > 0, before[1] > 0], [keeps_points, true]);
            if is_replaced {
                shared.home.revoke(&shared.second);
            }
            let done = shared.home.restore("b.db");
            let undone = done.undone.unwrap();
            assert!(undone.is_empty(), "{undone:?}");
            if is_replaced {
                let posted = shared.home.world.post(&shared.first, &entries[..1]);
                assert!(matches!(posted, PostOutcome::Settled(_)));
            } else {
                shared.send_again(&entries);
            }
            assert_eq!(shared.balances(), before);
            // The stretch is the second one's, and stays away from the first one.
            let stretches = shared.home.world.core.stretches(vehicle()).unwrap();
            let held: Vec<_> = stretches
                .iter()
                .map(|one| (one.entry.device, one.freed.is_none()))
                .collect();
            assert_eq!(
                held,
                [(shared.first.device, false), (shared.second.device, true)]
            );
        }
    }
}

#[test]
fn doubt_waits_again_and_acceptance_stands() {
    for is_accepted in [true, false] {
        let mut home = Home::new();
        let member = home.world.member(1);
        let mut car = home.world.car(2, 3, member);
        let earned = earn_trip(&mut home.world, &mut car, 0);
        home.back_up("b.db");
        home.world.pass(HOUR);
        let ahead = car.mint(drove(trip(300_000, 12_000)), home.world.now);
        let verdict = home.world.verdict(&mut car, &ahead);
        assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
        let (now, core) = (home.world.now, &mut home.world.core);
        let entry = place(&car, 2);
        if is_accepted {
            core.accept_held(entry, "towed", now).unwrap();
        } else {
            core.refuse_held(entry, "forged", now).unwrap();
        }
        let before = home.world.balance(member);
        home.world.pass(3 * DAY);
        let kinds: Vec<_> = home.restore("b.db").undone.unwrap();
        let kinds: Vec<_> = kinds.iter().map(|one| format!("{:?}", one.kind)).collect();
        assert_eq!(kinds, if is_accepted { &[][..] } else { &["Refusal"] });
        home.world.post(&car, std::slice::from_ref(&ahead));
        let now = home.world.now;
        if is_accepted {
            assert_eq!(home.world.balance(member), before);
        } else {
            assert_eq!(home.world.balance(member), earned);
            // As the list says.
            home.world.core.refuse_held(entry, "forged", now).unwrap();
            assert_eq!(home.world.balance(member), before);
        }
    }
}

/// A stretch that is awaited is freed by shutting its head unit out, or by hand, before or after the second one has sent.
#[test]
fn the_second_is_paid_for_what_is_freed() {
    for (is_revoked, is_sent_first) in [(true, true), (true, false), (false, true), (false, false)]
    {
        let mut shared = Shared::new();
        let entries = shared.drive();
        let before = shared.balances();
        shared.home.restore("b.db");
        if is_sent_first {
            send(&mut shared.home, &shared.second, &entries[1]);
            assert_eq!(shared.balances(), [0, 0]);
        }
        let (now, entry) = (shared.home.world.now, place(&shared.first, 1));
        let core = &mut shared.home.world.core;
        if is_revoked {
            assert_eq!(core.revoke_device(entry.device, now).unwrap().awaited, 1);
        } else {
            let freed = core.free_stretches(vehicle(), Selected::Entry(entry), false, "lost", now);
            assert_eq!(freed.unwrap().entries, [entry]);
        }
        // Once more, before anybody has sent.
        if !is_sent_first {
            shared.home.restore("b.db");
            send(&mut shared.home, &shared.second, &entries[1]);
        }
        assert_eq!(shared.balances(), [0, before[0]]);
        if !is_revoked {
            send(&mut shared.home, &shared.first, &entries[0]);
            assert_eq!(shared.balances(), [0, before[0]]);
        }
    }
}

#[test]
fn shutting_out_shows_in_the_list_of_stretches() {
    let mut shared = Shared::new();
    let entries = shared.drive();
    let before = shared.balances();
    shared.home.restore("b.db");
    send(&mut shared.home, &shared.second, &entries[1]);
    let (now, core) = (shared.home.world.now, &mut shared.home.world.core);
    let awaited = |core: &CloudCore| {
        let stretches = core.stretches(vehicle()).unwrap();
        stretches.iter().filter(|one| one.awaited).count()
    };
    assert_eq!(awaited(core), 1);
    let revoked = core.revoke_device(shared.first.device, now).unwrap();
    assert_eq!((revoked.awaited, awaited(core)), (1, 0));
    assert_eq!(shared.balances(), [0, before[0]]);
}

/// The car's disk goes back as well: its entries come as carried ones of a new epoch.
#[test]
fn carried_entries_end_as_their_originals_did() {
    let mut shared = Shared::new();
    let entries = shared.drive();
    let before = shared.balances();
    shared.home.restore("b.db");
    let world = &mut shared.home.world;
    let grant = world.open_epoch(&mut shared.first);
    let body = grant
        .verify(&world.cloud_key, &shared.first.device)
        .unwrap();
    shared.first.enter(&body);
    let posted = world.post(&shared.second, &entries[1..]);
    assert!(matches!(posted, PostOutcome::Settled(_)), "{posted:?}");
    let carried = shared.first.carry(&entries[0]);
    let posted = world.post(&shared.first, &[carried]);
    assert!(matches!(posted, PostOutcome::Settled(_)), "{posted:?}");
    assert_eq!(shared.balances(), before);
}

/// A carried entry that says more than its original ends as any other: here in doubt.
#[test]
fn another_content_has_no_earlier_outcome() {
    let mut home = Home::new();
    let member = home.world.member(1);
    let mut car = home.world.car(2, 3, member);
    earn_trip(&mut home.world, &mut car, 0);
    home.back_up("b.db");
    home.world.pass(HOUR);
    let original = car.mint(drove(trip(12_000, 12_000)), home.world.now);
    home.world.verdict(&mut car, &original);
    home.restore("b.db");
    let grant = home.world.open_epoch(&mut car);
    car.enter(&grant.verify(&home.world.cloud_key, &car.device).unwrap());
    let carried = car.carry(&original).into_parts().1;
    let EntryBody::Carry { original, .. } = carried.body else {
        panic!("{carried:?}");
    };
    let mut more = carried;
    let ahead = home
        .world
        .car(9, 3, member)
        .mint(drove(trip(300_000, 12_000)), home.world.now);
    more.body = EntryBody::Carry {
        original,
        transaction: ahead.body().transaction().clone(),
    };
    let signed = Signed::sign(more, &car.key, &car.device).unwrap();
    let posted = home.world.post(&car, &[signed]);
    let PostOutcome::Settled(answer) = posted else {
        panic!("{posted:?}");
    };
    let verdict = &answer.verdicts[0].verdict;
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
}

/// What an operator refused as forged is not paid once another one has lost the same metres.
#[test]
fn a_doubt_stays_one_beside_another_claim() {
    let mut home = Home::new();
    let [one, other] = [1, 2].map(|number| home.world.member(number));
    let (mut first, mut second) = (home.world.car(2, 3, one), home.world.car(4, 3, other));
    earn_trip(&mut home.world, &mut first, 0);
    home.back_up("b.db");
    home.world.pass(HOUR);
    let ahead = first.mint(drove(trip(300_000, 12_000)), home.world.now);
    let verdict = home.world.verdict(&mut first, &ahead);
    assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
    home.world.pass(2 * DAY);
    let same = second.mint(drove(trip(300_000, 12_000)), home.world.now);
    assert!(paid(&home.world.verdict(&mut second, &same)) > 0);
    let entry = place(&first, 2);
    let now = home.world.now;
    home.world.core.refuse_held(entry, "forged", now).unwrap();
    let before = [one, other].map(|member| home.world.balance(member));
    home.restore("b.db");
    send(&mut home, &first, &ahead);
    send(&mut home, &second, &same);
    let refused = home.world.core.refuse_held(entry, "forged", now);
    assert!(refused.is_ok(), "{refused:?}");
    assert_eq!(
        [one, other].map(|member| home.world.balance(member)),
        before
    );
}
