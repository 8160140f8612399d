//! The member's card in the table of `status`.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{CapId, CapNow, CompiledPolicy, PendingState, Points, TierId, View};
use dashpoint_ui::locale::Language;
use jiff::tz::TimeZone;

use crate::books::{Books, MemberBook};
use crate::cli::health_words::allowance;
use crate::cli::reasons::not_paid;
use crate::cli::words::{day, entries, points_noun, thousands, yuan, zoned_minute};
use crate::clock::Clock;
use crate::explain::decimal;
use crate::live::LastSeen;
use crate::screen::connect_by;
use crate::waiting::WaitingPoints;

/// Names what a cap bounds; a cap that this policy does not have, by its id.
fn capped(policy: Option<&CompiledPolicy>, cap: &CapId, language: Language) -> String {
    let known = policy.and_then(|policy| {
        let caps = &policy.policy().caps;
        Some((policy, caps.iter().find(|known| known.id == *cap)?))
    });
    known.map_or_else(
        || cap.to_string(),
        |(policy, cap)| language.pick(&policy.cap_title(cap)).to_owned(),
    )
}

/// Names the present one of a cap's periods.
const fn now(period: Period, language: Language) -> &'static str {
    match period {
        Period::Day => language.choose("today", "今日"),
        Period::Week => language.choose("this week", "本周"),
        Period::Month => language.choose("this month", "本月"),
        Period::Year => language.choose("this year", "本年"),
    }
}

/// Says what waits for the cloud, and what the cloud holds back: one line each.
pub(super) fn pending(
    view: &View,
    seen: LastSeen,
    zone: &TimeZone,
    language: Language,
) -> Vec<String> {
    let (mut waiting, mut held) = (Vec::new(), Vec::new());
    for item in &view.pending_items {
        match item.state {
            PendingState::HeldBack { .. } => held.push(item.paid.points),
            PendingState::Unconfirmed | PendingState::NeedsConfirmation { .. } => {
                waiting.push(item.paid.points);
            }
        }
    }
    let sum = |points: &[Points]| thousands(points.iter().copied().sum::<Points>().get());
    // What earned nothing anyway is not unpaid by the refusal.
    let is_refused = seen.refuses_car().is_some();
    waiting.retain(|points: &Points| !(is_refused && points.is_zero()));
    let mut lines = Vec::new();
    if !waiting.is_empty() {
        let (points, count) = (sum(&waiting), waiting.len() as u64);
        lines.push(match (language, count) {
            (Language::English, _) if is_refused => {
                format!("  +{points} shown before: {}", not_paid(language, count))
            }
            (Language::Chinese, _) if is_refused => {
                format!("  此前显示的 +{points}：{}", not_paid(language, count))
            }
            (Language::English, 1) => format!("  +{points} pending (1 entry waits for the cloud)"),
            (Language::English, count) => {
                format!(
                    "  +{points} pending ({} wait for the cloud)",
                    entries(count)
                )
            }
            (Language::Chinese, count) => format!("  +{points} 待确认（{count} 条记录等待云端）"),
        });
    }
    if let Some(until) = WaitingPoints::of(view, is_refused).review_until {
        let (points, count) = (sum(&held), held.len() as u64);
        let by = day(until, zone);
        lines.push(match language {
            Language::English => {
                format!(
                    "  +{points} held back ({}, in review until {by})",
                    entries(count)
                )
            }
            Language::Chinese => format!("  +{points} 审核中（{count} 条记录，审核至 {by}）"),
        });
    }
    lines
}

/// Says what counts now against each cap, those of a day first; a cap that nothing counts against has no line.
pub(super) fn caps(
    view: &View,
    policy: Option<&CompiledPolicy>,
    language: Language,
) -> Vec<String> {
    let used = view.caps.iter().filter(|cap| !cap.used.is_zero());
    let mut caps: Vec<_> = used.collect();
    caps.sort_by_key(|cap| cap.per);
    let line = |cap: &CapNow| {
        let (now, over) = (now(cap.per, language), capped(policy, &cap.cap, language));
        let (whole, rest) = cap.used.split();
        let used = format!("{}.{:03}", thousands(whole), rest.get());
        let most = thousands(cap.most.get());
        match language {
            Language::English => format!("  {now} {over}: {used} / {most}"),
            Language::Chinese => format!("  {now}{over}：{used} / {most}"),
        }
    };
    caps.into_iter().map(line).collect()
}

/// Makes the lines of a member.
pub(super) fn card(
    books: &Books,
    clock: &Clock,
    book: &MemberBook,
    view: &View,
    seen: LastSeen,
    zone: &TimeZone,
    language: Language,
) -> Vec<String> {
    let compiled = books.policy_at(clock.now());
    let title = |id: &TierId| {
        let title = books.tier_title(id, clock.now());
        language.pick(&title).to_owned()
    };
    let mut lines = vec![
        format!(
            "{}  {}  {} {}",
            book.statement.profile.name,
            title(&view.tier),
            language.choose("as of", "截至"),
            zoned_minute(view.as_of, zone)
        ),
        format!(
            "  {} {}  = {} {}",
            thousands(view.balance.get()),
            points_noun(language, view.balance.get()),
            yuan(view.worth_fen),
            language.choose("yuan", "元")
        ),
    ];
    lines.extend(pending(view, seen, zone, language));
    if !view.arrears.is_zero() {
        lines.push(match language {
            Language::English if view.arrears.get() == 1 => {
                "  1 point is owed: the next points pay it first".to_owned()
            }
            Language::English => format!(
                "  {} points are owed: the next points pay them first",
                thousands(view.arrears.get())
            ),
            Language::Chinese => {
                format!(
                    "  欠 {} 积分，后续积分先行抵扣",
                    thousands(view.arrears.get())
                )
            }
        });
    }
    if let Some((at, points)) = view.expiring.first() {
        lines.push(format!(
            "  {} {} {}",
            thousands(points.get()),
            language.choose("expire on", "积分到期于"),
            day(*at, zone)
        ));
    }
    if let Some(next) = &view.next_tier {
        let (missing, tier) = (thousands(next.missing.get()), title(&next.tier));
        lines.push(match language {
            Language::English => format!("  {missing} growth value to {tier}"),
            Language::Chinese => format!("  还差 {missing} 成长值升至{tier}"),
        });
    }
    // Of what is not paid nothing is used up and nothing carried on; only the cloud can tell the rest apart.
    let unpaid = WaitingPoints::of(view, seen.refuses_car().is_some()).unpaid;
    let is_promised = unpaid.is_zero();
    if is_promised {
        lines.extend(caps(view, compiled, language));
    }
    if is_promised && !view.carried.is_zero() {
        lines.push(format!(
            "  {} {}",
            decimal(view.carried.get()),
            language.choose("carried on to the next points", "零头累计，计入后续积分"),
        ));
    }
    if let Some(policy) = compiled {
        let by = day(connect_by(policy, view, books.receipt_at), zone);
        let asks = allowance(language, view.allowance, &by);
        lines.extend(asks.map(|asks| format!("  {asks}")));
    }
    lines
}
