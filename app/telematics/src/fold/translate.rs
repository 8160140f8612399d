//! The fold's part that moves its times with the time of the bus.

use super::VehicleFold;

impl VehicleFold {
    /// The time of the bus was wrong by so many milliseconds: what is open stays open, and its times are right.
    pub(super) fn translate(&mut self, by_ms: i64) {
        self.picture.translate(by_ms);
        self.braking.translate(by_ms);
        self.pace.translate(by_ms);
        for meter in [&mut self.odometer, &mut self.charged, &mut self.consumed] {
            meter.translate(by_ms);
        }
        if let Some(trip) = &mut self.trip {
            trip.translate(by_ms);
        }
        if let Some(parked) = &mut self.parked {
            parked.translate(by_ms);
        }
        if let Some(charge) = &mut self.charge {
            charge.translate(by_ms);
        }
        if let Some(discharge) = &mut self.discharge {
            discharge.translate(by_ms);
        }
        let plug = self.plug.as_mut().into_iter().flat_map(|plug| {
            let since_ms = plug.mix_since_ms.as_mut().into_iter();
            since_ms.chain([&mut plug.ended_ms])
        });
        for at_ms in plug {
            *at_ms = at_ms.saturating_add(by_ms);
        }
        let counters = self.counters.as_mut().into_iter().flat_map(|counters| {
            let renewable = counters.renewable.as_mut().map(|(at_ms, _)| at_ms);
            renewable.into_iter().chain([&mut counters.charged_ms])
        });
        let times = counters
            .chain(&mut self.mix_since_ms)
            .chain(&mut self.trip_ended_ms)
            .chain(&mut self.ready_ms)
            .chain(&mut self.last_ms)
            .chain(&mut self.checkpoint_due_ms);
        for at_ms in times {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }
}
