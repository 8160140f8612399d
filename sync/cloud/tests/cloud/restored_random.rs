//! Random histories of head units that share a vehicle, and of an operator: after the restore of a backup from anywhere in one, with
//! all sent again in any order and what is listed done again, each member has what the member had.

use dashpoint_cloud::Selected;
use dashpoint_membership::*;
use dashpoint_wire::Signed;

use crate::awaited::{send, vehicle};
use crate::replaced_units::Home;
use crate::support::*;

/// Histories of one run of the tests; `DASHPOINT_HISTORIES` asks for more, also as `FROM+COUNT`.
const HISTORIES: u64 = 24;

/// Histories that an earlier program ended wrongly.
const BROKEN_ONCE: [u64; 7] = [130, 183, 456, 463, 591, 978, 1_436];

/// SplitMix64: the same history for the same seed, whatever a library does.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % most
    }
}

struct History {
    dice: Dice,
    home: Home,
    cars: Vec<Car>,
    sent: Vec<Vec<Signed<Entry>>>,
    /// Entries of each car that the backup has, and those that an earlier one has.
    backed_up: Vec<usize>,
    backed_up_earlier: Vec<usize>,
    revoked: Option<usize>,
    told: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut home = Home::new();
        let cars: Vec<Car> = [(1, 2), (2, 4), (3, 6)]
            .into_iter()
            .map(|(member, number)| {
                let member = home.world.member(member);
                home.world.car(number, 3, member)
            })
            .collect();
        Self {
            dice: Dice(seed),
            home,
            sent: vec![Vec::new(); cars.len()],
            backed_up: vec![0; cars.len()],
            backed_up_earlier: vec![0; cars.len()],
            cars,
            revoked: None,
            told: Vec::new(),
        }
    }

    fn balances(&mut self) -> Vec<i64> {
        let members = self.cars.iter().map(|car| car.member);
        members
            .map(|member| self.home.world.balance(member))
            .collect()
    }

    fn drive(&mut self) {
        let which = self.dice.below(self.cars.len());
        if self.revoked == Some(which) {
            return;
        }
        let from = 6_000 * u64::try_from(self.dice.below(8)).unwrap();
        let now = self.home.world.now;
        let started = CoarseTime::containing_unix_s(now.as_unix_s() - 1_800);
        let driven = Trip {
            started,
            ..trip(from, 12_000)
        };
        let car = &mut self.cars[which];
        let entry = car.mint(drove(driven), now);
        let verdict = self.home.world.verdict(car, &entry);
        self.told.push(format!("{which}: {from} {verdict:?}"));
        self.sent[which].push(entry);
    }

    /// Lets the operator do something to a random entry; what is not possible is refused, and changes nothing.
    fn act(&mut self) {
        let which = self.dice.below(self.cars.len());
        if self.sent[which].is_empty() {
            return;
        }
        let place = self.dice.below(self.sent[which].len());
        let entry = self.sent[which][place]
            .body()
            .reference(self.cars[which].device);
        let (core, now) = (&mut self.home.world.core, self.home.world.now);
        let (what, done) = match self.dice.below(5) {
            0 => ("keep", free(core, entry, true, now)),
            1 => ("free", free(core, entry, false, now)),
            2 | 3 => ("accept", core.accept_held(entry, "seen", now).is_ok()),
            _ => ("refuse", core.refuse_held(entry, "forged", now).is_ok()),
        };
        if done {
            self.told.push(format!("{what} {which}/{place}"));
        }
    }

    fn revoke(&mut self) {
        let which = self.dice.below(self.cars.len());
        if self.revoked.is_none() && self.dice.below(3) == 0 {
            self.revoked = Some(which);
            self.told.push(format!("revoke {which}"));
            let now = self.home.world.now;
            let core = &mut self.home.world.core;
            core.revoke_device(self.cars[which].device, now).unwrap();
        }
    }

    fn back_up(&mut self) {
        self.home.back_up("b.db");
        self.backed_up = self.sent.iter().map(Vec::len).collect();
        self.told.push("back up".to_owned());
    }

    fn back_up_earlier(&mut self) {
        self.home.back_up("a.db");
        self.backed_up_earlier = self.sent.iter().map(Vec::len).collect();
        self.told.push("back up earlier".to_owned());
    }

    /// Sends again what a backup lacks, in a random order: all of it, or some.
    fn send_again(&mut self, mut next: Vec<usize>, most: usize) {
        for _ in 0..most {
            let left: Vec<usize> = (0..self.cars.len())
                .filter(|which| next[*which] < self.sent[*which].len())
                .filter(|which| self.revoked != Some(*which))
                .collect();
            if left.is_empty() {
                break;
            }
            let which = left[self.dice.below(left.len())];
            let entry = &self.sent[which][next[which]];
            send(&mut self.home, &self.cars[which], entry);
            self.told.push(format!("again {which}/{}", next[which]));
            next[which] += 1;
        }
    }

    /// Restores the backup, and another time if asked, that one or the earlier one, before any word is given again; sends all again
    /// and does again what is listed.
    fn come_back(&mut self, is_twice: bool) {
        let mut undone = self.home.restore("b.db").undone.unwrap();
        self.told.push(format!("undone {undone:?}"));
        let mut next = self.backed_up.clone();
        if is_twice {
            let some = self.dice.below(6);
            self.send_again(next.clone(), some);
            let is_earlier = self.dice.below(2) == 0;
            let name = if is_earlier { "a.db" } else { "b.db" };
            undone = self.home.restore(name).undone.unwrap();
            self.told.push(format!("undone by {name} {undone:?}"));
            if is_earlier {
                next.clone_from(&self.backed_up_earlier);
            }
        }
        self.send_again(next, usize::MAX);
        let now = self.home.world.now;
        let core = &mut self.home.world.core;
        for one in undone {
            let Some(entry) = one.of.split(' ').find_map(entry_of) else {
                continue;
            };
            let kind = format!("{:?}", one.kind);
            let done = match kind.as_str() {
                "Acceptance" => core.accept_held(entry, "seen", now).is_ok(),
                "Refusal" => core.refuse_held(entry, "forged", now).is_ok(),
                "Freed" => free(core, entry, one.of.ends_with("--keep-points"), now),
                // Those that are about no entry are not done in these histories.
                other => panic!("{other}: {one:?}"),
            };
            self.told.push(format!("{kind} {entry} done again: {done}"));
        }
    }
}

