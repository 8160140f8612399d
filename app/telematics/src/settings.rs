//! Settings of the fold, from the policy and from the place.

use dashpoint_membership::Policy;
use dashpoint_membership::policy::{CleanWindow, ScoreModel, SiteMix};

/// Settings of the fold, from the policy and from the place.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The score model.
    pub score: ScoreModel,
    /// Declared mixes of charging points.
    pub sites: Vec<SiteMix>,
    /// Assumed shares by time of day, for when nothing better is known.
    pub windows: Vec<CleanWindow>,
    /// Offset of the local clock from UTC, in minutes.
    pub utc_offset_min: i16,
    /// The cloud reads openings of meters, and somebody is there to sign them.
    pub opens_meters: bool,
    /// Whoever drives or charges now is a guest.
    pub is_guest: bool,
    /// Evidence states what came with rule profile 2. A cloud that signs no policy of that profile may refuse an entry with it.
    pub states_profile_2: bool,
}

/// The rule profile from which on a cloud knows the share of assisted distance, and how often the car says its speed.
const PROFILE_2: u32 = 2;

const MS_PER_MIN: i64 = 60_000;
const MIN_PER_DAY: i64 = 1_440;

impl Settings {
    /// The settings under a policy, at a place.
    #[must_use]
    pub fn new(policy: &Policy, utc_offset_min: i16) -> Self {
        Self {
            score: policy.score.clone(),
            sites: policy.sites.clone(),
            windows: policy.windows.clone(),
            utc_offset_min,
            // A policy that names the bound is of a cloud that knows what it bounds.
            opens_meters: policy.allowance.meters_per_year.is_some(),
            is_guest: false,
            states_profile_2: policy.needed_profile() >= PROFILE_2,
        }
    }

    /// Minute of the local day, 0..1440.
    pub(crate) fn local_minute(&self, at_ms: i64) -> u16 {
        let minute = at_ms.div_euclid(MS_PER_MIN) + i64::from(self.utc_offset_min);
        u16::try_from(minute.rem_euclid(MIN_PER_DAY)).unwrap_or(0)
    }

    /// Weight of that time of the local night, in percent.
    pub(crate) fn late_percent(&self, at_ms: i64) -> u64 {
        let hour = self.local_minute(at_ms) / 60;
        let weighs = |late: &&dashpoint_membership::policy::LateHour| u16::from(late.hour) == hour;
        let late = self.score.late_hours.iter().find(weighs);
        late.map_or(0, |late| u64::from(late.weight_percent))
    }

    /// The share that the policy assumes at that time, in permille.
    pub(crate) fn assumed_permille(&self, at_ms: i64) -> u16 {
        let minute = self.local_minute(at_ms);
        let holds = |window: &&CleanWindow| (window.from_min..window.to_min).contains(&minute);
        self.windows
            .iter()
            .find(holds)
            .map_or(0, |window| window.renewable_permille.min(1_000))
    }

    /// The share that the policy assumes when the time is only known to lie between these two, in permille: the mean
    /// over them, or over a whole day when nobody knows since when or it was longer.
    pub(crate) fn assumed_between(&self, from_ms: Option<i64>, to_ms: i64) -> u16 {
        let minutes = from_ms
            .map(|from_ms| to_ms.saturating_sub(from_ms).div_euclid(MS_PER_MIN))
            .filter(|minutes| (0..MIN_PER_DAY).contains(minutes))
            .unwrap_or(MIN_PER_DAY)
            .max(1);
        let sum: i64 = (0..minutes)
            .map(|ago| i64::from(self.assumed_permille(to_ms - ago * MS_PER_MIN)))
            .sum();
        u16::try_from(sum / minutes).unwrap_or(0)
    }

    /// The share that is declared for a charging point, in permille: the longest prefix says it.
    pub(crate) fn declared_permille(&self, evse: &str) -> Option<u16> {
        let covers = |site: &SiteMix| Some((site.covers(evse)?, site.renewable_permille));
        let (_, permille) = self
            .sites
            .iter()
            .filter_map(covers)
            .max_by_key(|(length, _)| *length)?;
        (!evse.is_empty()).then_some(permille.min(1_000))
    }
}
