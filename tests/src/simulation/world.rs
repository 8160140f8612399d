//! The world of one seed: who is in it, and how its time passes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dashpoint::engine::Engine;
use dashpoint_crash_vfs::Image;
use dashpoint_membership::{
    Cause, EntryBody, EntryHash, EntryRef, MemberId, Policy, Seq, ServerEpoch, ServerTime,
};

use super::car::{SimulatedCar, StepEnd};
use super::cloud::SimulatedCloud;
use super::cloud_record::CloudRecord;
use super::coverage::Coverage;
use super::flight::Flight;
use super::oracle::{EntryOwner, Oracle};
use super::planted::Planted;
use super::policy;
use super::random::SeededRandom;
use super::replaced_car::ReplacedCar;
use super::violation::Violation;

/// 2026-11-22T00:00:00Z.
const BEGIN_MS: u64 = 1_795_305_600_000;
/// Steps of one seed at most: a world that does not end hangs on something.
const STEPS_MAX: u64 = 2_000_000;

/// The number of steps that a broken seed prints.
const STORY_MAX: usize = 40;

/// A backup of the cloud: its disk, and what was settled by then.
pub(super) type CloudBackup = (Image, CloudRecord);

/// The world of one seed.
pub struct SimulatedWorld {
    pub(super) name: String,
    pub(super) random: SeededRandom,
    /// Chance of mischief, apart from the other: lives in which none happens stay as they were.
    pub(super) mischief: SeededRandom,
    pub(super) planted: Option<Planted>,
    pub(super) now_ms: u64,
    pub(super) cloud: SimulatedCloud,
    pub(super) cars: Vec<SimulatedCar>,
    pub(super) members: Vec<MemberId>,
    pub(super) oracle: Oracle,
    pub(super) tally: Coverage,
    /// Every policy that was signed; operators keep the files.
    pub(super) policies: Vec<Policy>,
    /// A copy of the cloud's disk, and what the oracle knew of the cloud when it was made.
    pub(super) cloud_backup: Option<CloudBackup>,
    /// Life of the database that was put back without a word: nobody signs again what it lacks before it is another.
    pub(super) went_back_unsaid: Option<ServerEpoch>,
    /// Messages on their way, by the time they arrive and the order they were sent in.
    pub(super) flights: BTreeMap<(u64, u64), Flight>,
    pub(super) sent: u64,
    /// Faults of the network, in a thousand requests.
    pub(super) faults_permille: u64,
    /// Own entries that a screen counts as pending by a flag of its own: only with that bug planted.
    pub(super) flags: BTreeMap<usize, BTreeSet<EntryRef>>,
    /// Milliseconds by which the cloud's clock is ahead of the right one.
    pub(super) cloud_ahead_ms: i64,
    /// The time at which it leapt.
    pub(super) cloud_leapt_ms: u64,
    /// The time at which the cloud wrote down last that it is at work.
    pub(super) beaten_ms: u64,
    /// A car whose counters are replaced, in some lives.
    pub(super) replaced: Option<ReplacedCar>,
    /// Chance of its own: what counters do not say changes nothing else of a life.
    pub(super) silence: SeededRandom,
    /// Strangers who have asked so far.
    pub(super) strangers: u8,
    /// True when disks fail at chosen calls: then reads of them are spared, and a commit that failed may be there.
    pub(super) disks_fail: bool,
    pub(super) steps: u64,
    /// The last steps, for the report of a broken seed.
    pub(super) story: VecDeque<String>,
}

impl SimulatedWorld {
    /// A world with a cloud, one or two enrolled cars and their members; some share a car, and some are shut out.
    pub fn new(seed: u64, planted: Option<Planted>) -> Result<Self, Violation> {
        // The plants know one member of one car, with one key.
        Self::begin(seed, planted, planted.is_none())
    }

    /// A world in which nobody shares a car.
    pub fn with_one_driver_each(seed: u64) -> Result<Self, Violation> {
        Self::begin(seed, None, false)
    }

