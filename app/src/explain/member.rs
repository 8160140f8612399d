//! A member who does not exist: caps and remainders begin at nothing, and no cloud is asked.

use std::collections::BTreeMap;

use dashpoint_membership::policy::{Cap, Period};
use dashpoint_membership::{
    Account, BindingId, CapId, Cause, Chain, ChainStart, ClockQuality, CoarseTime, CompiledPolicy,
    DeviceId, EntryHash, Epoch, EventTime, EvidenceDigest, Fold, Header, LedgerVersion, MemberId,
    Milli, Paid, Points, Policies, Profile, Remainder, RuleId, Seq, ServerEpoch, ServerTime,
    Statement, Subject, Text, fold,
};
use dashpoint_telematics::Finished;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::unpaid::CapCut;

/// Payment of one rule for one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePaid {
    /// Amount that is paid of it within the caps; not known of an entry.
    pub paid: Option<Milli>,
    /// Whole points, with what was carried.
    pub points: Points,
    /// Thousandths that are carried on; not known of an entry.
    pub carried: Option<Milli>,
    /// The cap that cut it.
    pub cut_by: Option<CapCut>,
}

/// Earnings of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earned {
    /// By rule; one that pays nothing is not here.
    pub rules: BTreeMap<RuleId, RulePaid>,
    /// In all; not known of an entry.
    pub paid: Option<Paid>,
}

/// The used part of a cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapUse {
    /// The cap.
    pub cap: CapId,
    /// The awards that it bounds, as the member reads them.
    pub over: Text,
    /// Over which stretch of the calendar.
    pub per: Period,
    /// First day of the stretch, as YYYY-MM-DD.
    #[serde(rename = "from_date")]
    pub from: String,
    /// Used, in thousandths of a point.
    pub used_milli: i64,
    /// The most, in points.
    #[serde(rename = "most_points")]
    pub most: i64,
}

/// The member, and a device that hears from the cloud before each entry: the offline allowance plays no part.
#[derive(Debug)]
pub struct Imagined {
    policies: Policies,
    fold: Fold,
    seq: Seq,
}

impl Imagined {
    /// Opens the account.
    #[must_use]
    pub fn new(policy: CompiledPolicy, zone: &TimeZone, now: ServerTime) -> Self {
        let statement = Statement {
            member: MemberId::from_bytes([0; 16]),
            server_epoch: ServerEpoch::new(1),
            issued: now,
            profile: Profile {
                name: String::new(),
                joined: now,
                zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            },
            account: Account::open(&policy, now),
            covers: BTreeMap::new(),
            since: LedgerVersion::new(0),
            settlements: Vec::new(),
        };
        let start = ChainStart {
            epoch: Epoch::new(1),
            chain: Chain::start(now),
        };
        let policies = Policies::new(policy);
        let device = DeviceId::from_bytes([0; 16]);
        Self {
            fold: fold(&statement, device, start, &[], &policies, now),
            policies,
            seq: Seq::new(0),
        }
    }

    /// Pays for a trip or a session.
    pub fn earn(&mut self, finished: &Finished) -> Earned {
        let at = CoarseTime::containing_unix_s(finished.ended_ms.div_euclid(1_000));
        let now = ServerTime::from_unix_s(at.as_unix_s());
        self.seq = self.seq.next();
        let header = Header {
            epoch: Epoch::new(1),
            seq: self.seq,
            prev: EntryHash::from_bytes([0; 32]),
            binding: BindingId::from_bytes([0; 16]),
            time: EventTime {
                at,
                utc_offset_min: finished.utc_offset_min,
                quality: ClockQuality::Synced,
            },
            receipt_at: now,
        };
        let subject = Subject::Earn {
            evidence: finished.evidence.clone(),
            digest: EvidenceDigest::from_bytes([0; 32]),
        };
        let before = self.fold.account.remainders.clone();
        let trigger_caps = self.policies.newest().policy().caps.clone();
        let (entry, settlement) = self.fold.mint(&self.policies, header, subject, now);
        let kind = entry.transaction().kind();
        let carried = |remainders: &BTreeMap<RuleId, Remainder>, rule: &RuleId| {
            remainders
                .get(rule)
                .map_or(Milli::ZERO, |remainder| remainder.points)
        };
        let rules = entry
            .transaction()
            .awards()
            .iter()
            .map(|award| {
                let left = carried(&self.fold.account.remainders, &award.rule);
                let paid = Milli::from_whole(award.predicted.get())
                    .plus(left)
                    .minus(carried(&before, &award.rule));
                let cut = paid < award.points;
                let full = trigger_caps
                    .iter()
                    .find(|cap| cap.applies_to(&award.rule, kind) && self.is_full(cap));
                let cut_by = full.filter(|_| cut).map(|cap| {
                    let room = Some(award.predicted);
                    CapCut::of(self.policies.newest(), &award.rule, cap, room)
                });
                let paid = RulePaid {
                    paid: Some(paid),
                    points: award.predicted,
                    carried: Some(left),
                    cut_by,
                };
                (award.rule.clone(), paid)
            })
            .collect();
        let paid = match settlement.cause {
            Cause::Entry { verdict, .. } => verdict.paid(),
            Cause::Released { .. }
            | Cause::Spent { .. }
            | Cause::Reversed { .. }
            | Cause::Expired { .. }
            | Cause::ClawedBack { .. }
            | Cause::Granted { .. }
            | Cause::TierChanged { .. } => Paid {
                points: settlement.points,
                growth: settlement.growth,
            },
        };
        Earned {
            rules,
            paid: Some(paid),
        }
    }

    fn is_full(&self, cap: &Cap) -> bool {
        let used = self.fold.account.used.get(&cap.id);
        used.and_then(|periods| periods.values().next_back())
            .is_some_and(|used| *used >= Milli::from_whole(cap.points.get()))
    }

    /// Returns the used part of each cap, in the order of the policy.
    #[must_use]
    pub fn caps(&self) -> Vec<CapUse> {
        let policy = self.policies.newest().policy();
        let uses = |cap: &Cap| {
            let periods = self.fold.account.used.get(&cap.id).cloned();
            let (id, per, most) = (cap.id.clone(), cap.per, cap.points.get());
            let over = self.policies.newest().cap_title(cap);
            periods
                .unwrap_or_default()
                .into_iter()
                .map(move |(day, used)| CapUse {
                    cap: id.clone(),
                    over: over.clone(),
                    per,
                    from: jiff::civil::Date::constant(1970, 1, 1)
                        .saturating_add(jiff::Span::new().days(day.get()))
                        .to_string(),
                    used_milli: used.get(),
                    most,
                })
        };
        policy.caps.iter().flat_map(uses).collect()
    }
}
