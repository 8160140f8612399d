//! The activity list: the ledger as the member sees it, each row opening to its reason and its evidence.

use dashpoint_membership::ServerTime;
use slint::SharedString;

use crate::facts;
use crate::locale::{Locale, points_or_dash};
use crate::model::{Availability, RowData, RowSubject};
use crate::nav::Nav;
use crate::paging::{self, ACTIVITY_ROWS, ACTIVITY_ROWS_MOVING, Paged};
use crate::reason::reason;
use crate::unpaid::UnpaidLines;
use crate::{Absence, FactLine, LedgerDetail, LedgerRow};

/// Rules that paid nothing for which an open row has room.
pub const UNPAID: usize = 3;

/// View-state of the activity page.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityState {
    /// The reason for an empty list.
    pub absence: Absence,
    /// Only the newest rows, and none opens.
    pub restricted: bool,
    /// The rows of this page.
    pub rows: Vec<LedgerRow>,
    /// Index of the open row.
    pub selected: usize,
    /// Page of the list, from 1.
    pub page: usize,
    /// Pages of the list.
    pub pages: usize,
    /// The open one.
    pub detail: LedgerDetail,
    /// Its points: predicted, paid, growth.
    pub values: Vec<FactLine>,
    /// The measurements of the open row.
    pub evidence: Vec<FactLine>,
    /// The rules that paid nothing for the open row, each with its reason.
    pub unpaid: Vec<SharedString>,
}

/// Makes the view-state of the activity page.
#[must_use]
pub fn activity(
    ledger: &Availability<Vec<RowData>>,
    nav: &Nav,
    restricted: bool,
    locale: &Locale,
    now: ServerTime,
) -> ActivityState {
    let absence = match ledger {
        Availability::Here(rows) if rows.is_empty() => Absence::Empty,
        Availability::Here(_) => Absence::None,
        Availability::NotYet => Absence::NotYet,
        Availability::Damaged => Absence::Damaged,
        Availability::OtherCar => Absence::OtherCar,
    };
    let mut state = ActivityState {
        absence,
        restricted,
        rows: Vec::new(),
        selected: 0,
        page: 1,
        pages: 1,
        detail: LedgerDetail::default(),
        values: Vec::new(),
        evidence: Vec::new(),
        unpaid: Vec::new(),
    };
    let Availability::Here(ledger) = ledger else {
        return state;
    };
    if restricted {
        let newest = &ledger[..ledger.len().min(ACTIVITY_ROWS_MOVING)];
        state.rows = newest.iter().map(|row| line(row, locale, now)).collect();
        return state;
    }
    let Paged { rows, page, pages } = paging::page(ledger, nav.activity_page(), ACTIVITY_ROWS);
    state.rows = rows.iter().map(|row| line(row, locale, now)).collect();
    (state.page, state.pages) = (page, pages);
    if let Some(open) = rows.get(nav.activity_row()).or(rows.last()) {
        state.selected = nav.activity_row().min(rows.len() - 1);
        let unpaid = UnpaidLines::of(&open.outcome, &open.unpaid, UNPAID, locale);
        state.detail = detail(open, nav.evidence_open(), unpaid.more, locale, now);
        state.unpaid = unpaid.lines;
        state.values = facts::values(open);
        state.evidence = facts::evidence(open);
    }
    state
}

fn line(row: &RowData, locale: &Locale, now: ServerTime) -> LedgerRow {
    let (reason, a, b) = reason(row, locale, now);
    LedgerRow {
        kind: row.subject.kind(),
        status: row.status(),
        status_word: row.status().label(locale.language).into(),
        subject: row
            .subject
            .title()
            .map(|title| locale.language.pick(title).into())
            .unwrap_or_default(),
        points: points_or_dash(row.outcome.points()).into(),
        when: locale.day_or_time(row.at, now).into(),
        measure: measure(&row.subject).into(),
        reason,
        a: a.into(),
        b: b.into(),
    }
}

fn detail(
    row: &RowData,
    evidence_open: bool,
    more: usize,
    locale: &Locale,
    now: ServerTime,
) -> LedgerDetail {
    let (rule, policy) = row
        .rule
        .as_ref()
        .map_or_else(Default::default, |(title, version)| {
            (
                locale.language.pick(title).into(),
                version.get().to_string().into(),
            )
        });
    LedgerDetail {
        row: line(row, locale, now),
        rule,
        policy,
        evidence_open,
        more: paging::shown(more),
    }
}

/// Distance or energy with one decimal; nothing for what has none.
fn measure(subject: &RowSubject) -> String {
    subject.evidence().map_or_else(String::new, |evidence| {
        facts::thousandths(evidence.interval().length())
    })
}