    fn begin(seed: u64, planted: Option<Planted>, shares: bool) -> Result<Self, Violation> {
        // Neighbouring seeds must not live alike.
        let mut random = SeededRandom::new(SeededRandom::new(seed).next() ^ 0x6461_7368_706f_696e);
        let name = format!("seed-{seed}-{planted:?}-{}", world_number());
        let now_ms = BEGIN_MS + random.range(0, 86_400_000);
        let now = server_time(now_ms);
        let cloud = SimulatedCloud::new(&name, random.branch(), planted, now)?;
        let policy = policy::first(&mut random, now)?;
        let faults_permille = [0, 50, 200, 450][usize::try_from(random.range(0, 4)).unwrap_or(0)];
        let mut world = Self {
            name,
            mischief: SeededRandom::new(SeededRandom::new(seed).next() ^ 0x6d69_7363_6869_6566),
            planted,
            now_ms,
            cloud,
            cars: Vec::new(),
            members: Vec::new(),
            oracle: Oracle::new()?,
            tally: Coverage::default(),
            policies: vec![policy],
            cloud_backup: None,
            went_back_unsaid: None,
            flights: BTreeMap::new(),
            sent: 0,
            faults_permille,
            flags: BTreeMap::new(),
            cloud_ahead_ms: 0,
            cloud_leapt_ms: 0,
            beaten_ms: now_ms,
            replaced: None,
            silence: SeededRandom::new(SeededRandom::new(seed).next() ^ 0x7369_6c65_6e74),
            strangers: 0,
            disks_fail: false,
            steps: 0,
            story: VecDeque::new(),
            random,
        };
        world.populate(shares)?;
        world.enrol_replaced(seed)?;
        Ok(world)
    }

    /// Lives to the end and returns what was reached.
    pub fn live(mut self) -> Result<Coverage, Violation> {
        match self.live_on() {
            Ok(()) => Ok(self.tally),
            Err(broken) => Err(broken.after(self.story)),
        }
    }

    fn live_on(&mut self) -> Result<(), Violation> {
        let begun_ms = self.now_ms;
        let sessions = self.random.range(10, 36);
        for number in 0..sessions {
            self.session()
                .map_err(|broken| broken.at(&format!("session {number}")))?;
        }
        let days = (self.now_ms - begun_ms) / 86_400_000;
        self.rest().map_err(|broken| broken.at("at rest"))?;
        self.oracle.count_caps(&mut self.tally);
        self.tally.vehicle_days = days * self.cars.len() as u64;
        self.tally.seeds = 1;
        Ok(())
    }

    /// Returns whether a kind of fault occurs in this life: in all without a plant, and in those with its own.
    pub(super) fn plays(&self, plants: &[Planted]) -> bool {
        self.planted.is_none_or(|planted| plants.contains(&planted))
    }

    /// Tells what happens now.
    pub(super) fn tell(&mut self, what: &str) {
        if self.story.len() >= STORY_MAX {
            self.story.pop_front();
        }
        let seconds = (self.now_ms - BEGIN_MS) / 1_000;
        self.story.push_back(format!("{seconds:>9} s  {what}"));
    }

    /// The time as the cloud has it.
    pub(super) const fn now(&self) -> ServerTime {
        server_time(self.now_ms.saturating_add_signed(self.cloud_ahead_ms))
    }

    /// The right time.
    pub(super) const fn right_now(&self) -> ServerTime {
        server_time(self.now_ms)
    }

    /// Lets time pass; everything that is due until then happens in its order.
    pub(super) fn run_until(&mut self, until_ms: u64) -> Result<(), Violation> {
        loop {
            let flight_ms = self.flights.keys().next().map(|(due_ms, _)| *due_ms);
            let awake = self.cars.iter().enumerate();
            let awake = awake.filter(|(_, car)| car.is_running() && !car.suspended);
            let wake = awake.map(|(number, car)| (car.wake_ms, number)).min();
            let wake_ms = wake.map_or(u64::MAX, |(due_ms, _)| due_ms);
            let next_ms = flight_ms.unwrap_or(u64::MAX).min(wake_ms);
            if next_ms > until_ms {
                break;
            }
            self.pass_until(next_ms)?;
            match (wake, self.flights.first_key_value()) {
                (_, Some((key, _))) if key.0 <= wake_ms => {
                    let key = *key;
                    if let Some(flight) = self.flights.remove(&key) {
                        self.arrive(flight)?;
                    }
                }
                (Some((_, number)), _) => self.step(number, Engine::wake)?,
                (None, _) => break,
            }
        }
        self.pass_until(until_ms)
    }

