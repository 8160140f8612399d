//! The benefits: a list, and one that is open.

use dashpoint_membership::{BenefitKind, Points, Suits};

use crate::locale::{Language, Locale, number, yuan};
use crate::model::{Availability, BenefitData};
use crate::nav::Nav;
use crate::paging::{self, BENEFIT_ROWS, Paged};
use crate::{Absence, BenefitDetail, BenefitGroup, BenefitLine, Suggested};

/// Letters of terms on one page: what fits the smaller screen beside everything else. A Chinese one counts twice.
pub const TERMS_UNITS: usize = 160;

/// View-state of the benefits page.
#[derive(Debug, Clone, PartialEq)]
pub struct BenefitsState {
    /// The reason for an empty list.
    pub absence: Absence,
    /// The rows of this page.
    pub rows: Vec<BenefitLine>,
    /// Index of the open benefit.
    pub selected: usize,
    /// Page of the list, from 1.
    pub page: usize,
    /// Pages of the list.
    pub pages: usize,
    /// The open one.
    pub detail: BenefitDetail,
}

/// Makes the view-state of the benefits page.
#[must_use]
pub fn benefits(
    benefits: &Availability<Vec<BenefitData>>,
    balance: Option<Points>,
    nav: &Nav,
    locale: &Locale,
) -> BenefitsState {
    let absence = match benefits {
        Availability::Here(list) if list.is_empty() => Absence::Empty,
        Availability::Here(_) => Absence::None,
        Availability::NotYet => Absence::NotYet,
        Availability::Damaged => Absence::Damaged,
        Availability::OtherCar => Absence::OtherCar,
    };
    let Availability::Here(list) = benefits else {
        return nothing(absence);
    };
    let Paged { rows, page, pages } = paging::page(list, nav.benefits_page(), BENEFIT_ROWS);
    let Some(open) = rows.get(nav.benefit_row()).or(rows.last()) else {
        return nothing(absence);
    };
    BenefitsState {
        absence,
        selected: nav.benefit_row().min(rows.len() - 1),
        page,
        pages,
        detail: detail(open, balance, nav.terms_page(), locale),
        rows: rows.iter().map(|row| benefit_line(row, locale)).collect(),
    }
}

/// A benefit on one line.
#[must_use]
pub fn benefit_line(data: &BenefitData, locale: &Locale) -> BenefitLine {
    BenefitLine {
        title: locale.language.pick(&data.benefit.title).into(),
        price: if data.benefit.price.is_zero() {
            Default::default()
        } else {
            number(data.benefit.price.get()).into()
        },
        group: match data.benefit.kind {
            BenefitKind::Main => BenefitGroup::Main,
            BenefitKind::Partner => BenefitGroup::Partner,
            BenefitKind::Charity => BenefitGroup::Charity,
        },
        suggested: match data.benefit.suits {
            Suits::LowCharge if data.fits_now => Suggested::LowCharge,
            Suits::ServiceDue if data.fits_now => Suggested::ServiceDue,
            Suits::Always | Suits::LowCharge | Suits::ServiceDue => Suggested::Always,
        },
        tier: locale.language.pick(&data.tier).into(),
        open: data.open,
    }
}

fn nothing(absence: Absence) -> BenefitsState {
    BenefitsState {
        absence,
        rows: Vec::new(),
        selected: 0,
        page: 1,
        pages: 1,
        detail: BenefitDetail::default(),
    }
}

fn detail(
    data: &BenefitData,
    balance: Option<Points>,
    terms_page: usize,
    locale: &Locale,
) -> BenefitDetail {
    let left = balance.map(|balance| balance.minus(data.benefit.price));
    let (remain, missing) = match left {
        Some(_) if data.benefit.price.is_zero() => Default::default(),
        Some(left) if left < Points::ZERO => (String::new(), number(-left.get())),
        Some(left) => (number(left.get()), String::new()),
        None => Default::default(),
    };
    let terms = sheets(locale.language.pick(&data.benefit.terms), TERMS_UNITS);
    let shown = terms_page.clamp(1, terms.len().max(1));
    BenefitDetail {
        line: benefit_line(data, locale),
        terms: terms.get(shown - 1).copied().unwrap_or_default().into(),
        terms_page: paging::shown(shown),
        terms_pages: paging::shown(terms.len().max(1)),
        worth: yuan(data.worth_fen).into(),
        remain: remain.into(),
        missing: missing.into(),
        valid_days: i32::from(data.benefit.valid_days),
    }
}

/// Cuts a text into sheets of at most so many units, at the end of a sentence or, failing that, of a word.
fn sheets(text: &str, units: usize) -> Vec<&str> {
    let mut sheets = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = fitting(rest, units);
        let cut = if end == rest.len() {
            end
        } else {
            let head = &rest[..end];
            last_end(head, &['.', '!', '?', '。', '！', '？', '；'])
                .or_else(|| rest[end..].starts_with(' ').then_some(end))
                .or_else(|| head.rfind(' '))
                .unwrap_or(end)
        };
        sheets.push(rest[..cut].trim());
        rest = rest[cut..].trim_start();
    }
    sheets
}

/// Returns the byte index after the last of these characters.
fn last_end(text: &str, ends: &[char]) -> Option<usize> {
    text.char_indices()
        .rev()
        .find(|(_, char)| ends.contains(char))
        .map(|(at, char)| at + char.len_utf8())
}

/// Returns the number of bytes of the longest beginning of the text that has at most so many units.
fn fitting(text: &str, units: usize) -> usize {
    let mut left = units;
    for (at, char) in text.char_indices() {
        let cost = if char.is_ascii() { 1 } else { 2 };
        if cost > left && at > 0 {
            return at;
        }
        left = left.saturating_sub(cost);
    }
    text.len()
}

/// Counts the sheets that the terms of a benefit fill.
#[must_use]
pub fn terms_pages(data: &BenefitData, language: Language) -> usize {
    sheets(language.pick(&data.benefit.terms), TERMS_UNITS)
        .len()
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_cut_at_the_end_of_a_sentence() {
        assert_eq!(
            sheets("One two. Three four.", 12),
            ["One two.", "Three four."]
        );
        assert_eq!(sheets("一二三。四五六。", 8), ["一二三。", "四五六。"]);
        assert_eq!(sheets("no end in sight", 6), ["no end", "in", "sight"]);
        assert_eq!(sheets("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(sheets("  ", 3), Vec::<&str>::new());
    }
}
