//! The model of the driving score, as data.

use serde::{Deserialize, Serialize};

use super::decimal::Decimal8;
use crate::evidence::Factor;

/// `score = clamp(intercept - slope x base x product(coefficient_i ^ min(percent_i, cap_i)), 0, 100)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreModel {
    /// The constant that everything is taken from.
    pub intercept: Decimal8,
    /// Multiplier of the product.
    pub slope: Decimal8,
    /// Initial value of the product.
    pub base: Decimal8,
    /// The factors, ascending.
    pub factors: Vec<FactorModel>,
    /// Values from which a factor counts.
    pub thresholds: Thresholds,
    /// Weights of late hours, by local time; hours that are not here weigh nothing.
    pub late_hours: Vec<LateHour>,
    /// Published name of the model, such as `tesla-2.2`: the operator signs only its numbers under it. A name that this program does
    /// not know changes nothing, for the numbers count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Weight of one factor in the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorModel {
    /// The factor.
    pub factor: Factor,
    /// Base of its power.
    pub coefficient: Decimal8,
    /// The most percent that count.
    pub cap_percent: Decimal8,
    /// Value of the factor when no signal was there.
    pub unobserved_percent: Decimal8,
}

/// Values from which a factor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Backward acceleration counted against the driver, in thousandths of g.
    pub brake_hard_mg: u16,
    /// Backward acceleration counted at all, in thousandths of g.
    pub brake_soft_mg: u16,
    /// Lateral acceleration counted against the driver, in thousandths of g.
    pub turn_hard_mg: u16,
    /// Lateral acceleration counted at all, in thousandths of g.
    pub turn_soft_mg: u16,
    /// Headway counted against the driver, in milliseconds.
    pub headway_short_ms: u16,
    /// Headway counted at all, in milliseconds.
    pub headway_long_ms: u16,
    /// Speed from which headway counts, in m/h.
    pub headway_speed_m_per_h: u32,
    /// Speed above which driving is excessive, in m/h.
    pub excessive_speed_m_per_h: u32,
    /// Speed above which an open belt counts, in m/h.
    pub unbuckled_speed_m_per_h: u32,
    /// Second condition of excessive speed, where the distance to what is ahead is observed; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faster_than_ahead: Option<FasterThanAhead>,
}

/// Excess over the speed of the car ahead from which driving is excessive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FasterThanAhead {
    /// Excess over its speed beyond which driving is excessive, in percent.
    pub percent: u16,
    /// Distance within which it counts, in metres.
    pub within_m: u16,
    /// Its speed above which it counts, in m/h: what stands, or comes towards the car, is none.
    pub ahead_m_per_h: u32,
}

/// Weight of one hour of the local night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateHour {
    /// Hour of the local day, 0..24.
    pub hour: u8,
    /// Weight in percent.
    pub weight_percent: u8,
}

impl ScoreModel {
    /// The score of a product of all factors, times 100.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=10,000 before it is made an integer"
    )]
    pub(crate) fn of_product(&self, product: f64) -> u16 {
        let score = self.intercept.to_f64() - self.slope.to_f64() * self.base.to_f64() * product;
        (score.clamp(0.0, 100.0) * 100.0).round() as u16
    }

    /// The highest score that it gives, times 100.
    pub(super) fn best_x100(&self) -> u16 {
        let least = self.factors.iter().map(|factor| factor.at_cap().min(1.0));
        self.of_product(least.product())
    }

    /// The lowest score that it gives, times 100.
    pub(super) fn worst_x100(&self) -> u16 {
        let most = self.factors.iter().map(|factor| factor.at_cap().max(1.0));
        self.of_product(most.product())
    }
}

impl FactorModel {
    /// Its part of the product when it counts as much as it can.
    fn at_cap(&self) -> f64 {
        let power = self.cap_percent.to_f64();
        self.coefficient.to_f64().powf(power)
    }
}
