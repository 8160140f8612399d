//! A disk that fails at each of its calls in turn, under the whole car or under the cloud.
//!
//! One car and one cloud live on: on the n-th day the n-th call of the disk fails, from the start of the program on.
//! Then the disk is mended, and before the next day car and cloud must say the same to the point.

use dashpoint::engine::{Connection, Engine, Reason};
use dashpoint_crash_vfs::DiskFault;
use dashpoint_membership::{Meter, MeterInterval, Seq};
use dashpoint_store::StoreError;
use dashpoint_wire::Raw;

use super::car::StartError;
use super::policy;
use super::vehicle::ScriptStep;
use super::violation::Violation;
use super::world::SimulatedWorld;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
/// Rounds of five minutes in which car and cloud must agree once the disk is mended.
const ROUNDS_MAX: u32 = 12;
/// Metres of one step at the coarse rate: those before the first sample in motion belong to no trip.
const STEP_M_MAX: u64 = 510;
/// Days without the fault after which all calls of a day have failed: not every day has the same number.
const UNREACHED_MAX: u32 = 3;

/// Under whom the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The head unit's program, from its start on.
    Car,
    /// The core of the cloud.
    Cloud,
}

/// Result of a run with one fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lived {
    /// Calls that failed, one on each day.
    pub calls: u64,
    /// Starts that the disk refused.
    pub refused_starts: u64,
    /// Days on which evidence waited in memory and the head unit said so.
    pub unsaved: u64,
    /// Days on which the head unit named its own store as the reason for being offline.
    pub own_store: u64,
    /// Days on which it named the cloud's failure.
    pub cloud_failed: u64,
    /// Awards that were shown.
    pub awards: u64,
    /// Drives, each of them in exactly one entry.
    pub drives: u64,
}

/// Lives a day for each call of a disk.
///
/// # Errors
/// [`Violation`] when a shown award is lost or paid twice, when the state is not clear, when it does not go on.
pub fn fail_at_every_call(side: Side, fault: DiskFault, seed: u64) -> Result<Lived, Violation> {
    let mut failing = Failing::new(side, fault, seed)?;
    let mut unreached = 0;
    let mut call = 0;
    while unreached < UNREACHED_MAX {
        call += 1;
        let day = failing.day(call);
        if day.map_err(|broken| broken.at(&format!("call {call}")).after(failing.story()))? {
            failing.lived.calls += 1;
            unreached = 0;
        } else {
            unreached += 1;
        }
    }
    failing.count_drives()?;
    failing.lived.awards = failing.world.tally.awards;
    Ok(failing.lived)
}

struct Failing {
    world: SimulatedWorld,
    side: Side,
    fault: DiskFault,
    lived: Lived,
}

impl Failing {
    fn new(side: Side, fault: DiskFault, seed: u64) -> Result<Self, Violation> {
        let mut world = SimulatedWorld::with_one_driver_each(seed)?;
        world.faults_permille = 0;
        world.cars.truncate(1);
        world.disks_fail = true;
        world.cloud.spares_looks = true;
        // One policy without an end, so that nothing but the disk disturbs a day.
        let now = world.now();
        let mut policy = policy::next(&world.policies[0], &mut world.random, now);
        policy.valid_from = now;
        policy.valid_until = now.plus_s(10 * 366 * 86_400);
        world.oracle.take_policy(&policy);
        world.policies.push(policy);
        world.sign_policies()?;
        Ok(Self {
            world,
            side,
            fault,
            lived: Lived::default(),
        })
    }

    fn story(&self) -> Vec<String> {
        self.world.story.iter().cloned().collect()
    }

    /// One day; says whether the fault was reached.
    fn day(&mut self, call: u64) -> Result<bool, Violation> {
        match self.side {
            Side::Car => self.world.cars[0].plan_fault(call, self.fault),
            Side::Cloud => self.world.cloud.plan_fault(call, self.fault),
        }
        self.start()?;
        let before = self.head();
        let mut random = self.world.random.branch();
        let drive = self.world.cars[0].vehicle.short_drive(&mut random);
        self.lived.drives += 1;
        self.play(&drive)?;
        self.pass(20 * SECOND_MS)?;
        self.look_at_the_state(before)?;
        let reached = !self.mend();
        self.settle()?;
        self.go_to_sleep(call)?;
        Ok(reached)
    }

    /// Starts the program; a disk that refuses is mended, as its owner would.
    fn start(&mut self) -> Result<(), Violation> {
        let now_ms = self.world.now_ms;
        if let Err(refused) = self.world.cars[0].start_at(now_ms) {
            self.lived.refused_starts += 1;
            self.assert_clear(&refused)?;
            self.mend();
            let started = self.world.cars[0].start_at(now_ms);
            started.map_err(|why| Violation::new(format!("a mended disk, and still: {why}")))?;
        }
        self.world.after(0, super::car::StepEnd::Running)?;
        let inputs = self.world.cars[0].vehicle.retained();
        self.world.step(0, |engine| engine.take(inputs.into_iter()))
    }

