//! Finds for the command line why an entry of the ledger earned nothing, or less than its rules give.

use dashpoint_membership::{Adjustment, Award, Entry, Milli, Policies, RuleId, Verdict, appraise};
use dashpoint_store::StoreReader;
use dashpoint_ui::RowStatus;
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::UnpaidRule;
use dashpoint_ui::unpaid::unpaid_in_words;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::ledger_words::{entry_status, reason};
use super::reasons;
use super::reasons::refuses_car;
use super::status::books_of;
use crate::books::{Books, held_policies};
use crate::config::Config;
use crate::data_folder::member_zone;
use crate::entry_status::{EntryRow, EntryStatus};
use crate::unpaid::{AwardContext, CapCut, deciding};

/// The state of the ledger that reasons are found in.
pub(super) struct Reasons {
    /// None where they cannot be opened, as without a binding.
    books: Option<Books>,
    /// The policies that are held where there are no books.
    policies: Option<Policies>,
    zone: TimeZone,
}

/// The reason of one entry.
#[derive(Debug, Default, Serialize)]
pub(super) struct Why {
    /// The reason in words; empty when there is nothing to say.
    #[serde(rename = "reason", skip_serializing_if = "String::is_empty")]
    pub(super) text: String,
    /// The reason that it earned nothing, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nothing: Option<String>,
    /// Thousandths among its points that earlier awards had carried on; none where it is paid otherwise than predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from_before_milli: Option<i64>,
    /// The caps that cut it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cut_by: Vec<CapCut>,
    /// True when it earned nothing, also where the reason is not known.
    #[serde(skip)]
    pub(super) is_nothing: bool,
}

/// A rule that is evaluated for an entry and pays nothing.
#[derive(Debug, Serialize)]
pub(super) struct ShadowRule {
    rule: RuleId,
    held: bool,
    /// Amount that it would have given before caps, in thousandths of a point.
    worth_milli: i64,
    /// The reason that it could not be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Why {
    /// Names the state of the entry, as the screen does: one that earned nothing has no other.
    pub(super) const fn state(&self, language: Language, status: &EntryStatus) -> &'static str {
        if self.is_nothing {
            RowStatus::Nothing.in_words(language)
        } else {
            entry_status(language, status)
        }
    }
}

impl Reasons {
    pub(super) fn open(config: &Config, reader: &StoreReader) -> Self {
        let books = books_of(config, reader).ok().map(|(books, _)| books);
        let policies = match &books {
            Some(_) => None,
            None => held_policies(reader, &config.cloud.key).ok().flatten(),
        };
        Self {
            books,
            policies,
            zone: member_zone(reader, config),
        }
    }

    /// The policies that are held, compiled once: those of the books, where there are books.
    fn policies(&self) -> Option<&Policies> {
        let of_books = self
            .books
            .as_ref()
            .and_then(|books| books.policies.as_ref());
        of_books.or(self.policies.as_ref())
    }

    /// Returns whether a statement is held: without one neither caps nor conditions of an entry can be told.
    pub(super) fn holds_statement(&self) -> bool {
        let books = self.books.as_ref();
        books.is_some_and(|books| !books.members.is_empty())
    }

    /// Finds the reason of the line at a place of a list, newest first.
    pub(super) fn of(&self, lines: &[EntryRow], place: usize, language: Language) -> Why {
        let EntryRow { entry, status, .. } = &lines[place];
        let is_nothing = entry
            .as_ref()
            .is_some_and(|entry| status.earned_nothing(entry));
        let found = self.found(lines, place, language);
        let why = found.unwrap_or_else(|| Why {
            // Of what earned nothing only the statement tells why.
            text: if is_nothing {
                String::new()
            } else {
                reason(language, status, &self.zone)
            },
            ..Why::default()
        });
        let before = entry.as_ref().map(|entry| from_before(entry, status));
        let before = before.filter(|before| !before.is_zero() && why.cut_by.is_empty());
        let parts = before.map(|before| reasons::from_before(language, before));
        let parts = parts.into_iter().chain([why.text]);
        let parts: Vec<String> = parts.filter(|text| !text.is_empty()).collect();
        Why {
            text: parts.join(language.choose("; ", "；")),
            from_before_milli: before.map(Milli::get),
            is_nothing,
            ..why
        }
    }

