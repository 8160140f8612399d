//! Rest: everything heals, and within a bounded time car and cloud say the same to the point.

use dashpoint::engine::Engine;
use dashpoint_membership::{EntryRef, LedgerVersion, MemberId};
use dashpoint_store::CheckDepth;
use dashpoint_sync::Event;

use super::violation::Violation;
use super::world::SimulatedWorld;

const MINUTE_MS: u64 = 60_000;
/// Rounds of twenty minutes until car and cloud must agree.
const ROUNDS_MAX: u32 = 12;
/// Longer than the cloud holds anything back, and than points last where they last a month.
const REVIEWED_MS: u64 = 40 * 24 * 60 * MINUTE_MS;

impl SimulatedWorld {
    pub(super) fn rest(&mut self) -> Result<(), Violation> {
        self.heal()?;
        self.retire_clones()?;
        self.settle()?;
        // What was held back is paid in the end, what is old expires, and the screens learn of it.
        let until_ms = self.now_ms + REVIEWED_MS;
        for number in 0..self.cars.len() {
            self.cars[number].suspended = true;
        }
        // A cloud is at work all the time: its clock does not leap.
        self.run_until(self.now_ms + REVIEWED_MS / 2)?;
        self.maintain()?;
        self.run_until(until_ms)?;
        self.maintain()?;
        for number in 0..self.cars.len() {
            self.cars[number].suspended = false;
            if self.cars[number].is_running() {
                self.step(number, Engine::wake)?;
            }
        }
        self.settle()?;
        for number in 0..self.cars.len() {
            self.check_all(number)?;
        }
        self.note_forks()
    }

    fn heal(&mut self) -> Result<(), Violation> {
        let now = self.now();
        self.cloud.heal(now)?;
        self.set_cloud_clock_right()?;
        self.sign_policies()?;
        self.faults_permille = 0;
        for number in 0..self.cars.len() {
            if self.cars[number].shut_out && !self.cars[number].is_clone {
                self.enrol_anew(number)?;
            }
            let car = &mut self.cars[number];
            car.skew_ms = 0;
            car.in_1970 = false;
            car.vehicle.skew_ms = 0;
            car.offline_until_ms = 0;
            // What a lost cache held comes back without a restart.
            if car.lacks_cache() && car.engine().is_some() {
                car.suspended = false;
                car.clear_fault();
                continue;
            }
            car.heal();
            car.can_sign = true;
            car.foreign_key = None;
            self.boot(number)?;
        }
        Ok(())
    }

