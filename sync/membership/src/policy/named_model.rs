//! Score models that a policy may name, and how the numbers of a policy are held to the name.

use super::error::ValuePlace;
use super::validate::must;
use super::{PolicyError, ScoreModel};

/// The models that are known, by name, each with its numbers as TOML.
const NAMED: [(&str, &str); 1] = [("tesla-2.2", include_str!("../../policy/tesla-2.2.toml"))];

const AS_NAMED: &str =
    "the value that the model has which `model` names; leave `model` out for other numbers";

/// Checks that a model that has a name has the numbers of that name. What an unobserved factor counts as is the policy's own.
///
/// # Errors
/// [`PolicyError::Value`] with the first number that is another one, or for a name that nobody knows.
pub(super) fn hold_to_name(model: &ScoreModel) -> Result<(), PolicyError> {
    let Some(name) = &model.model else {
        return Ok(());
    };
    let known = NAMED.into_iter().find(|(known, _)| known == name);
    let known = known.and_then(|(_, text)| toml::from_str::<ScoreModel>(text).ok());
    let Some(named) = known else {
        return must(false, "score.model", "\"tesla-2.2\", or no `model`");
    };
    must(
        model.intercept == named.intercept,
        "score.intercept",
        AS_NAMED,
    )?;
    must(model.slope == named.slope, "score.slope", AS_NAMED)?;
    must(model.base == named.base, "score.base", AS_NAMED)?;
    for (index, (factor, of_name)) in model.factors.iter().zip(&named.factors).enumerate() {
        let name = format!("score factor {:?}", factor.factor);
        let of_policy = super::FactorModel {
            unobserved_percent: of_name.unobserved_percent,
            ..*factor
        };
        let place = ValuePlace::item(name, "score.factors", index, "coefficient");
        must(of_policy == *of_name, place, AS_NAMED)?;
    }
    must(
        model.factors.len() == named.factors.len(),
        "score.factors",
        "the factors of the model which `model` names, and no others",
    )?;
    must(
        model.thresholds == named.thresholds,
        "score.thresholds",
        AS_NAMED,
    )?;
    must(
        model.late_hours == named.late_hours,
        "score.late_hours",
        AS_NAMED,
    )
}