    fn found(&self, lines: &[EntryRow], place: usize, language: Language) -> Option<Why> {
        let entry = lines[place].entry.as_ref()?;
        let status = &lines[place].status;
        let verdict = match status {
            EntryStatus::Pending | EntryStatus::Unpaid | EntryStatus::Settled => None,
            EntryStatus::Judged(Verdict::Review { paid, .. })
                if paid.points < entry.predicted() =>
            {
                // Newest first; one that does not verify is a gap.
                let chain: Vec<_> = lines.iter().map_while(|line| line.entry.as_ref()).collect();
                let less = self.look(lines, place, |context| {
                    let used = context.used_elsewhere(entry, paid.points, &chain);
                    Some(reasons::held_less(language, used.as_ref()))
                });
                let less = less.unwrap_or_else(|| reasons::held_less(language, None));
                let said = reason(language, status, &self.zone);
                return Some(Why {
                    text: format!("{said}{}{less}", language.choose("; ", "；")),
                    ..Why::default()
                });
            }
            EntryStatus::Judged(
                verdict @ (Verdict::Accepted { .. } | Verdict::Adjusted { .. }),
            ) => Some(verdict),
            EntryStatus::Judged(Verdict::Rejected { .. } | Verdict::Review { .. })
            | EntryStatus::Released { .. }
            | EntryStatus::Refused(_)
            | EntryStatus::TakenBack { .. }
            | EntryStatus::CarriedTo(_) => return None,
        };
        self.look(lines, place, |context| {
            let cut_by = context.cut_awards(entry, verdict);
            if let Some(Verdict::Adjusted { paid, reasons }) = verdict {
                let deciding = deciding(reasons, paid.points, entry.predicted());
                let is_cap = matches!(deciding, Some(Adjustment::Cap { .. }));
                let limit = context.cut(entry, verdict).filter(|_| is_cap)?;
                let rules = context.unpaid_rules(entry, status);
                return Some(Why {
                    text: and_rules(language, Some(reasons::cut(language, &limit)), &rules),
                    cut_by,
                    ..Why::default()
                });
            }
            let rules = context.unpaid_rules(entry, status);
            if let Some(failed) = context.why_nothing(entry, status) {
                let words = |language| unpaid_in_words(language, Some(&failed), &rules);
                return Some(Why {
                    text: words(language),
                    nothing: Some(words(Language::English)),
                    cut_by,
                    ..Why::default()
                });
            }
            if *status == EntryStatus::Unpaid {
                return Some(Why {
                    text: refuses_car(language).to_owned(),
                    ..Why::default()
                });
            }
            let cut = cut_by
                .first()
                .map(|cut| reasons::cut(language, &cut.limit()));
            Some(Why {
                text: and_rules(language, cut, &rules),
                cut_by,
                ..Why::default()
            })
        })
    }

    /// Lists the rules that are only tried, as the policy of the entry has them; none when it is not held any more, nor for an
    /// entry that a later one says again.
    pub(super) fn shadow_rules(&self, line: &EntryRow) -> Vec<ShadowRule> {
        if matches!(line.status, EntryStatus::CarriedTo(_)) {
            return Vec::new();
        }
        let Some((entry, policies)) = line.entry.as_ref().zip(self.policies()) else {
            return Vec::new();
        };
        let policy = policies.get(entry.policy);
        let appraised = policy.map_or_else(Vec::new, |policy| {
            appraise(policy, entry.transaction(), entry.time.utc_offset_min)
        });
        let tried = appraised.into_iter().filter(|appraisal| appraisal.shadow);
        tried
            .map(|appraisal| ShadowRule {
                rule: appraisal.rule,
                held: appraisal.held,
                worth_milli: appraisal.points.get(),
                problem: appraisal.problem.map(|problem| problem.to_string()),
            })
            .collect()
    }

    /// Lists the awards of a line, each with the cap that cut it.
    pub(super) fn awards(
        &self,
        lines: &[EntryRow],
        place: usize,
    ) -> Option<Vec<(Award, Option<CapCut>)>> {
        let entry = lines[place].entry.as_ref()?;
        self.look(lines, place, |context| {
            let cuts = context.cut_awards(entry, lines[place].status.verdict());
            let awards = entry.transaction().awards().iter().map(|award| {
                let cut = cuts.iter().find(|cut| cut.rule == award.rule);
                (award.clone(), cut.cloned())
            });
            Some(awards.collect())
        })
    }

    fn look<R>(
        &self,
        lines: &[EntryRow],
        place: usize,
        look: impl FnOnce(&AwardContext<'_>) -> Option<R>,
    ) -> Option<R> {
        let entry = lines[place].entry.as_ref()?;
        let later = lines[..place].iter().filter_map(|line| line.entry.as_ref());
        let earlier = lines[place + 1..].iter();
        let earlier = earlier.filter(|line| line.status.may_count());
        let earlier = earlier.filter_map(|line| line.entry.as_ref());
        look(&AwardContext::of(
            self.books.as_ref()?,
            entry,
            earlier,
            later,
        )?)
    }
}

/// Adds up the thousandths that completed points of an entry and were carried on from before, where it stands as predicted.
fn from_before(entry: &Entry, status: &EntryStatus) -> Milli {
    let awards = match status {
        EntryStatus::Pending | EntryStatus::Judged(Verdict::Accepted { .. }) => {
            entry.transaction().awards()
        }
        EntryStatus::Unpaid
        | EntryStatus::Settled
        | EntryStatus::Judged(
            Verdict::Adjusted { .. } | Verdict::Rejected { .. } | Verdict::Review { .. },
        )
        | EntryStatus::Released { .. }
        | EntryStatus::Refused(_)
        | EntryStatus::TakenBack { .. }
        | EntryStatus::CarriedTo(_) => &[],
    };
    let completed = awards.iter().map(|award| {
        let whole = Milli::from_whole(award.predicted.get());
        whole.minus(award.points).max(Milli::ZERO)
    });
    completed.sum()
}

/// Says the cap that cut an entry, and beside it why other rules paid nothing.
fn and_rules(language: Language, cut: Option<String>, rules: &[UnpaidRule]) -> String {
    let rules = Some(unpaid_in_words(language, None, rules)).filter(|rules| !rules.is_empty());
    let parts: Vec<String> = cut.into_iter().chain(rules).collect();
    parts.join(language.choose("; ", "；"))
}

#[cfg(test)]
mod tests;
