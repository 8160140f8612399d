//! A day on the road: sessions of a car, and what goes wrong before, during and after them.

use dashpoint::engine::{Connection, Engine};
use dashpoint_cloud::CloudError;

use super::planted::Planted;
use super::policy;
use super::vehicle::ScriptStep;
use super::violation::Violation;
use super::world::{CloudBackup, SimulatedWorld};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Cars of one world at most, clones included.
const CARS_MAX: usize = 3;

impl SimulatedWorld {
    /// Some hours of rest, then a car wakes up, does something and goes to sleep.
    pub(super) fn session(&mut self) -> Result<(), Violation> {
        let gap_ms = match self.random.range(0, 40) {
            0 => self.random.range(2 * DAY_MS, 12 * DAY_MS),
            1..=12 => self.random.range(MINUTE_MS, HOUR_MS),
            _ => self.random.range(HOUR_MS, 14 * HOUR_MS),
        };
        let until_ms = self.now_ms + gap_ms;
        self.run_until(until_ms)?;
        self.what_the_operator_does()?;
        let number = self.random.range(0, self.cars.len() as u64);
        let number = usize::try_from(number).unwrap_or(0);
        self.what_befalls(number)?;
        self.what_befalls_the_folder(number)?;
        self.what_strangers_do(number)?;
        self.what_is_replaced()?;
        self.wake_up(number)?;
        self.what_counters_do_not_say(number)?;
        let script = self.script(number);
        self.play(number, &script)?;
        self.check_in(number)?;
        let linger_ms = self.random.range(MINUTE_MS, 12 * MINUTE_MS);
        let until_ms = self.now_ms + linger_ms;
        self.run_until(until_ms)?;
        self.go_to_sleep(number)
    }

    fn what_the_operator_does(&mut self) -> Result<(), Violation> {
        self.what_the_clock_of_the_cloud_does()?;
        self.maintain()?;
        let now = self.now();
        // What a backup lacked, when somebody has noticed it.
        let life = self.cloud.with(now, |core| core.server_epoch())?;
        if self.went_back_unsaid != Some(life) {
            self.sign_policies()?;
        }
        if self.random.permille(60)
            && self.cloud_ahead_ms == 0
            && let Some(newest) = self.policies.last()
        {
            let next = policy::next(newest, &mut self.random, now);
            self.oracle.take_policy(&next);
            self.policies.push(next);
            self.sign_policies()?;
            self.tally.fault("policy in flight");
            self.tell("the operator signs a policy");
        }
        // The plants lie in one database and do not move to another.
        if self.planted.is_none() {
            self.what_becomes_of_the_cloud()?;
        }
        if self.random.permille(80) {
            let call = self.random.range(1, 150);
            self.cloud.plan_power_cut(call);
        }
        Ok(())
    }

    /// Signs every policy that the cloud does not have.
    pub(super) fn sign_policies(&mut self) -> Result<(), Violation> {
        // An operator looks at the clock before he signs.
        if self.cloud_ahead_ms != 0 {
            return Ok(());
        }
        let now = self.now();
        for policy in &self.policies {
            self.cloud
                .with(now, |core| match core.sign_policy(policy.clone(), now) {
                    Err(CloudError::VersionNotHigher { .. }) => Ok(()),
                    signed => signed,
                })?;
        }
        Ok(())
    }

    fn what_becomes_of_the_cloud(&mut self) -> Result<(), Violation> {
        if self.random.permille(60) {
            self.back_up_cloud();
        }
        let back = self.random.permille(30);
        let Some(backup) = self.cloud_backup.clone().filter(|_| back) else {
            return Ok(());
        };
        let unsaid = self.random.one_in(3);
        self.cloud_goes_back(backup, unsaid)
    }

    pub(super) fn back_up_cloud(&mut self) {
        self.cloud_backup = Some((self.cloud.image(), self.oracle.books.clone()));
        self.tell("the cloud is backed up");
    }

    pub(super) fn cloud_goes_back(
        &mut self,
        (image, books): CloudBackup,
        unsaid: bool,
    ) -> Result<(), Violation> {
        // Whoever puts a disk back looks at the clock.
        self.set_cloud_clock_right()?;
        let life = self.cloud.go_back(&image, unsaid, self.now())?;
        self.went_back_unsaid = unsaid.then_some(life);
        self.oracle.go_back(books);
        self.tally.fault(if unsaid {
            "cloud restored, unsaid"
        } else {
            "cloud restored"
        });
        self.tally.row("server restored from an older backup");
        self.tell(if unsaid {
            "the cloud goes back to a backup, and nobody says so"
        } else {
            "the cloud goes back to a backup"
        });
        self.read_ledgers()
    }

