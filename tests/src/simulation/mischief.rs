//! Damage to a car's folder: the key of another car, a cache that is gone.

use dashpoint::engine::Engine;
use dashpoint_store::{CheckDepth, StoreError};
use dashpoint_wire::SigningKey;

use super::car::Cache;
use super::planted::Planted;
use super::violation::Violation;
use super::world::SimulatedWorld;

impl SimulatedWorld {
    pub(super) fn what_befalls_the_folder(&mut self, number: usize) -> Result<(), Violation> {
        if self.plays(&[Planted::KeyUnchecked]) {
            self.what_befalls_the_key(number)?;
        }
        if self.plays(&[Planted::NothingNew]) {
            self.what_befalls_the_cache(number);
        }
        Ok(())
    }

    fn what_befalls_the_key(&mut self, number: usize) -> Result<(), Violation> {
        if self.cars[number].foreign_key.is_some() {
            if self.mischief.one_in(2) {
                self.put_own_key_back(number)?;
            }
        } else if self.mischief.permille(30) {
            let device = self.cars[number].device;
            let mut others = self.cars.iter().filter(|car| car.device != device);
            let key = others.next().map_or_else(
                || SigningKey::from_seed(&[0xee; 32]),
                |other| other.key.clone(),
            );
            let car = &mut self.cars[number];
            car.crash();
            car.foreign_key = Some(key);
            car.key_unchecked = self.planted == Some(Planted::KeyUnchecked);
            self.tally.fault("key of another car");
            self.tell(&format!("car {number}: gets the key of another car"));
        }
        Ok(())
    }

    /// The ledger is as good as before, and everything goes on.
    fn put_own_key_back(&mut self, number: usize) -> Result<(), Violation> {
        let car = &mut self.cars[number];
        car.crash();
        car.foreign_key = None;
        car.key_unchecked = false;
        car.can_sign = true;
        self.tally.event("own key put back");
        self.tell(&format!("car {number}: gets its own key back"));
        self.boot(number)?;
        let looked = self.cars[number]
            .engine()
            .map(|engine| engine.reader().check(CheckDepth::Full));
        match looked {
            Some(Ok(findings)) if !findings.is_empty() => Err(Violation::new(format!(
                "another car's key left its trace in the ledger: {findings:?}"
            ))),
            Some(Err(_)) if self.cars[number].lost_power() => Ok(()),
            Some(Err(error)) => Err(unreadable(&error)),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    fn what_befalls_the_cache(&mut self, number: usize) {
        let car = &self.cars[number];
        let unsent = car
            .engine()
            .map_or(car.unsent, |engine| engine.live().waiting > 0);
        if unsent && !car.shut_out && self.mischief.permille(120) {
            self.cars[number].lose_cache();
            self.tally.fault("cache lost with an entry unsent");
            self.tell(&format!("car {number}: its cache is lost"));
        }
    }

    /// Nothing is signed with another car's key. Evidence waits for its signature only as long as key, policy or statement
    /// are missing: what the disk holds of them is in the books.
    pub(super) fn look_at_what_waits(&mut self, number: usize) -> Result<(), Violation> {
        let car = &self.cars[number];
        let Some(engine) = car.engine() else {
            return Ok(());
        };
        let has_moved = car
            .seen_head
            .is_some_and(|seen| seen != engine.books().head.hash);
        if car.foreign_key.is_some() && has_moved {
            return Err(Violation::new(
                "something was signed while another car's key lay in the folder".to_owned(),
            ));
        }
        if engine.live().awaiting == 0 {
            if car.cache == Cache::Awaited {
                self.cars[number].cache = Cache::Kept;
                self.tally.event("signed again without a restart");
            }
            return Ok(());
        }
        if car.requests_key().is_some() {
            let members = car.crew.members();
            missing(engine, members)
                .map_err(|error| unreadable(&error))?
                .map_or(Ok(()), Err)?;
        }
        let car = &mut self.cars[number];
        if car.cache == Cache::Missed {
            car.cache = Cache::Awaited;
        }
        Ok(())
    }
}

/// Finds what is wrong with evidence that waits for its signature beside the right key.
fn missing(
    engine: &Engine,
    members: &[dashpoint_membership::MemberId],
) -> Result<Option<Violation>, StoreError> {
    let (books, reader) = (engine.books(), engine.reader());
    let lacks = |member: &dashpoint_membership::MemberId| !books.members.contains_key(member);
    let what = if books.policies.is_none() {
        let there = !reader.policies()?.is_empty();
        there.then_some("a policy is on the disk, and evidence waits for one")
    } else if members.iter().any(lacks) {
        let readable = reader.statements()?.readable;
        let there = |member: &dashpoint_membership::MemberId| {
            readable.iter().any(|stored| stored.member == *member)
        };
        let lacks_what_is_there = members.iter().any(|member| lacks(member) && there(member));
        lacks_what_is_there.then_some("a statement is on the disk, and evidence waits for one")
    } else {
        Some("evidence waits, and key, policy and statement are there")
    };
    Ok(what.map(|what| Violation::new(what.to_owned())))
}

fn unreadable(error: &StoreError) -> Violation {
    Violation::new(format!("unreadable: {error}"))
}
