//! The trip, whose driving time stands under one of two keys.

use dashpoint_membership::{CoarseTime, DrivingTime, FactorSeen, MeterInterval};

use crate::codec::{Cbor, CborReader, CborWriter, Schema, cbor_map};
use crate::error::WireError;

/// A trip as its map has it.
struct Trip {
    odometer: MeterInterval,
    started: CoarseTime,
    driving_s: Option<u32>,
    missed_s: u32,
    used_wh: u32,
    regained_wh: u32,
    score_x100: u16,
    factors: Vec<FactorSeen>,
    driving_min: Option<u32>,
    assisted_percent: Option<u8>,
    braking_resolution_s: Option<u16>,
}

cbor_map! {
    Trip {
        1 => odometer,
        2 => started,
        3 => driving_s,
        4 => missed_s,
        5 => used_wh,
        6 => regained_wh,
        7 => score_x100,
        8 => factors,
        9 => driving_min,
        10 => assisted_percent,
        11 => braking_resolution_s,
    }
}

impl Cbor for dashpoint_membership::Trip {
    fn write(&self, out: &mut CborWriter) {
        let (driving_s, driving_min) = match self.driving {
            DrivingTime::Seconds(seconds) => (Some(seconds), None),
            DrivingTime::Minutes(minutes) => (None, Some(minutes)),
        };
        let map = Trip {
            odometer: self.odometer,
            started: self.started,
            driving_s,
            missed_s: self.missed_s,
            used_wh: self.used_wh,
            regained_wh: self.regained_wh,
            score_x100: self.score_x100,
            factors: self.factors.clone(),
            driving_min,
            assisted_percent: self.assisted_percent,
            braking_resolution_s: self.braking_resolution_s,
        };
        map.write(out);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let map = Trip::read(input)?;
        let driving = match (map.driving_s, map.driving_min) {
            (None, Some(minutes)) => DrivingTime::Minutes(minutes),
            (Some(seconds), None) => DrivingTime::Seconds(seconds),
            (None, None) | (Some(_), Some(_)) => {
                return Err(input.value("either driving_s or driving_min"));
            }
        };
        Ok(Self {
            odometer: map.odometer,
            started: map.started,
            driving,
            missed_s: map.missed_s,
            used_wh: map.used_wh,
            regained_wh: map.regained_wh,
            assisted_percent: map.assisted_percent,
            braking_resolution_s: map.braking_resolution_s,
            score_x100: map.score_x100,
            factors: map.factors,
        })
    }

    fn describe(schema: &mut Schema) -> String {
        Trip::describe(schema)
    }
}
