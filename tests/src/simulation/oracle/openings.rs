//! Openings of meters, held against the books: no number twice, none at once that an operator has to see, none held up.

use dashpoint_membership::{
    Entry, EntryHash, EntryRef, Meter, MeterOpening, Rejection, ReviewReason, VehicleId, Verdict,
};

use super::{Oracle, origin_of};
use crate::simulation::coverage::Coverage;
use crate::simulation::doubt::DoubtTimes;
use crate::simulation::meters::{SeenMeter, WaitingClaim, WaitingOpening};
use crate::simulation::violation::Violation;

impl Oracle {
    /// Takes the verdict on an opening.
    #[expect(
        clippy::too_many_arguments,
        reason = "one entry with all that is known of it"
    )]
    pub(super) fn settle_opening(
        &mut self,
        place: EntryRef,
        hash: EntryHash,
        entry: &Entry,
        opening: &MeterOpening,
        vehicle: VehicleId,
        times: [DoubtTimes; 2],
        verdict: &Verdict,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        let origin = origin_of(entry, hash);
        let meter = SeenMeter::new(opening, origin, times);
        let known = self
            .books
            .meters
            .opened(vehicle, opening.meter, opening.number);
        let is_doubted = [0, 1].map(|way| {
            let claims = Meter::ALL.map(|meter| self.books.claims.get(&(vehicle, meter)));
            let holders = claims.into_iter().flatten().flatten();
            let holders = holders.map(|holder| &holder[way]);
            let (meters, times) = (&self.books.meters, times[way]);
            meters.is_in_doubt(vehicle, entry, opening, times, way, holders)
        });
        match verdict {
            Verdict::Rejected {
                reason: Rejection::AlreadyRecorded,
            } if known.is_some_and(|known| known.origin != origin) => {
                tally.event("a meter opened once more");
                Ok(())
            }
            Verdict::Accepted { paid } if paid.is_nothing() && is_doubted != [true; 2] => {
                tally.event("a meter opened");
                self.open_meter(place, vehicle, opening, meter)
            }
            Verdict::Review {
                paid,
                reason: ReviewReason::Evidence,
                ..
            } if paid.is_nothing() && is_doubted != [false; 2] => {
                tally.event("the opening of a meter waited");
                let waiting = WaitingOpening {
                    vehicle,
                    opening: *opening,
                    meter,
                };
                self.books.meters.openings.insert(place, waiting);
                Ok(())
            }
            Verdict::Accepted { .. }
            | Verdict::Adjusted { .. }
            | Verdict::Rejected { .. }
            | Verdict::Review { .. } => Err(Violation::new(format!(
                "{place:?} opens {opening:?}, doubts {is_doubted:?}, and was answered {verdict:?}"
            ))),
        }
    }

    fn open_meter(
        &mut self,
        place: EntryRef,
        vehicle: VehicleId,
        opening: &MeterOpening,
        meter: SeenMeter,
    ) -> Result<(), Violation> {
        match self.books.meters.open(vehicle, opening, meter) {
            None => Ok(()),
            Some(known) => Err(Violation::new(format!(
                "{place:?} opens meter {} of {:?} once more: {known:?}",
                opening.number, opening.meter
            ))),
        }
    }

    /// An operator has given his word on an opening; `first`: the reading that he has corrected.
    pub(in crate::simulation) fn decide_opening(
        &mut self,
        place: EntryRef,
        is_accepted: bool,
        first: Option<u64>,
    ) -> Result<(), Violation> {
        let Some(mut waiting) = self.books.meters.openings.remove(&place) else {
            return Ok(());
        };
        if is_accepted {
            if let Some(first) = first {
                waiting.meter.first = i64::try_from(first).unwrap_or(i64::MAX);
            }
            return self.open_meter(place, waiting.vehicle, &waiting.opening, waiting.meter);
        }
        let (meter, number) = (waiting.opening.meter, waiting.opening.number);
        self.books.meters.claims.retain(|_, claim| {
            let interval = claim.claimed.claims[0].interval;
            claim.vehicle != waiting.vehicle || (interval.meter, interval.number) != (meter, number)
        });
        Ok(())
    }

    /// A claim that waited for its meter is paid: the meter is open, and nothing else speaks against it.
    pub(super) fn pay_waiting(
        &mut self,
        place: EntryRef,
        tally: &mut Coverage,
    ) -> Result<(), Violation> {
        let Some(WaitingClaim {
            vehicle,
            entry,
            times,
            ..
        }) = self.books.meters.claims.remove(&place)
        else {
            return Ok(());
        };
        tally.event("paid once its meter was open");
        match self.weigh(place, &entry, vehicle, times) {
            Some(claimed) => self.claim(claimed, false, tally),
            None => Ok(()),
        }
    }
}