    fn what_befalls(&mut self, number: usize) -> Result<(), Violation> {
        if self.random.permille(60) {
            let days_ms = self.random.range(HOUR_MS, 9 * DAY_MS);
            self.cars[number].offline_until_ms = self.now_ms + days_ms;
            self.tally.fault("partition");
        }
        if self.random.permille(160) {
            self.cars[number].back_up();
            self.tell(&format!("car {number}: is backed up"));
        }
        if self.random.permille(70) && self.cars[number].restore() {
            self.tally.fault("disk restored");
            self.tell(&format!("car {number}: a backup is restored"));
            let lost_before = self.write_off(number);
            self.boot(number)?;
            match self.find_again(number, &lost_before) {
                Err(_) if self.cars[number].lost_power() => {}
                found => found?,
            }
            self.tally.row("disk restored from a backup");
        }
        let clones = self.planted != Some(Planted::SyncsIgnored);
        if clones && self.random.permille(25) && self.cars.len() < CARS_MAX {
            let name = format!("{}-clone-{}", self.name, self.cars.len());
            let clone = self.cars[number].cloned(name)?;
            self.cars.push(clone);
            self.tally.fault("clone");
            self.tell(&format!("car {number}: is cloned"));
        }
        if self.planted.is_none() && !self.cloud_waits() {
            self.what_the_owner_does(number)?;
        }
        self.what_befalls_clocks(number);
        if self.random.permille(250) && !self.cars[number].is_running() {
            let mut random = self.random.branch();
            self.cars[number]
                .vehicle
                .charge_asleep(&mut random, self.now_ms);
            self.tally.fault("charged asleep");
        }
        if self.random.permille(150) {
            let call = self.random.range(1, 500);
            self.cars[number].plan_power_cut(call);
        }
        Ok(())
    }

    fn what_befalls_clocks(&mut self, number: usize) {
        let random = &mut self.random;
        let car = &mut self.cars[number];
        match random.range(0, 100) {
            0..=4 => {
                let span_ms = random.range(1, 3 * DAY_MS).cast_signed();
                car.skew_ms = if random.one_in(2) { span_ms } else { -span_ms };
                self.tally.fault("clock jump");
            }
            5..=7 => {
                car.in_1970 = true;
                self.tally.fault("clock in 1970");
            }
            8..=10 => {
                let span_ms = random.range(1, 4 * DAY_MS).cast_signed();
                car.vehicle.skew_ms = if random.one_in(2) { span_ms } else { -span_ms };
                self.tally.fault("clock jump");
            }
            11..=12 => {
                car.vehicle.skew_ms = -self.now_ms.cast_signed();
                self.tally.fault("clock in 1970");
            }
            13..=45 => {
                car.skew_ms = 0;
                car.in_1970 = false;
                car.vehicle.skew_ms = 0;
            }
            _ => {}
        }
    }

    fn wake_up(&mut self, number: usize) -> Result<(), Violation> {
        if self.cars[number].suspended {
            self.cars[number].suspended = false;
            return self.step(number, Engine::wake);
        }
        if self.cars[number].is_running() {
            return Ok(());
        }
        let unreadable = self.random.permille(40);
        self.cars[number].can_sign = !unreadable;
        if unreadable {
            self.tally.fault("key store unreadable");
            self.tell(&format!("car {number}: has no key"));
        }
        self.boot(number)
    }

    fn play(&mut self, number: usize, script: &[ScriptStep]) -> Result<(), Violation> {
        let begun_ms = self.now_ms;
        let dies_at = self
            .random
            .permille(120)
            .then(|| self.random.range(0, script.len() as u64 + 1));
        for (place, said) in script.iter().enumerate() {
            self.run_until(begun_ms + said.after_ms)?;
            if dies_at == Some(place as u64) && self.cars[number].is_running() {
                self.cars[number].crash();
                self.tally.fault("car killed");
                self.tell(&format!("car {number}: is killed"));
            }
            let inputs = self.cars[number].vehicle.say(said, self.now_ms);
            if !self.cars[number].is_running() {
                if self.random.one_in(4) {
                    self.boot(number)?;
                }
                continue;
            }
            self.step(number, |engine| engine.take(inputs.into_iter()))?;
        }
        Ok(())
    }

    fn go_to_sleep(&mut self, number: usize) -> Result<(), Violation> {
        if !self.cars[number].is_running() {
            return Ok(());
        }
        let mut unsent = false;
        if let Some(engine) = self.cars[number].engine() {
            let live = engine.live();
            unsent = live.waiting > 0;
            if live.awaiting > 0 {
                self.tally.row("key store unreadable");
            }
            if self.cars[number].shut_out && matches!(live.connection, Connection::Fault { .. }) {
                self.tally.event("shut out and told so");
            }
        }
        self.tell(&format!("car {number}: goes to sleep"));
        self.cars[number].unsent = unsent;
        match self.random.range(0, 100) {
            0..=54 => {
                let ended = self.cars[number].shut_down()?;
                if ended == super::car::StepEnd::PowerLost {
                    self.tally.fault("car power cut");
                }
            }
            55..=74 => {
                self.cars[number].crash();
                self.tally.fault("car killed");
            }
            75..=82 => {
                self.cars[number].cut_power();
                self.tally.fault("car power cut");
            }
            83..=97 => self.cars[number].suspended = true,
            _ => {}
        }
        Ok(())
    }
}
