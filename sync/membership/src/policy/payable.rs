//! Finds rules that can never pay, and groups that cannot be told apart, before an operator signs them.

use super::validate::tell_sites_apart;
use super::{CompiledPolicy, CompiledRule, EarningRule, PolicyError, Unpayable};
use crate::profile::{Amount, Outlook};

impl CompiledPolicy {
    /// Checks that no two groups of charging points begin alike as ids are compared: separators, case, and the `E` after the
    /// operator do not count. Like [`Self::check_payable`] it is no part of [`CompiledPolicy::compile`].
    ///
    /// # Errors
    /// [`PolicyError::Value`] that names the first group that no id can be told by.
    pub fn check_sites(&self) -> Result<(), PolicyError> {
        tell_sites_apart(self.policy())
    }

    /// Checks that each rule can pay for some admissible evidence; one with `shadow` only has to hold and to have its amounts.
    ///
    /// A rule that can pay always passes. It is no part of [`CompiledPolicy::compile`]: what was signed is read and applied.
    ///
    /// # Errors
    /// [`PolicyError::Unpayable`] that names the first rule that cannot, the expression and the reason;
    /// [`PolicyError::CapWithoutRoom`] for one that a cap of 0 points bounds.
    pub fn check_payable(&self) -> Result<(), PolicyError> {
        self.rules().try_for_each(|(rule, compiled)| {
            let pays_points = check(rule, compiled)?;
            if pays_points && !rule.shadow {
                self.check_room(rule, compiled)
            } else {
                Ok(())
            }
        })
    }

    /// Checks that no cap leaves a rule that pays points without any.
    fn check_room(&self, rule: &EarningRule, compiled: &CompiledRule) -> Result<(), PolicyError> {
        let mut caps = self.policy().caps.iter().enumerate();
        let without_room =
            caps.find(|(_, cap)| cap.points.is_zero() && cap.covers(&rule.id, Some(compiled.on())));
        match without_room {
            None => Ok(()),
            Some((index, cap)) => Err(PolicyError::CapWithoutRoom {
                cap: cap.id.clone(),
                index,
                rule: rule.id.clone(),
            }),
        }
    }
}

/// Checks that a rule can pay, and returns whether it can pay points.
fn check(rule: &EarningRule, compiled: &CompiledRule) -> Result<bool, PolicyError> {
    let refuse = |expression: &'static str, source: &str, problem| PolicyError::Unpayable {
        rule: rule.id.clone(),
        expression,
        source_text: source.to_owned(),
        problem,
    };
    let outlook = holds(rule, compiled).map_err(|problem| refuse("when", &rule.when, problem))?;
    let most = EarningRule::PAYS_MAX.get();
    let greatest = |amount| match outlook.amount(amount, most) {
        Amount::Fails(error) => Err(Unpayable::AlwaysFails(error)),
        Amount::Payable { greatest } => Ok(greatest),
        Amount::OutOfRange { from, to } => Err(Unpayable::OutOfRange { from, to, most }),
    };
    let points =
        greatest(&compiled.points).map_err(|problem| refuse("points", &rule.points, problem))?;
    let growth =
        greatest(&compiled.growth).map_err(|problem| refuse("growth", &rule.growth, problem))?;
    if rule.shadow || points > 0 || growth > 0 {
        Ok(points > 0)
    } else {
        Err(refuse("points", &rule.points, Unpayable::Nothing(most)))
    }
}

/// The evidence for which the condition holds.
fn holds(rule: &EarningRule, compiled: &CompiledRule) -> Result<Outlook, Unpayable> {
    let all = Outlook::of(compiled.on());
    let mut so_far = all.clone();
    for (part, source) in compiled.parts() {
        so_far = so_far.assume(&part).map_err(|failure| match failure {
            Some(error) => Unpayable::AlwaysFails(error),
            None => Unpayable::NeverHolds {
                part: source,
                alone: all.assume(&part).is_err(),
            },
        })?;
    }
    // What the later parts tell may narrow the earlier ones.
    so_far.assume(&compiled.when).map_err(|failure| {
        failure.map_or_else(
            || Unpayable::NeverHolds {
                part: rule.when.clone(),
                alone: true,
            },
            Unpayable::AlwaysFails,
        )
    })
}
