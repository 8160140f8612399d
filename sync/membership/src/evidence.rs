//! Evidence for awards: sums over lifetime meters, never a track.
//!
//! Integers only: metres, watt-hours, milliseconds, permille, score times 100.

use serde::{Deserialize, Serialize};

use crate::meter::MeterInterval;
use crate::time::CoarseTime;

/// A factor of the driving score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Factor {
    /// Time of backward acceleration over the hard threshold, over time over the soft one.
    HardBraking,
    /// Time of lateral acceleration over the hard threshold, over time over the soft one.
    AggressiveTurning,
    /// Time with headway under the short limit over time under the long one, at speed.
    UnsafeFollowing,
    /// Weighted time at late hours over driving time.
    LateNight,
    /// Time over the speed limit of the model over driving time.
    ExcessiveSpeed,
    /// Time unbelted at speed over driving time.
    Unbuckled,
}

/// Observed times of one factor of the score in one trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactorSeen {
    /// The factor.
    pub factor: Factor,
    /// Time counted against the driver, in milliseconds. Late night: weighted, of whole minutes at each weight, rounded
    /// down; excessive speed and unbuckled: in proportion to the rounded `base_ms`, rounded down to whole seconds.
    pub against_ms: u64,
    /// Time it is a share of, in milliseconds. Late night, excessive speed and unbuckled are shares of the driving time
    /// and have it in whole minutes, rounded up.
    pub base_ms: u64,
}

/// Source of the renewable share; better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// A meter of the site in the session, or a signed one (OCMF) that says where its energy is from.
    Metered,
    /// What was announced ahead: by the station in the session (ISO 15118), or the operator's published mix of that charging point
    /// (OCPI).
    Declared,
    /// A time window of the policy, or a session reconstructed from the counter.
    Estimated,
}

/// Kind of current of a charging session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Current {
    /// Alternating.
    Ac,
    /// Direct.
    Dc,
    /// The car was not told.
    Unknown,
}

impl Current {
    /// The most watts of a charger: 63 A in three phases, the most of a type 2 connector, by alternating current; else one
    /// megawatt, the fastest charger for cars.
    ///
    /// The cloud doubts a session beyond it, so that the car signs none as of this kind.
    #[must_use]
    pub const fn watts_max(self) -> u64 {
        match self {
            Self::Ac => 43_000,
            Self::Dc | Self::Unknown => 1_000_000,
        }
    }

    /// The most watt-hours of a session between two times that are rounded to five minutes, in seconds, by counters that move in
    /// steps of up to 1 kWh.
    #[must_use]
    pub const fn session_wh_max(self, span_s: u64) -> u64 {
        let lasted_s = span_s.saturating_add(600);
        lasted_s.saturating_mul(self.watts_max()) / 3_600 + 2_000
    }
}

/// Time in motion or standing in traffic, as exact as an entry states it.
///
/// Begin and end of a trip leave the car to five minutes; a driving time to the second beside one of them that is known
/// would give the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrivingTime {
    /// Whole minutes, rounded up: a bound by time stays a bound.
    #[serde(rename = "driving_min")]
    Minutes(u32),
    /// Seconds. Only entries that were made before [`Self::Minutes`] have them; they are still read, sent and judged.
    #[serde(rename = "driving_s")]
    Seconds(u32),
}

impl DrivingTime {
    /// Rounds a measured time up to whole minutes.
    #[must_use]
    pub const fn rounded_up(ms: u64) -> Self {
        let minutes = ms.div_ceil(60_000);
        Self::Minutes(if minutes > u32::MAX as u64 {
            u32::MAX
        } else {
            minutes as u32
        })
    }

    /// Whole minutes, rounded up.
    #[must_use]
    pub const fn minutes(self) -> u32 {
        match self {
            Self::Minutes(minutes) => minutes,
            Self::Seconds(seconds) => seconds.div_ceil(60),
        }
    }

    /// The most seconds that it may have been.
    #[must_use]
    pub const fn at_most_s(self) -> u64 {
        match self {
            Self::Minutes(minutes) => minutes as u64 * 60,
            Self::Seconds(seconds) => seconds as u64,
        }
    }
}

/// One trip: from ignition on with movement to park with ignition off, or to a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    /// Stretch of the odometer; its length is the distance in metres.
    pub odometer: MeterInterval,
    /// Time at which it began.
    pub started: CoarseTime,
    /// Time in motion or standing in traffic.
    #[serde(flatten)]
    pub driving: DrivingTime,
    /// Time of the trip of which nothing was seen (a crash, a silent bus), in seconds; whole minutes, rounded up, when
    /// no driving was seen at all.
    pub missed_s: u32,
    /// Energy drawn from the battery, in watt-hours.
    pub used_wh: u32,
    /// Energy put back by braking, in watt-hours.
    pub regained_wh: u32,
    /// Share of the distance that was driven with assistance (SAE level 2 or higher), in whole percent, rounded; `None` when the car
    /// does not say, or holds no policy of rule profile 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assisted_percent: Option<u8>,
    /// Usual time between two speeds of the car, in seconds, rounded up: where it is above 5, they tell no braking. `None` when it is
    /// not known, or the car holds no policy of rule profile 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub braking_resolution_s: Option<u16>,
    /// Driving score times 100: 0..=10,000.
    pub score_x100: u16,
    /// The observed factors, ascending; a factor that is not here had no signal.
    pub factors: Vec<FactorSeen>,
}

impl Trip {
    /// Returns whether the car told the energy that it used; without it the avoided CO2 is not known either.
    #[must_use]
    pub const fn tells_energy(&self) -> bool {
        self.used_wh > 0
    }
}

/// One charging session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Stretch of the charged-energy meter; its length is the energy in watt-hours.
    pub charged: MeterInterval,
    /// Time at which it began; unknown when the head unit slept through it.
    pub started: Option<CoarseTime>,
    /// Share of renewable energy, weighted by energy, in permille.
    pub renewable_permille: u16,
    /// Grade of that share.
    pub grade: Grade,
    /// Kind of current.
    pub current: Current,
}

/// One session of giving energy back to the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discharge {
    /// Stretch of the discharged-energy meter; its length is the energy in watt-hours.
    pub discharged: MeterInterval,
    /// Time at which it began; unknown when the head unit slept through it.
    pub started: Option<CoarseTime>,
}

/// The evidence of an earn entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A trip.
    Trip(Trip),
    /// A charging session.
    Charge(Charge),
    /// A session of giving back.
    Discharge(Discharge),
}

impl Evidence {
    /// The stretch of a lifetime meter that it claims.
    #[must_use]
    pub const fn interval(&self) -> MeterInterval {
        match self {
            Self::Trip(trip) => trip.odometer,
            Self::Charge(charge) => charge.charged,
            Self::Discharge(discharge) => discharge.discharged,
        }
    }
}
