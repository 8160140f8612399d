//! Pictures of the head unit, and comparison with the expectations.

use anyhow::Context;
use dashpoint_membership::{Adjustment, Verdict};

use super::{Player, confirmed, pending};
use crate::head_unit::{HeadUnitEntry, HeadUnitStatus};
use crate::story::{Expect, LinkState, ObservedState};
use crate::wait::wait_for;
use crate::words;
use dashpoint_ui::locale::Language;

/// Looks at a head unit that is not done with the cloud until it is asked again.
const LOOKS_BETWEEN_SYNCS: u32 = 40;

/// Kind of a message that leaped by more than a day: it is taken when three signals agree.
const HELD_BACK: &str = "quarantined";

impl Player<'_> {
    /// Waits for the entry of what was done last, and for its confirmation while the cloud is there.
    pub(super) async fn tell_of_the_last(&mut self) -> anyhow::Result<()> {
        let entries = self.did.len();
        let head_unit = &self.world.head_unit;
        wait_for("what the car did is in the ledger", async || {
            let ledger = head_unit.ledger().await?;
            Ok((ledger.entries.len() >= entries).then_some(()))
        })
        .await?;
        if self.world.network.is_up() {
            self.settle().await?;
        }
        let ledger = self.world.head_unit.ledger().await?;
        let row = ledger.entries.last().context("the ledger is empty")?;
        let language = self.narrator.language();
        self.narrator
            .line(&words::seen(language, row, &self.policy.policy().carbon))?;
        let outcome = self.outcome(row).await?;
        self.narrator.line(&outcome)?;
        Ok(())
    }

    async fn outcome(&self, row: &HeadUnitEntry) -> anyhow::Result<String> {
        let language = self.narrator.language();
        if let Some(told) = words::outcome(language, row) {
            return Ok(told);
        }
        let predicted = words::points(language, row.predicted);
        let pending = pending(&self.status().await?);
        Ok(match language {
            Language::English => {
                format!("+{predicted}, signed and on the disk; {pending} pending in all")
            }
            Language::Chinese => format!("+{predicted}，已签名并落盘；共 {pending} 分待确认"),
        })
    }

    /// Waits until the cloud has spoken on everything.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let head_unit = &self.world.head_unit;
        let mut looks = 0;
        wait_for("everything is confirmed", async || {
            let status = head_unit.status().await?;
            if is_settled(&status) {
                return Ok(Some(()));
            }
            // A bad network would let it pause for longer and longer; asked too often it would ask for everything anew.
            if looks % LOOKS_BETWEEN_SYNCS == 0 {
                head_unit.sync().await?;
            }
            looks += 1;
            Ok(None)
        })
        .await
    }

    /// Notes what is not as expected; the story goes on.
    pub(super) async fn expect(&mut self, line: usize, expected: &Expect) -> anyhow::Result<()> {
        let faults = expected.compare(&self.seen().await?);
        let name = &self.story.name;
        for fault in &faults {
            self.narrator.line(&format!("✗ {fault}"))?;
        }
        let named = faults.iter();
        self.faults
            .extend(named.map(|fault| format!("{name}: line {line}: {fault}")));
        Ok(())
    }

    async fn seen(&self) -> anyhow::Result<ObservedState> {
        let status = self.status().await?;
        let ledger = self.world.head_unit.ledger().await?;
        let mut seen = ObservedState {
            confirmed: confirmed(&status),
            pending: pending(&status),
            cloud: self.world.cloud.points(self.world.member).await?,
            kills: i64::from(self.kills),
            connection: connection(&status),
            guest: status
                .live
                .as_ref()
                .map_or(0, |live| i64::try_from(live.guest).unwrap_or(i64::MAX)),
            ..ObservedState::default()
        };
        if let Some(member) = status.members.first() {
            seen.tier.clone_from(&member.tier);
        }
        for row in &ledger.entries {
            seen.signed += 1;
            match &row.verdict {
                None => {}
                Some(Verdict::Accepted { .. }) => seen.accepted += 1,
                Some(Verdict::Adjusted { reasons, .. }) => {
                    seen.adjusted += 1;
                    seen.reasons.extend(reasons.iter().map(named));
                }
                Some(Verdict::Review { .. }) => seen.adjusted += 1,
                Some(Verdict::Rejected { .. }) => seen.rejected += 1,
            }
        }
        Ok(seen)
    }

    pub(super) async fn status(&self) -> anyhow::Result<HeadUnitStatus> {
        self.world.head_unit.status().await
    }

    pub(super) async fn until(
        &self,
        what: &str,
        holds: impl Fn(&HeadUnitStatus) -> bool,
    ) -> anyhow::Result<()> {
        wait_for(what, async || {
            let status = self.status().await?;
            Ok(holds(&status).then_some(()))
        })
        .await
    }

    /// Adds what a head unit that is about to end has taken.
    pub(super) fn count_signals(&mut self, status: &HeadUnitStatus) {
        if let Some(live) = &status.live {
            self.signals.taken += live.taken.saturating_sub(live.kept);
            let refused = live.refused.iter().filter(|(kind, _)| *kind != HELD_BACK);
            self.signals.rejected += refused.map(|(_, count)| count).sum::<u64>();
            for signal in &live.signals {
                let refused = signal.refused.iter().filter(|(kind, _)| *kind != HELD_BACK);
                for (kind, times) in refused {
                    let of_signal = &mut self.signals.rejected_of;
                    let by_kind = of_signal.entry(signal.path.clone()).or_default();
                    *by_kind.entry(kind.clone()).or_default() += times;
                }
            }
        }
    }
}

pub(super) fn connection(status: &HeadUnitStatus) -> Option<LinkState> {
    status.live.as_ref().map(|live| live.connection.state)
}

/// Returns whether the cloud has a verdict on every entry.
fn is_settled(status: &HeadUnitStatus) -> bool {
    let waiting = status.live.as_ref().is_none_or(|live| live.waiting > 0);
    !waiting && pending(status) == 0 && connection(status) == Some(LinkState::Online)
}

/// The cap, rule or version that an adjustment names.
fn named(reason: &Adjustment) -> String {
    match reason {
        Adjustment::Cap { cap } => cap.to_string(),
        Adjustment::Rule { rule } | Adjustment::Remainder { rule } => rule.to_string(),
        Adjustment::Policy { version } => format!("policy {version}"),
    }
}
