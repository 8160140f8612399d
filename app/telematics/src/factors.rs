//! The seconds of each factor of the driving score.

use std::collections::BTreeMap;

use dashpoint_membership::policy::Thresholds;
use dashpoint_membership::{Factor, FactorSeen};
use serde::{Deserialize, Serialize};

use crate::ahead::Ahead;
use crate::evidence::{BrakingSource, Spell};
use crate::held_speed::{HeldSpeed, HeldStep};
use crate::settings::Settings;
use crate::speed_span::{
    ForceDifference, IMPOSSIBLE_MG, KMH_PER_MPS, MG_PER_MPS2, PublishedForce, SpeedSpan,
};
use crate::tick::{TICK_MS_MAX, Tick};

/// The difference of speeds is taken over no less: closer ones are mostly noise.
const BRAKE_SPAN_MS_MIN: i64 = 900;
/// Age that the distance to the car ahead may have, in milliseconds.
const HEADWAY_AGE_MS_MAX: i64 = 2_000;
/// Driving with so much time for each change of speed that no car makes: with less, the sensor tells nothing of braking.
const IMPOSSIBLE_MS: u64 = 30_000;
/// Driving whose braking nobody saw may be so many times that in which it was seen.
const BRAKING_UNJUDGED_MAX: u64 = 3;
/// Spells that are listed; the rest is only counted.
const SPELLS_MAX: usize = 1_000;

const MS_PER_MIN: u64 = 60_000;
const MS_PER_S: u64 = 1_000;

/// Other known signals at a sample of speed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) belted: Option<bool>,
    pub(crate) assisted: Option<bool>,
    /// Distance to what is ahead in metres, and when it was seen.
    pub(crate) front: Option<(i64, f64)>,
}

/// One factor, counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Tally {
    /// Time in which the signal was there.
    seen_ms: u64,
    base_ms: u64,
    against_ms: u64,
    spells: Vec<Spell>,
    unlisted: u32,
}

impl Tally {
    fn add(&mut self, factor: Factor, tick: Tick, against_ms: u64, worst: i64) {
        self.against_ms += against_ms;
        if against_ms == 0 {
            return;
        }
        let full = self.spells.len() >= SPELLS_MAX;
        match self.spells.last_mut() {
            Some(spell) if spell.to_ms == tick.from_ms => {
                spell.to_ms = tick.to_ms;
                spell.worst = if factor == Factor::UnsafeFollowing {
                    spell.worst.min(worst)
                } else {
                    spell.worst.max(worst)
                };
            }
            Some(_) | None if !full => {
                let Tick { from_ms, to_ms } = tick;
                self.spells.push(Spell {
                    factor,
                    from_ms,
                    to_ms,
                    worst,
                });
            }
            Some(_) | None => self.unlisted = self.unlisted.saturating_add(1),
        }
    }

    /// Time over the hard threshold, over time over the soft one.
    fn force(&mut self, factor: Factor, tick: Tick, mg: f64, soft_mg: u16, hard_mg: u16) {
        self.seen_ms += tick.ms();
        if mg > f64::from(soft_mg) {
            self.base_ms += tick.ms();
            let against_ms = if mg > f64::from(hard_mg) {
                tick.ms()
            } else {
                0
            };
            self.add(factor, tick, against_ms, mg.round() as i64);
        }
    }

    /// Time with something wrong, over driving time.
    fn share(&mut self, factor: Factor, tick: Tick, against_ms: u64, worst: i64) {
        self.seen_ms += tick.ms();
        self.base_ms += tick.ms();
        self.add(factor, tick, against_ms, worst);
    }

    fn seen(&self, factor: Factor) -> Option<FactorSeen> {
        let Self {
            against_ms,
            base_ms,
            ..
        } = *self;
        (self.seen_ms > 0).then_some(FactorSeen {
            factor,
            against_ms,
            base_ms,
        })
    }
}

