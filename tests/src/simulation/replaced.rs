//! A car whose battery and instrument cluster are replaced: its head unit is played here, so that it also opens meters that no real one
//! would.

use std::collections::BTreeMap;

use dashpoint_cloud::{
    AskIds, CloudError, CorrectedReadings, GrantedIds, NewMember, OpeningState, PostOutcome,
};
use dashpoint_membership::{EntryRef, MemberId, Meter, score_x100};
use dashpoint_wire::SigningKey;
use dashpoint_wire::message::{EnrolRequest, EnrolState, EntriesRequest, EntriesResponse};

use super::cloud::Posting;
use super::drivers::Crew;
use super::planted::{Planted, Tampering};
use super::random::SeededRandom;
use super::replaced_car::{DAY_S, ID, ReplacedCar};
use super::violation::Violation;
use super::world::SimulatedWorld;

impl SimulatedWorld {
    /// In one life of three there is such a car, with a member of its own.
    pub(super) fn enrol_replaced(&mut self, seed: u64) -> Result<(), Violation> {
        let mut random = SeededRandom::new(SeededRandom::new(seed).next() ^ 0x7265_706c_6163_6564);
        let is_planted = self.planted == Some(Planted::MeterTwice);
        if !self.plays(&[Planted::MeterTwice]) || !(is_planted || random.one_in(3)) {
            return Ok(());
        }
        let (member, key) = (MemberId::from_bytes(ID), SigningKey::from_seed(&[0xc7; 32]));
        let mut crew = Crew::new(vec![member], ID[0]);
        let Some((_, binding, driver)) = crew.next_enrolled() else {
            return Ok(());
        };
        let now = self.now();
        let new = NewMember {
            id: member,
            name: "Owner of a replaced battery".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
        };
        let request = EnrolRequest {
            key: key.public(),
            vehicle: ReplacedCar::VEHICLE,
            vin_last4: "4711".to_owned(),
            driver,
        };
        let ids = GrantedIds {
            device: ReplacedCar::DEVICE,
            binding,
        };
        let state = self.cloud.with(now, |core| {
            // Again after a power cut.
            if core
                .member_lines()?
                .iter()
                .all(|line| line.member != new.id)
            {
                core.add_member(&new, now)?;
            }
            if core.enrol_state(ID, now)?.is_none() {
                let code = "REPLACED".to_owned();
                core.ask(&request, AskIds { id: ID, code }, now)?;
            }
            match core.approve("REPLACED", member, ids, now) {
                Ok(_) | Err(CloudError::NoCode(_)) => core.enrol_state(ID, now),
                Err(error) => Err(error),
            }
        })?;
        let Some(EnrolState::Approved { grant, .. }) = state else {
            return Err(Violation::new(format!("not enrolled: {state:?}")));
        };
        let grant = grant.verify(&self.cloud.public_key(), &ReplacedCar::DEVICE);
        let grant = grant.map_err(|e| Violation::new(format!("a grant: {e}")))?;
        self.oracle.begin(ReplacedCar::DEVICE, now);
        self.replaced = Some(ReplacedCar {
            random,
            key,
            crew,
            binding,
            grant: grant.hash(),
            receipt_at: grant.body().issued,
            chain: Vec::new(),
            sent: 0,
            until_s: now.as_unix_s(),
            counters: BTreeMap::new(),
        });
        self.read_ledgers()
    }

    /// The car drives, charges and has its counters replaced, says so, and the operator looks at what waits.
    pub(super) fn what_is_replaced(&mut self) -> Result<(), Violation> {
        // Its own clock is right, and it does not know that the cloud's is not.
        if self.cloud_ahead_ms != 0 {
            return Ok(());
        }
        let Some(mut car) = self.replaced.take() else {
            return Ok(());
        };
        let lived = self.live_replaced(&mut car);
        self.replaced = Some(car);
        lived
    }

    fn live_replaced(&mut self, car: &mut ReplacedCar) -> Result<(), Violation> {
        let now_s = self.now().as_unix_s();
        let score = score_x100(&self.policies[0].score, &[]);
        // An hour of each is over at each time that it tells of.
        while car.until_s + 4 * 3_600 <= now_s {
            car.until_s += 4 * 3_600;
            let minutes = car.random.range(5, 60);
            match car.random.range(0, 6) {
                0 | 1 => car.drive(minutes, car.until_s, score)?,
                2 => car.charge(car.until_s)?,
                _ => {}
            }
        }
        for meter in [Meter::Odometer, Meter::Charged] {
            if car.random.one_in(8) {
                car.replace(meter, now_s);
                self.tally.fault("counter replaced");
                self.tell(&format!(
                    "replaced car: its {} is another one",
                    meter.name()
                ));
            }
            if car.open(meter, now_s)? {
                self.tell(&format!("replaced car: opens the next {}", meter.name()));
            }
        }
        self.post_replaced(car)?;
        if car.random.one_in(3) {
            self.decide_replaced(car)?;
        }
        Ok(())
    }

