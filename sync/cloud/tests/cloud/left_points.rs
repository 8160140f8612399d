//! Points that an operator left to an entry whose stretch was taken, when the backup has the entry and not the payment.

use dashpoint_cloud::{CloudError, Selected};
use dashpoint_membership::*;
use dashpoint_wire::Signed;

use crate::awaited::{place, send, vehicle};
use crate::replaced_units::{Home, earn_trip};
use crate::support::*;

/// Three head units of one vehicle, each of a member of its own.
pub struct Three {
    pub home: Home,
    pub cars: [Car; 3],
}

impl Three {
    pub fn new() -> Self {
        let mut home = Home::new();
        let cars = [(1, 2), (2, 4), (3, 6)].map(|(member, number)| {
            let member = home.world.member(member);
            home.world.car(number, 3, member)
        });
        Self { home, cars }
    }

    pub fn balances(&mut self) -> [i64; 3] {
        let members = self.cars.each_ref().map(|car| car.member);
        members.map(|member| self.home.world.balance(member))
    }

    pub fn post(&mut self, which: usize, from_m: u64) -> (Signed<Entry>, Verdict) {
        let (world, car) = (&mut self.home.world, &mut self.cars[which]);
        let entry = car.mint(drove(trip(from_m, 12_000)), world.now);
        let verdict = world.verdict(car, &entry);
        (entry, verdict)
    }

    pub fn free(&mut self, entry: EntryRef, keeps_points: bool) -> Result<(), CloudError> {
        let (now, core) = (self.home.world.now, &mut self.home.world.core);
        let selected = Selected::Entry(entry);
        let freed = core.free_stretches(vehicle(), selected, keeps_points, "shared", now);
        freed.map(drop)
    }

    /// Restores the backup and returns what is listed; the last head unit, which alone has something to send again, sends it.
    pub fn come_back(&mut self, entry: &Signed<Entry>) -> Vec<String> {
        let undone = self.home.restore("b.db").undone.unwrap();
        send(&mut self.home, &self.cars[2], entry);
        let listed = undone
            .iter()
            .map(|one| format!("{:?} {}", one.kind, one.of));
        listed.collect()
    }

    pub fn holders(&self) -> Vec<DeviceId> {
        let stretches = self.home.world.core.stretches(vehicle()).unwrap();
        let held = stretches
            .iter()
            .filter(|one| one.freed.is_none() && !one.awaited);
        held.map(|one| one.entry.device).collect()
    }
}

/// It came second before the backup, was paid late after it and freed; the third one has the stretch since.
#[test]
fn those_of_a_late_payment_come_again_once() {
    for is_replaced in [false, true] {
        let mut three = Three::new();
        assert!(paid(&three.post(0, 0).1) > 0);
        assert_eq!(three.post(1, 0).1, rejected(Rejection::AlreadyPaid));
        three.home.back_up("b.db");
        let (first, second) = (place(&three.cars[0], 1), place(&three.cars[1], 1));
        three.free(first, true).unwrap();
        three.free(second, true).unwrap();
        let (third, verdict) = three.post(2, 0);
        let points = paid(&verdict);
        if is_replaced {
            three.home.revoke(&three.cars[1]);
        }
        let before = three.balances();
        assert_eq!(before, [points; 3]);
        for _ in 0..2 {
            let undone = three.come_back(&third);
            let vehicle = vehicle();
            assert_eq!(
                undone,
                [
                    format!("Freed {vehicle} --entry {first} --keep-points"),
                    format!("Freed {vehicle} --entry {second} --keep-points"),
                ]
            );
            assert_eq!(three.balances(), [points, 0, 0]);
            three.free(first, true).unwrap();
            let points_are_taken_from_it = three.free(second, false);
            assert!(
                matches!(points_are_taken_from_it, Err(CloudError::HoldsNothing(_))),
                "{points_are_taken_from_it:?}"
            );
            three.free(second, true).unwrap();
            let once_more = three.free(second, true);
            assert!(
                matches!(once_more, Err(CloudError::HoldsNothing(_))),
                "{once_more:?}"
            );
            assert_eq!(three.holders(), [three.cars[2].device]);
            assert_eq!(three.balances(), before);
        }
    }
}

/// It was in doubt before the backup, accepted after it and freed; the third one has the stretch since.
#[test]
fn those_of_an_accepted_doubt_come_again_once() {
    for is_replaced in [false, true] {
        let mut three = Three::new();
        earn_trip(&mut three.home.world, &mut three.cars[0], 0);
        three.home.world.pass(HOUR);
        let (_, verdict) = three.post(1, 300_000);
        assert!(matches!(verdict, Verdict::Review { .. }), "{verdict:?}");
        three.home.back_up("b.db");
        let second = place(&three.cars[1], 1);
        let now = three.home.world.now;
        let core = &mut three.home.world.core;
        core.accept_held(second, "towed", now).unwrap();
        three.free(second, true).unwrap();
        three.home.world.pass(2 * DAY);
        let (third, verdict) = three.post(2, 300_000);
        assert!(paid(&verdict) > 0, "{verdict:?}");
        if is_replaced {
            three.home.revoke(&three.cars[1]);
        }
        let before = three.balances();
        for _ in 0..2 {
            let undone = three.come_back(&third);
            assert_eq!(undone, [format!("Acceptance {second}")]);
            assert_eq!(three.balances(), [before[0], 0, before[2]]);
            let now = three.home.world.now;
            let core = &mut three.home.world.core;
            core.accept_held(second, "towed", now).unwrap();
            let once_more = core.accept_held(second, "towed", now);
            assert!(
                matches!(once_more, Err(CloudError::NotHeld(_))),
                "{once_more:?}"
            );
            assert_eq!(three.balances(), before);
            assert!(!three.holders().contains(&three.cars[1].device));
        }
    }
}