    fn assert_clear(&self, refused: &StartError) -> Result<(), Violation> {
        let is_clear = |error: &StoreError| match self.fault {
            DiskFault::Full => error.is_disk_full(),
            DiskFault::IoError | DiskFault::Broken => {
                !error.is_corrupt() && !error.is_newer_schema()
            }
            DiskFault::PowerCut => true,
        };
        match refused.store() {
            Some(error) if is_clear(error) => Ok(()),
            Some(_) | None => Err(Violation::new(format!(
                "a {:?} disk is called {refused:?}",
                self.fault
            ))),
        }
    }

    fn play(&mut self, script: &[ScriptStep]) -> Result<(), Violation> {
        let begun_ms = self.world.now_ms;
        for said in script {
            self.world.run_until(begun_ms + said.after_ms)?;
            let inputs = self.world.cars[0].vehicle.say(said, self.world.now_ms);
            self.world
                .step(0, |engine| engine.take(inputs.into_iter()))?;
        }
        Ok(())
    }

    fn pass(&mut self, span_ms: u64) -> Result<(), Violation> {
        let until_ms = self.world.now_ms + span_ms;
        self.world.run_until(until_ms)
    }

    fn head(&self) -> Option<Seq> {
        let engine = self.world.cars[0].engine();
        engine.map(|engine| engine.books().head.seq)
    }

    /// Checks that each drive is shown, or that the head unit says that it is not on the disk.
    fn look_at_the_state(&mut self, before: Option<Seq>) -> Result<(), Violation> {
        self.world.step(0, Engine::publish)?;
        let head = self.head();
        let Some(engine) = self.world.cars[0].engine() else {
            return Err(Violation::new("the program is off".to_owned()));
        };
        let live = engine.live();
        if head == before && live.unsaved == 0 {
            return Err(Violation::new(
                "a drive is neither shown nor said to wait for the disk".to_owned(),
            ));
        }
        self.lived.unsaved += u64::from(live.unsaved > 0);
        if let Connection::Offline { reason, .. } = live.connection {
            self.lived.own_store += u64::from(reason == Reason::Local);
            let failed = matches!(reason, Reason::ServerError | Reason::Busy);
            self.lived.cloud_failed += u64::from(failed);
        }
        Ok(())
    }

    fn mend(&mut self) -> bool {
        match self.side {
            Side::Car => self.world.cars[0].clear_fault(),
            Side::Cloud => self.world.cloud.clear_fault(),
        }
    }

    /// On a mended disk everything that was driven is answered, and both ends agree.
    fn settle(&mut self) -> Result<(), Violation> {
        let mut apart = None;
        for _ in 0..ROUNDS_MAX {
            self.world.hurry(0)?;
            self.pass(5 * MINUTE_MS)?;
            self.world.step(0, Engine::publish)?;
            apart = self.apart()?;
            if apart.is_none() {
                return Ok(());
            }
        }
        let apart = apart.unwrap_or_default();
        Err(Violation::new(format!("it does not go on: {apart}")))
    }

    fn apart(&mut self) -> Result<Option<String>, Violation> {
        let unsaved = self.world.cars[0]
            .engine()
            .map_or(0, |engine| engine.live().unsaved);
        if unsaved > 0 {
            return Ok(Some(format!("{unsaved} are not on the disk")));
        }
        self.world.apart(0)
    }

    /// In good order, killed, or by a power cut.
    fn go_to_sleep(&mut self, call: u64) -> Result<(), Violation> {
        let car = &mut self.world.cars[0];
        match call % 3 {
            0 => {
                car.shut_down()?;
            }
            1 => car.crash(),
            _ => car.cut_power(),
        }
        if self.side == Side::Cloud && call.is_multiple_of(2) {
            let now = self.world.now();
            self.world.cloud.restart(now)?;
        }
        self.pass(MINUTE_MS)
    }

    /// Every drive is in exactly one entry, one beginning where the other ended, and the whole ledger is sound.
    fn count_drives(&mut self) -> Result<(), Violation> {
        self.start()?;
        self.settle()?;
        self.world.check_all(0)?;
        let car = &self.world.cars[0];
        let Some(engine) = car.engine() else {
            return Err(Violation::new("the program is off".to_owned()));
        };
        let mut trips: Vec<MeterInterval> = Vec::new();
        let (key, device) = (car.key.public(), car.device);
        let mut refused = None;
        let looked = engine.reader().for_each_entry(|stored| {
            match Raw::verify(stored.raw, &key, &device) {
                Ok(entry) => {
                    let interval = entry.body().transaction().interval();
                    trips.extend(interval.filter(|claim| claim.meter == Meter::Odometer));
                }
                Err(error) => refused = Some(error),
            }
            std::ops::ControlFlow::Continue(())
        });
        looked.map_err(|error| Violation::new(format!("unreadable: {error}")))?;
        if let Some(error) = refused {
            return Err(Violation::new(format!("an own entry: {error}")));
        }
        for pair in trips.windows(2) {
            if !(pair[0].to..=pair[0].to + STEP_M_MAX).contains(&pair[1].from) {
                return Err(Violation::new(format!("metres between {pair:?} are lost")));
            }
        }
        let last = trips.last().map_or(0, |trip| trip.to);
        if last != car.vehicle.odometer_m as u64 || trips.len() as u64 != self.lived.drives {
            return Err(Violation::new(format!(
                "{} drives of {} are in an entry, up to {last} of {} metres",
                trips.len(),
                self.lived.drives,
                car.vehicle.odometer_m
            )));
        }
        Ok(())
    }
}
