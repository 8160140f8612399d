//! The members of a world, their cars, and head units that are revoked and enrolled anew.

use dashpoint_cloud::{Approval, AskIds, CloudError, GrantedIds, NewMember, Word};
use dashpoint_membership::MemberId;
use dashpoint_wire::message::EnrolRequest;

use super::car::SimulatedCar;
use super::drivers::Crew;
use super::planted::Planted;
use super::violation::Violation;
use super::world::SimulatedWorld;

impl SimulatedWorld {
    /// One or two cars, each with a member of its own or both with the same; `shares`: some with two members at the wheel.
    pub(super) fn populate(&mut self, shares: bool) -> Result<(), Violation> {
        let policy = self.policies[0].clone();
        self.sign_policies()?;
        self.oracle.take_policy(&policy);
        let cars = self.random.range(1, 3);
        let one_member = self.random.one_in(2);
        for number in 1..=cars {
            if number == 1 || !one_member {
                self.join()?;
            }
            let mut members = vec![self.members[self.members.len() - 1]];
            if shares && self.random.one_in(3) {
                // Somebody else's member, when there is one: his caps are then used up from two cars.
                if self.members.len() == 1 {
                    self.join()?;
                }
                let others = self
                    .members
                    .iter()
                    .filter(|member| !members.contains(member));
                members.extend(others.copied().take(1).collect::<Vec<_>>());
            }
            let number = u8::try_from(number).unwrap_or(1);
            let name = format!("{}-car-{number}", self.name);
            let key = self.cloud.public_key();
            let crew = Crew::new(members, number);
            let car = SimulatedCar::new(name, number, crew, key, self.random.branch())?;
            let is_shared = car.crew.is_shared();
            self.cars.push(car);
            if is_shared && self.mischief.one_in(2) {
                self.enrol_next(self.cars.len() - 1)?;
            } else {
                self.enrol(self.cars.len() - 1)?;
            }
        }
        if let Some(Planted::SyncsIgnored) = self.planted {
            self.cars.iter_mut().for_each(SimulatedCar::ignore_syncs);
        }
        Ok(())
    }

    fn join(&mut self) -> Result<(), Violation> {
        let number = u8::try_from(self.members.len()).unwrap_or(0) + 1;
        let member = MemberId::from_bytes([number + 0x80; 16]);
        let new = NewMember {
            id: member,
            name: format!("Member {number}"),
            zone: "Asia/Shanghai".to_owned(),
        };
        let now = self.now();
        self.cloud.with(now, |core| core.add_member(&new, now))?;
        self.members.push(member);
        self.read_ledgers()
    }

    /// Everybody who drives a car says yes to its head unit, one after the other.
    fn enrol(&mut self, number: usize) -> Result<(), Violation> {
        while self.cars[number].crew.lacks_somebody() {
            self.enrol_next(number)?;
        }
        Ok(())
    }

    /// The next one says yes to the head unit; the first agrees to the others.
    fn enrol_next(&mut self, number: usize) -> Result<(), Violation> {
        let now = self.now();
        let car = &mut self.cars[number];
        let (device, key, vehicle) = (car.device, car.key.public(), car.vehicle_id);
        let owner = car.crew.members()[0];
        let Some((member, binding, driver)) = car.crew.next_enrolled() else {
            return Ok(());
        };
        let request = EnrolRequest {
            key,
            vehicle,
            vin_last4: "4711".to_owned(),
            driver,
        };
        let asked = AskIds {
            id: *binding.as_bytes(),
            code: format!("CODE{binding}"),
        };
        let state = self.cloud.with(now, |core| {
            match core.ask(&request, asked.clone(), now) {
                // Again after a power cut.
                Err(CloudError::Database(_)) if core.enrol_state(asked.id, now)?.is_some() => {}
                first => drop(first?),
            }
            let ids = GrantedIds { device, binding };
            match core.approve(&asked.code, member, ids, now) {
                Ok(Approval::Waits(_)) => {
                    core.consent(&asked.code, &Word::Member(owner), ids, now)?;
                }
                Ok(Approval::Enrolled(_)) | Err(CloudError::NoCode(_)) => {}
                Err(error) => return Err(error),
            }
            core.enrol_state(asked.id, now)
        })?;
        let state = state.ok_or_else(|| Violation::new("no enrolment".to_owned()))?;
        self.cars[number].enrol(member, state)?;
        if member == owner {
            self.oracle.begin(device, now);
        }
        Ok(())
    }

    /// The second driver of a car says yes weeks after the first; at times the cloud goes back to before that at once, and
    /// nobody says so.
    pub(super) fn enrol_late(&mut self, number: usize) -> Result<(), Violation> {
        if self.mischief.one_in(2) {
            self.back_up_cloud();
        }
        self.cars[number].clear_fault();
        self.enrol_next(number)?;
        // A disk of before would know the driver no more: he would have to ask again.
        self.cars[number].back_up();
        self.tally.event("second driver enrolled later");
        self.tell(&format!("car {number}: its second driver is enrolled"));
        if self.mischief.one_in(2)
            && let Some(backup) = self.cloud_backup.clone()
        {
            self.cloud_goes_back(backup, true)?;
            self.tally
                .fault("cloud restored, unsaid, after an enrolment");
        }
        Ok(())
    }

    /// The operator shuts a head unit out, and with it every clone of its disk.
    pub(super) fn shut_out(&mut self, number: usize) -> Result<(), Violation> {
        let (now, device) = (self.now(), self.cars[number].device);
        let late = self
            .cloud
            .with(now, |core| match core.revoke_device(device, now) {
                // After a power cut: the ledger shows what was paid.
                Err(CloudError::AlreadyRevoked(_)) => Ok(Vec::new()),
                revoked => Ok(revoked?.freed.late.paid),
            })?;
        self.oracle.shut_out(device, now);
        for payment in late {
            self.oracle.pay_late(payment.entry, &mut self.tally)?;
        }
        // One from before would let it in again.
        self.cloud_backup = None;
        for car in &mut self.cars {
            car.shut_out |= car.device == device;
        }
        self.tally.fault("device shut out");
        self.tell(&format!("car {number}: is shut out"));
        Ok(())
    }

    /// Its owner enrols the head unit anew: a new key, an empty disk, the old one put away with what it never sent.
    pub(super) fn enrol_anew(&mut self, number: usize) -> Result<(), Violation> {
        let settled = &self.oracle.books.settled;
        for ((by, origin), shown) in &mut self.oracle.shown {
            if *by == number && !shown.lost {
                shown.lost = true;
                self.tally.shut_out += u64::from(!settled.contains_key(origin));
            }
        }
        self.flags.remove(&number);
        self.cars[number].begin_anew();
        // A backup of before stays: the car shows the cloud what it signed.
        self.enrol(number)?;
        self.tally.event("enrolled anew");
        self.tell(&format!("car {number}: is enrolled anew"));
        Ok(())
    }
}