/// All factors of one trip.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Factors {
    braking_published: Tally,
    braking_by_speed: Tally,
    turning: Tally,
    following: Tally,
    late: Tally,
    /// Late driving by its weight in percent, in milliseconds.
    #[serde(default)]
    late_ms: BTreeMap<u64, u64>,
    speeding: Tally,
    unbuckled: Tally,
    /// Time and speed that the next difference is taken from.
    brake_from: Option<(i64, f64)>,
    /// Time that the changes since then may have taken: that for which each speed was said.
    #[serde(default)]
    brake_over_ms: i64,
    /// The published acceleration since then.
    #[serde(default)]
    published: PublishedForce,
    /// The last change of speed: the next one may take it back.
    #[serde(default)]
    last_span: Option<SpeedSpan>,
    #[serde(default)]
    difference: ForceDifference,
    /// Driving in steps that are too long to tell a braking in them.
    #[serde(default)]
    unjudged_ms: u64,
    #[serde(default)]
    held: HeldSpeed,
    /// Changes of speed that no car makes.
    #[serde(default)]
    impossible: u32,
    #[serde(default)]
    ahead: Ahead,
    /// Published accelerations that no car has.
    #[serde(default)]
    impossible_published: u32,
}

impl Factors {
    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        self.held.translate(by_ms);
        let tallies = [
            &mut self.braking_published,
            &mut self.braking_by_speed,
            &mut self.turning,
            &mut self.following,
            &mut self.late,
            &mut self.speeding,
            &mut self.unbuckled,
        ];
        for spell in tallies.into_iter().flat_map(|tally| &mut tally.spells) {
            spell.from_ms = spell.from_ms.saturating_add(by_ms);
            spell.to_ms = spell.to_ms.saturating_add(by_ms);
        }
        self.ahead.translate(by_ms);
        if let Some((at_ms, _)) = &mut self.brake_from {
            *at_ms = at_ms.saturating_add(by_ms);
        }
        if let Some(span) = &mut self.last_span {
            span.translate(by_ms);
        }
    }

    /// Forgets the speeds that braking is told from.
    pub(crate) fn lose_pace(&mut self) {
        self.brake_at(None);
        self.held.lose_pace();
        self.ahead = Ahead::default();
    }

    /// The next change of speed begins here.
    fn brake_at(&mut self, from: Option<(i64, f64)>) {
        (self.brake_from, self.brake_over_ms) = (from, 0);
        self.published = PublishedForce::default();
    }

    /// Takes one tick of driving from a speed to a speed.
    pub(crate) fn speed(
        &mut self,
        tick: Tick,
        from_kmh: f64,
        to_kmh: f64,
        around: Around,
        settings: &Settings,
    ) {
        self.brake_by_speed(tick, from_kmh, to_kmh, &settings.score.thresholds);
        self.shares(tick, (from_kmh, to_kmh), around, settings);
    }

    /// Takes a longer time of driving at about this speed. Only at one that did not change there is no braking in it.
    pub(crate) fn pace(&mut self, tick: Tick, kmh: f64, is_constant: bool, settings: &Settings) {
        self.lose_pace();
        if !is_constant {
            self.unjudged_ms += tick.ms();
        }
        // The belt and the car ahead of one moment are not those of all of it.
        let around = Around {
            belted: None,
            assisted: None,
            front: None,
        };
        self.shares(tick, (kmh, kmh), around, settings);
    }

    fn shares(
        &mut self,
        tick: Tick,
        (from_kmh, to_kmh): (f64, f64),
        around: Around,
        settings: &Settings,
    ) {
        let limits = &settings.score.thresholds;
        let m_per_h = to_kmh * 1_000.0;
        let whole = |wrong: bool| if wrong { tick.ms() } else { 0 };
        let percent = settings.late_percent(tick.from_ms);
        let late_ms = tick.ms() * percent / 100;
        self.late.share(
            Factor::LateNight,
            tick,
            late_ms,
            i64::try_from(percent).unwrap_or(0),
        );
        if percent > 0 {
            *self.late_ms.entry(percent).or_default() += tick.ms();
        }
        let is_fresh =
            |(front_ms, _): &(i64, f64)| tick.to_ms.saturating_sub(*front_ms) <= HEADWAY_AGE_MS_MAX;
        let front = around.front.filter(is_fresh);
        let outruns = match (front, limits.faster_than_ahead) {
            (Some(front), Some(limits)) => {
                self.ahead.take(front, to_kmh.midpoint(from_kmh));
                self.ahead.is_outrun(front.1, m_per_h, limits)
            }
            (None, _) | (_, None) => {
                self.ahead = Ahead::default();
                false
            }
        };
        let too_fast = outruns || m_per_h > f64::from(limits.excessive_speed_m_per_h);
        self.speeding.share(
            Factor::ExcessiveSpeed,
            tick,
            whole(too_fast),
            m_per_h.round() as i64,
        );
        if let Some(belted) = around.belted {
            let open = !belted && m_per_h > f64::from(limits.unbuckled_speed_m_per_h);
            self.unbuckled
                .share(Factor::Unbuckled, tick, whole(open), m_per_h.round() as i64);
        }
        if around.front.is_none() {
            return;
        }
        self.following.seen_ms += tick.ms();
        if let Some((_, front_m)) = front
            && m_per_h >= f64::from(limits.headway_speed_m_per_h)
        {
            let headway_ms = front_m / (to_kmh / KMH_PER_MPS) * 1_000.0;
            if headway_ms < f64::from(limits.headway_long_ms) {
                self.following.base_ms += tick.ms();
                let close = headway_ms < f64::from(limits.headway_short_ms);
                self.following.add(
                    Factor::UnsafeFollowing,
                    tick,
                    whole(close),
                    headway_ms.round() as i64,
                );
            }
        }
    }

    fn brake_by_speed(&mut self, tick: Tick, from_kmh: f64, to_kmh: f64, limits: &Thresholds) {
        let HeldStep::Changed { from_kmh, over_ms } = self
            .held
            .take((tick.from_ms, tick.to_ms), (from_kmh, to_kmh))
        else {
            self.brake_at(None);
            return;
        };
        let known = self
            .brake_from
            .filter(|(at_ms, _)| tick.to_ms.saturating_sub(*at_ms) <= TICK_MS_MAX);
        let (from_ms, from_kmh) = known.unwrap_or_else(|| {
            self.brake_over_ms = 0;
            (tick.from_ms, from_kmh)
        });
        self.brake_over_ms = self.brake_over_ms.saturating_add(over_ms);
        if tick.to_ms.saturating_sub(from_ms) < BRAKE_SPAN_MS_MIN {
            self.brake_from = Some((from_ms, from_kmh));
            return;
        }
        let span = SpeedSpan {
            from_ms,
            to_ms: tick.to_ms,
            from_kmh,
            to_kmh,
            over_ms: self.brake_over_ms,
            published: self.published,
        };
        self.brake_at(Some((tick.to_ms, to_kmh)));
        if self.last_span.is_some_and(|last| span.takes_back(&last)) {
            // The speed between both was none.
            self.last_span = None;
            self.impossible = self.impossible.saturating_add(2);
            return;
        }
        self.judge_last_span(limits);
        self.last_span = Some(span);
    }

    /// Judges the last change of speed: nothing takes it back.
    pub(crate) fn judge_last_span(&mut self, limits: &Thresholds) {
        let Some(span) = self.last_span.take() else {
            return;
        };
        if span.is_impossible() {
            // The sensor is wrong, at one of both ends.
            self.impossible = self.impossible.saturating_add(1);
            return;
        }
        self.difference.note(&span);
        self.braking_by_speed.force(
            Factor::HardBraking,
            Tick::step(span.from_ms, span.to_ms),
            span.mg(),
            limits.brake_soft_mg,
            limits.brake_hard_mg,
        );
    }

    /// Takes one tick of acceleration along the road. In a car that stands it is the slope, or the sensor.
    pub(crate) fn longitudinal(
        &mut self,
        tick: Tick,
        mps2: f64,
        is_moving: bool,
        settings: &Settings,
    ) {
        let limits = &settings.score.thresholds;
        let mg = if is_moving { -mps2 * MG_PER_MPS2 } else { 0.0 };
        if mg.abs() > IMPOSSIBLE_MG {
            self.impossible_published = self.impossible_published.saturating_add(1);
            return;
        }
        // What is said beside a speed is of the time before it.
        match &mut self.last_span {
            Some(span) if tick.to_ms <= span.to_ms => span.published.add(tick.ms(), mg),
            Some(_) | None => self.published.add(tick.ms(), mg),
        }
        self.braking_published.force(
            Factor::HardBraking,
            tick,
            mg,
            limits.brake_soft_mg,
            limits.brake_hard_mg,
        );
    }

    /// Takes one tick of acceleration across the road.
    pub(crate) fn lateral(&mut self, tick: Tick, mps2: f64, settings: &Settings) {
        let limits = &settings.score.thresholds;
        let mg = mps2.abs() * MG_PER_MPS2;
        self.turning.force(
            Factor::AggressiveTurning,
            tick,
            mg,
            limits.turn_soft_mg,
            limits.turn_hard_mg,
        );
    }

    /// Returns the source of the braking: the published acceleration when it was there for half of the time at least, and the speed does
    /// not tell otherwise all the time.
    pub(crate) fn braking_source(&self) -> BrakingSource {
        let published_ms = self.braking_published.seen_ms;
        let is_published = published_ms > 0 && published_ms * 2 >= self.braking_by_speed.seen_ms;
        let is_wrong = self.difference.is_steady() || !self.is_told_by(BrakingSource::Acceleration);
        if is_published && !(is_wrong && self.is_told_by(BrakingSource::Speed)) {
            BrakingSource::Acceleration
        } else {
            BrakingSource::Speed
        }
    }

    fn braking(&self, source: BrakingSource) -> &Tally {
        match source {
            BrakingSource::Acceleration => &self.braking_published,
            BrakingSource::Speed => &self.braking_by_speed,
        }
    }

    /// Returns whether braking was seen in enough of the driving: some steps that are short by chance tell nothing of the others.
    fn is_told_by(&self, source: BrakingSource) -> bool {
        let seen_ms = self.braking(source).seen_ms;
        let (impossible, is_held) = match source {
            BrakingSource::Acceleration => (self.impossible_published, false),
            // How long a held speed took to change is a guess: it is good enough to see no braking where there is none, not to judge
            // one.
            BrakingSource::Speed => (self.impossible, self.held.is_held()),
        };
        let is_possible = u64::from(impossible) * IMPOSSIBLE_MS <= seen_ms;
        is_possible && !is_held && seen_ms >= self.unjudged_ms / BRAKING_UNJUDGED_MAX
    }

    fn tallies(&self) -> [(Factor, &Tally); 6] {
        let braking = self.braking(self.braking_source());
        [
            (Factor::HardBraking, braking),
            (Factor::AggressiveTurning, &self.turning),
            (Factor::UnsafeFollowing, &self.following),
            (Factor::LateNight, &self.late),
            (Factor::ExcessiveSpeed, &self.speeding),
            (Factor::Unbuckled, &self.unbuckled),
        ]
    }

    /// The observed factors, ascending, as exact as they leave the car.
    pub(crate) fn seen(&self) -> Vec<FactorSeen> {
        self.tallies()
            .iter()
            .filter(|(factor, _)| {
                *factor != Factor::HardBraking || self.is_told_by(self.braking_source())
            })
            .filter_map(|(factor, tally)| tally.seen(*factor))
            .map(|seen| self.coarse(seen))
            .collect()
    }

    /// Rounds the factors that are shares of the driving time, so that they do not tell it more exactly than its minutes.
    fn coarse(&self, seen: FactorSeen) -> FactorSeen {
        let base_ms = seen.base_ms.div_ceil(MS_PER_MIN) * MS_PER_MIN;
        match seen.factor {
            Factor::HardBraking | Factor::AggressiveTurning | Factor::UnsafeFollowing => seen,
            Factor::LateNight => FactorSeen {
                // A late hour begins at a time that everybody knows: what lies behind it in seconds would be the end.
                against_ms: self.late_minutes_ms().min(base_ms),
                base_ms,
                ..seen
            },
            Factor::ExcessiveSpeed | Factor::Unbuckled => FactorSeen {
                // The share stays what it was. Exact beside its rounded base, an open belt on all of the way would tell
                // the exact base, and so would the share as a fraction.
                against_ms: in_proportion(seen.against_ms, base_ms, seen.base_ms) / MS_PER_S
                    * MS_PER_S,
                base_ms,
                ..seen
            },
        }
    }

    /// The whole minutes at each late weight, weighted.
    fn late_minutes_ms(&self) -> u64 {
        let weighted = |(percent, ms): (&u64, &u64)| ms / MS_PER_MIN * MS_PER_MIN * percent / 100;
        self.late_ms.iter().map(weighted).sum()
    }

    /// Returns the times that counted against the driver, oldest first, and the number of spells that are not listed.
    pub(crate) fn spells(&self) -> (Vec<Spell>, u32) {
        let tallies = self.tallies();
        let mut spells: Vec<Spell> = tallies
            .iter()
            .flat_map(|(_, tally)| tally.spells.iter().copied())
            .collect();
        spells.sort_by_key(|spell| (spell.from_ms, spell.factor));
        (
            spells,
            tallies.iter().map(|(_, tally)| tally.unlisted).sum(),
        )
    }
}

/// `part` of `whole`, as a part of `base`; `part` is no more than `whole`.
fn in_proportion(part: u64, base: u64, whole: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(base) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(base)
}