    fn post_replaced(&mut self, car: &mut ReplacedCar) -> Result<(), Violation> {
        // The cloud may have gone back: it names what it has, and gets the rest again.
        for _ in 0..64 {
            let request = car.request(car.sent);
            if request.entries.is_empty() {
                return Ok(());
            }
            match self.ask_replaced(&request)? {
                PostOutcome::Settled(response) => {
                    let receipt = response.receipt.clone();
                    let receipt = receipt.verify(&self.cloud.public_key(), &ReplacedCar::DEVICE);
                    let receipt = receipt.map_err(|e| Violation::new(format!("{e}")))?;
                    car.receipt_at = receipt.body().server_time;
                    car.sent += request.entries.len();
                    self.note_replaced(car, request, response)?;
                }
                PostOutcome::Diverged(divergence) => {
                    let known = divergence.known.seq.get();
                    car.sent = usize::try_from(known).unwrap_or(0);
                    if car.sent > car.chain.len() {
                        return Err(Violation::new(format!("the cloud has {divergence:?}")));
                    }
                }
                PostOutcome::NotAuthentic(refused) => {
                    return Err(Violation::new(format!("not authentic: {refused}")));
                }
            }
        }
        Err(Violation::new("the cloud does not take entries".to_owned()))
    }

    fn ask_replaced(&mut self, request: &EntriesRequest) -> Result<PostOutcome, Violation> {
        let now = self.now();
        if self.planted == Some(Planted::MeterTwice) {
            match Tampering::of(&self.cloud.vfs).and_then(|db| db.forget_openings()) {
                // The power went: it remembers this once.
                Err(_) if self.cloud.is_dead() => {}
                forgotten => {
                    forgotten.map_err(|e| Violation::new(format!("the plant failed: {e}")))?;
                }
            }
        }
        let crashes = self.cloud.crashes;
        let posted = self.cloud.with(now, |core| {
            core.post_entries(ReplacedCar::DEVICE, request, now)
        })?;
        if self.cloud.crashes > crashes {
            self.oracle.lose_sight(ReplacedCar::DEVICE, now)?;
            self.read_ledgers_of(self.members_with_replaced())?;
        }
        Ok(posted)
    }

    fn note_replaced(
        &mut self,
        car: &ReplacedCar,
        request: EntriesRequest,
        response: EntriesResponse,
    ) -> Result<(), Violation> {
        let posting = Posting {
            device: ReplacedCar::DEVICE,
            request,
            response,
            at: self.now(),
            heard: None,
        };
        self.oracle
            .take(&posting, &car.owner(), true, &mut self.tally)?;
        self.read_ledgers_of(self.members_with_replaced())
    }

    fn members_with_replaced(&self) -> Vec<MemberId> {
        let own = MemberId::from_bytes(ID);
        self.members.iter().copied().chain([own]).collect()
    }

    /// The operator accepts, corrects or refuses the openings that wait.
    fn decide_replaced(&mut self, car: &mut ReplacedCar) -> Result<(), Violation> {
        let now = self.now();
        let lines = self
            .cloud
            .with(now, |core| core.opening_lines(Some(ReplacedCar::VEHICLE)))?;
        let waits = lines
            .into_iter()
            .map(|line| line.opened)
            .filter(|opened| opened.state == OpeningState::Waits);
        for opened in waits {
            let (place, first): (EntryRef, _) = (opened.entry, opened.opening.first);
            let word = car.random.range(0, 4);
            let first = (word == 1).then(|| first.saturating_sub(car.random.range(0, 500)));
            let is_taken = self.cloud.with(now, |core| {
                let done = match word {
                    0 => core.refuse_opening(place, "no bill", now),
                    1 => {
                        let readings = CorrectedReadings { last: None, first };
                        core.correct_opening(place, readings, "read", now)
                    }
                    _ => core.accept_opening(place, "seen", now),
                };
                match done {
                    Ok(_) => Ok(true),
                    // Another one has the number, or it is done: the power went after the first time.
                    Err(CloudError::OpenAlready(_)) => {
                        let lines = core.opening_lines(Some(ReplacedCar::VEHICLE))?;
                        let mut own = lines.iter().filter(|line| line.opened.entry == place);
                        Ok(own.any(|line| line.opened.state == OpeningState::Open))
                    }
                    Err(failed) => Err(failed),
                }
            })?;
            if is_taken {
                self.oracle.decide_opening(place, word != 0, first)?;
                self.tell(&format!("the operator decides on {place}: {word}"));
            }
            if is_taken && word == 0 {
                // The car keeps its counter, and says so again.
                let counter = car.counter(opened.opening.meter);
                if counter.number == opened.opening.number && counter.replaced.is_none() {
                    counter.number = opened.opening.number.before().unwrap_or_default();
                    counter.replaced = Some((opened.opening.last, now.as_unix_s() - DAY_S));
                }
            }
            self.read_ledgers_of(self.members_with_replaced())?;
        }
        Ok(())
    }
}