    /// A clone brings what it has to the cloud and is taken off the road.
    fn retire_clones(&mut self) -> Result<(), Violation> {
        for number in 0..self.cars.len() {
            if !self.cars[number].is_clone {
                continue;
            }
            self.hurry(number)?;
            let until_ms = self.now_ms + 60 * MINUTE_MS;
            self.run_until(until_ms)?;
            self.cars[number].crash();
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Violation> {
        for _ in 0..ROUNDS_MAX {
            for number in 0..self.cars.len() {
                self.hurry(number)?;
            }
            let until_ms = self.now_ms + 20 * MINUTE_MS;
            self.run_until(until_ms)?;
            let mut apart = None;
            for number in 0..self.cars.len() {
                if !self.cars[number].is_clone {
                    apart = apart.or(self.apart(number)?);
                }
            }
            if apart.is_none() {
                return Ok(());
            }
        }
        for number in 0..self.cars.len() {
            if let Some(apart) = self.apart(number)?.filter(|_| !self.cars[number].is_clone) {
                return Err(Violation::new(format!(
                    "car {number} does not come to rest: {apart}"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn hurry(&mut self, number: usize) -> Result<(), Violation> {
        self.step(number, |engine| engine.tell(Event::SyncRequested))
    }

    /// Describes a difference between car and cloud, if there is one.
    pub(super) fn apart(&mut self, number: usize) -> Result<Option<String>, Violation> {
        let now = self.now();
        let device = self.cars[number].device;
        let lines = self.cloud.with(now, |core| core.device_lines())?;
        let line = lines.into_iter().find(|line| line.device == device);
        let head = line.map(|line| (line.epoch, line.seq, line.head));
        let Some(engine) = self.cars[number].engine() else {
            return Ok(Some("it is off".to_owned()));
        };
        let live = engine.live();
        if live.waiting > 0 || live.awaiting > 0 {
            return Ok(Some(format!(
                "{} entries wait, {} to be signed, {:?}",
                live.waiting, live.awaiting, live.connection
            )));
        }
        let own = engine.books().head;
        if head != Some((own.epoch, own.seq, own.hash)) {
            return Ok(Some(format!("the head is {own:?}, the cloud has {head:?}")));
        }
        for member in self.cars[number].crew.enrolled().to_vec() {
            let apart = self.apart_on(number, member)?;
            if apart.is_some() {
                return Ok(apart);
            }
        }
        Ok(None)
    }

    /// Describes their difference on one of the car's members.
    fn apart_on(&mut self, number: usize, member: MemberId) -> Result<Option<String>, Violation> {
        let now = self.now();
        let statement = self.cloud.with(now, |core| {
            core.statement(member, LedgerVersion::new(0), now)
        })?;
        let books = self.cars[number].engine().map(Engine::books);
        let mut views = books.into_iter().flat_map(|books| books.views(now));
        let Some((book, view)) = views.find(|(book, _)| book.statement.member == member) else {
            return Ok(Some("there is no statement".to_owned()));
        };
        let account = &statement.body().account;
        let held = account.pending.iter().map(|held| held.paid.points).sum();
        if book.statement.account != *account || view.balance != account.balance() {
            return Ok(Some(format!(
                "the screen shows {} points, the cloud has {}",
                view.balance,
                account.balance()
            )));
        }
        if view.pending != held {
            return Ok(Some(format!(
                "the screen shows {} points pending, the cloud holds {held}",
                view.pending
            )));
        }
        Ok(None)
    }

    /// The whole chain, every verdict, every shown award.
    pub(super) fn check_all(&mut self, number: usize) -> Result<(), Violation> {
        if self.cars[number].is_clone {
            return Ok(());
        }
        let device = self.cars[number].device;
        let Some(engine) = self.cars[number].engine() else {
            return Err(Violation::new(format!("car {number} is off")));
        };
        let reader = engine.reader();
        let unreadable =
            |e: dashpoint_store::StoreError| Violation::new(format!("unreadable: {e}"));
        let findings = reader.check(CheckDepth::Full).map_err(unreadable)?;
        if !findings.is_empty() {
            return Err(Violation::new(format!(
                "the ledger is not sound: {findings:?}"
            )));
        }
        let mut points = Vec::new();
        reader
            .for_each_entry(|stored| {
                points.push(stored.point);
                std::ops::ControlFlow::Continue(())
            })
            .map_err(unreadable)?;
        for point in points {
            let place = EntryRef {
                device,
                epoch: point.epoch,
                seq: point.seq,
            };
            let own = reader.verdict(point.epoch, point.seq).map_err(unreadable)?;
            let own = own.map(|stored| stored.verdict);
            if let (Some(own), Some(cloud)) = (&own, self.oracle.answer(place))
                && own != cloud
            {
                if self.oracle.was_answer(place, own) {
                    self.tally.former_verdicts += 1;
                    continue;
                }
                return Err(Violation::new(format!(
                    "{place:?}: the car has {own:?}, the cloud said {cloud:?}"
                )));
            }
        }
        self.oracle.check_rest(number)
    }

    fn note_forks(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let lines = self.cloud.with(now, |core| core.device_lines())?;
        for car in self.cars.iter().filter(|car| car.is_clone) {
            let mut forked = lines.iter().filter(|line| line.forked.is_some());
            if forked.any(|line| line.device == car.device) {
                self.tally.row("two branches of a clone");
            }
        }
        Ok(())
    }
}