    /// One step of a car, and everything that follows from it at once.
    pub(super) fn step(
        &mut self,
        number: usize,
        step: impl FnOnce(&mut Engine),
    ) -> Result<(), Violation> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(Violation::new("the world does not end".to_owned()));
        }
        let ended = self.cars[number].step(self.now_ms, step);
        self.after(number, ended)
    }

    pub(super) fn after(&mut self, number: usize, ended: StepEnd) -> Result<(), Violation> {
        match ended {
            StepEnd::PowerLost => {
                self.tally.fault("car power cut");
                self.tell(&format!("car {number}: power lost"));
                self.flags.remove(&number);
                Ok(())
            }
            StepEnd::Running => {
                self.send_all(number);
                self.cars[number].spare(self.disks_fail);
                let looked = self.look(number);
                self.cars[number].spare(false);
                match looked {
                    // A look reads the disk, and any call may be the one at which the power goes.
                    Err(_) if self.cars[number].lost_power() => {
                        self.after(number, StepEnd::PowerLost)
                    }
                    looked => looked,
                }
            }
        }
    }

    /// Starts a car's program.
    pub(super) fn boot(&mut self, number: usize) -> Result<(), Violation> {
        self.flags.remove(&number);
        self.tell(&format!("car {number}: starts"));
        let ended = self.cars[number].boot(self.now_ms)?;
        self.cars[number].seen_head = None;
        self.after(number, ended)?;
        if self.cars[number].is_running() {
            let inputs = self.cars[number].vehicle.retained();
            self.step(number, |engine| engine.take(inputs.into_iter()))?;
        }
        Ok(())
    }

    /// Looks at the screen of a car after a step.
    fn look(&mut self, number: usize) -> Result<(), Violation> {
        let car = &self.cars[number];
        let Some(engine) = car.engine() else {
            return Ok(());
        };
        let books = engine.books();
        let (device, head) = (car.device, books.head);
        self.look_at_what_waits(number)?;
        let car = &self.cars[number];
        if car.seen_head != Some(head.hash) {
            self.show_new(number)?;
        }
        let engine = self.cars[number].engine();
        let Some(books) = engine.map(Engine::books) else {
            return Ok(());
        };
        for (book, view) in books.views(self.right_now()) {
            self.tally.checks += 1;
            self.oracle.check_balance(&book.statement, view.balance)?;
            let sum = view.pending_items.iter().map(|item| item.paid.points).sum();
            if view.pending != sum {
                return Err(Violation::new(
                    "pending is not the sum of its items".to_owned(),
                ));
            }
            let counted: Vec<EntryRef> =
                book.fold.settlements.iter().filter_map(entry_of).collect();
            let is_ahead = |place: &&EntryRef| place.epoch == head.epoch && place.seq > head.seq;
            if let Some(place) = counted.iter().find(is_ahead) {
                return Err(Violation::new(format!(
                    "{place:?} is shown and not on the disk"
                )));
            }
            let held = |place: &EntryRef| {
                let mut held = book.statement.account.pending.iter();
                held.any(|held| held.entry == *place)
            };
            let pending: Vec<EntryRef> = match self.planted {
                Some(Planted::PendingFlag) => {
                    let flags = self.flags.get(&number).into_iter().flatten();
                    flags.copied().filter(|place| !held(place)).collect()
                }
                Some(_) | None => {
                    let items = view.pending_items.iter().map(|item| item.entry);
                    items.filter(|place| !held(place)).collect()
                }
            };
            self.oracle.check_pending(
                number,
                &book.statement,
                device,
                head.epoch,
                &pending,
                &counted,
            )?;
        }
        Ok(())
    }

    /// Takes down the own entries that a screen shows for the first time.
    fn show_new(&mut self, number: usize) -> Result<(), Violation> {
        let car = &self.cars[number];
        let Some(engine) = car.engine() else {
            return Ok(());
        };
        let (head, device, key) = (engine.books().head, car.device, car.key.public());
        let reader = engine.reader();
        let unreadable =
            |e: dashpoint_store::StoreError| Violation::new(format!("unreadable: {e}"));
        // Back from the head to what was seen before.
        let mut seq = head.seq;
        let mut new = Vec::new();
        while seq.get() > 0 {
            let Some(stored) = reader.entry(head.epoch, seq).map_err(unreadable)? else {
                return Err(Violation::new(format!(
                    "entry {seq} is missing before the head"
                )));
            };
            if car.seen_head == Some(stored.point.hash) {
                break;
            }
            let signed = stored.raw.verify(&key, &device);
            let signed = signed.map_err(|e| Violation::new(format!("an own entry: {e}")))?;
            new.push((stored.point, signed.into_parts().1));
            seq = Seq::new(seq.get() - 1);
        }
        self.cars[number].seen_head = Some(head.hash);
        for (point, entry) in new.into_iter().rev() {
            self.tell(&format!(
                "car {number}: shows entry {}-{} {} of receipt {}",
                point.epoch,
                point.seq,
                if matches!(entry.body, EntryBody::Fresh(_)) {
                    "fresh"
                } else {
                    "carried"
                },
                entry.receipt_at.as_unix_s() - (BEGIN_MS / 1_000).cast_signed(),
            ));
            let crew = &self.cars[number].crew;
            let member = crew.member_of(entry.binding);
            let member = member.ok_or_else(|| Violation::new("an entry of nobody".to_owned()))?;
            self.oracle
                .show(number, member, point, &entry, &mut self.tally);
            if self.planted == Some(Planted::PendingFlag) {
                self.flags.entry(number).or_default().insert(EntryRef {
                    device,
                    epoch: point.epoch,
                    seq: point.seq,
                });
            }
        }
        Ok(())
    }

    /// Reads on in every ledger.
    pub(super) fn read_ledgers(&mut self) -> Result<(), Violation> {
        let replaced = self.replaced.as_ref().map(ReplacedCar::member);
        let members = self.members.iter().copied().chain(replaced).collect();
        self.read_ledgers_of(members)
    }

    /// Reads on in the ledgers of some members.
    pub(super) fn read_ledgers_of(&mut self, members: Vec<MemberId>) -> Result<(), Violation> {
        let now = self.now();
        for member in members {
            let since = self.oracle.seen(member);
            let statement = self
                .cloud
                .with(now, |core| core.statement(member, since, now))?;
            let latest = self.latest_end();
            self.oracle
                .read(statement.body(), latest, &mut self.tally)?;
        }
        Ok(())
    }

    pub(super) fn owner(&self, number: usize) -> EntryOwner {
        let car = &self.cars[number];
        let twins = self.cars.iter();
        let twins = twins.filter(|twin| twin.vehicle_id == car.vehicle_id);
        EntryOwner {
            key: car.key.public(),
            vehicle: car.vehicle_id,
            crew: car.crew.clone(),
            logs: twins.map(|twin| twin.vehicle.log.clone()).collect(),
        }
    }

    /// The disk is gone, and with it everything until it is found again.
    ///
    /// Gives those that were lost before.
    pub(super) fn write_off(&mut self, number: usize) -> BTreeSet<EntryHash> {
        let mut before = BTreeSet::new();
        for ((by, _), shown) in &mut self.oracle.shown {
            if *by == number && std::mem::replace(&mut shown.lost, true) {
                before.insert(shown.point.hash);
            }
        }
        before
    }

    /// Finds again the shown entries that the disk of the backup holds. What was lost before and has come from the
    /// cloud since, to lie beside the chain, is on no screen until an epoch carries it.
    pub(super) fn find_again(
        &mut self,
        number: usize,
        lost_before: &BTreeSet<EntryHash>,
    ) -> Result<(), Violation> {
        let Some(engine) = self.cars[number].engine() else {
            return Ok(());
        };
        let reader = engine.reader();
        let unreadable =
            |e: dashpoint_store::StoreError| Violation::new(format!("unreadable: {e}"));
        let strays = reader.strays().map_err(unreadable)?;
        let strays: BTreeSet<EntryHash> = strays.iter().map(|stray| stray.point.hash).collect();
        for ((by, _), shown) in &mut self.oracle.shown {
            if *by != number {
                continue;
            }
            let here = reader
                .point(shown.point.epoch, shown.point.seq)
                .map_err(unreadable)?;
            let hash = &shown.point.hash;
            let beside = strays.contains(hash) && !lost_before.contains(hash);
            shown.lost = here != Some(shown.point) && !beside;
            self.tally.lost_with_disk += u64::from(shown.lost);
        }
        Ok(())
    }
}

fn entry_of(settlement: &dashpoint_membership::Settlement) -> Option<EntryRef> {
    match &settlement.cause {
        Cause::Entry { entry, .. } => Some(*entry),
        Cause::Released { .. }
        | Cause::Spent { .. }
        | Cause::Reversed { .. }
        | Cause::Expired { .. }
        | Cause::ClawedBack { .. }
        | Cause::Granted { .. }
        | Cause::TierChanged { .. } => None,
    }
}

const fn server_time(now_ms: u64) -> ServerTime {
    ServerTime::from_unix_s((now_ms / 1_000).cast_signed())
}

/// Names of disks are of the process: two worlds of the same seed may live at once.
fn world_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static WORLDS: AtomicU64 = AtomicU64::new(0);
    WORLDS.fetch_add(1, Ordering::Relaxed)
}
