//! The driving score: the one place where a number is not an integer.

use crate::evidence::FactorSeen;
use crate::policy::ScoreModel;

/// Scores a trip by the model: 0..=10,000, rounded once.
///
/// A factor that was not observed counts as the model says. Only the car computes this; the cloud takes the signed
/// score, because two machines may differ in the last bit of a power.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=10,000 before it is made an integer"
)]
pub fn score_x100(model: &ScoreModel, seen: &[FactorSeen]) -> u16 {
    let product: f64 = model
        .factors
        .iter()
        .map(|factor| {
            let percent = seen
                .iter()
                .find(|observed| observed.factor == factor.factor)
                .map_or(factor.unobserved_percent.to_f64(), percent);
            let counted = percent.clamp(0.0, factor.cap_percent.to_f64().max(0.0));
            factor.coefficient.to_f64().powf(counted)
        })
        .product();
    let score = model.intercept.to_f64() - model.slope.to_f64() * model.base.to_f64() * product;
    (score.clamp(0.0, 100.0) * 100.0).round() as u16
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of one trip are far below 2^53"
)]
fn percent(seen: &FactorSeen) -> f64 {
    if seen.base_ms == 0 {
        return 0.0;
    }
    seen.against_ms as f64 * 100.0 / seen.base_ms as f64
}