fn entry_of(word: &str) -> Option<EntryRef> {
    let (device, place) = word.split_once('/')?;
    let (epoch, seq) = place.split_once('-')?;
    Some(EntryRef {
        device: device.parse().ok()?,
        epoch: Epoch::new(epoch.parse().ok()?),
        seq: Seq::new(seq.parse().ok()?),
    })
}

fn free(
    core: &mut dashpoint_cloud::CloudCore,
    entry: EntryRef,
    keeps_points: bool,
    now: ServerTime,
) -> bool {
    let selected = Selected::Entry(entry);
    core.free_stretches(vehicle(), selected, keeps_points, "shared", now)
        .is_ok()
}

#[test]
fn each_member_has_what_there_was() {
    let asked = std::env::var("DASHPOINT_HISTORIES").unwrap_or_default();
    let (from, count) = match asked.split_once('+') {
        Some((from, count)) => (from.parse().unwrap(), count.parse().unwrap()),
        None if asked.is_empty() => (0, HISTORIES),
        None => (0, asked.parse().unwrap()),
    };
    for seed in BROKEN_ONCE.into_iter().chain(from..from + count) {
        lives(seed, false);
        lives(seed, true);
    }
}

fn lives(seed: u64, is_twice: bool) {
    let mut history = History::new(seed);
    let backup_at = history.dice.below(14);
    let earlier_at = usize::try_from(seed).unwrap() % (backup_at + 1);
    for step in 0..16 {
        if is_twice && step == earlier_at {
            history.back_up_earlier();
        }
        if step == backup_at {
            history.back_up();
        }
        history.home.world.pass(1_800);
        match history.dice.below(6) {
            0 | 1 => history.act(),
            2 => history.revoke(),
            _ => history.drive(),
        }
    }
    let before = history.balances();
    history.come_back(is_twice);
    let after = history.balances();
    assert_eq!(
        after, before,
        "history {seed}, twice: {is_twice}: {:#?}",
        history.told
    );
}
