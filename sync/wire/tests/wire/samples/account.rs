//! A statement with every kind of row.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Account, Adjustment, Allocation, BenefitId, CapId, Cause, Chain, Cover, EntryRef, Epoch,
    Growth, LedgerVersion, LocalDay, Lot, Milli, Paid, Pending, Points, PolicyVersion, Profile,
    Rejection, Remainder, ReviewReason, RuleId, Seq, ServerEpoch, Settlement, Statement, TierHeld,
    TierId, Verdict,
};

use super::{DEVICE, HASH, MEMBER, NOW};

pub fn statement() -> Statement {
    Statement {
        member: MEMBER,
        server_epoch: ServerEpoch::new(1),
        issued: NOW,
        profile: Profile {
            name: "林晓".to_owned(),
            joined: NOW.plus_s(-500 * 86_400),
            zone: "Asia/Shanghai".to_owned(),
        },
        account: account(),
        covers: BTreeMap::from([(DEVICE, cover())]),
        since: LedgerVersion::new(30),
        settlements: causes().into_iter().zip(31..).map(settlement).collect(),
    }
}

pub fn paid(points: i64) -> Paid {
    Paid {
        points: Points::new(points),
        growth: Growth::new(points),
    }
}

pub fn entry_ref(seq: u64) -> EntryRef {
    EntryRef {
        device: DEVICE,
        epoch: Epoch::new(1),
        seq: Seq::new(seq),
    }
}

/// One of each kind, with each kind of reason.
pub fn verdicts() -> Vec<Verdict> {
    let rule = RuleId::new("clean-charge").unwrap();
    vec![
        Verdict::Accepted { paid: paid(21) },
        Verdict::Adjusted {
            paid: paid(60),
            reasons: vec![
                Adjustment::Cap {
                    cap: CapId::new("charge-day").unwrap(),
                },
                Adjustment::Policy {
                    version: PolicyVersion::new(2),
                },
                Adjustment::Rule { rule: rule.clone() },
                Adjustment::Remainder { rule },
            ],
        },
        Verdict::Rejected {
            reason: Rejection::AlreadyPaid,
        },
        Verdict::Review {
            paid: paid(7),
            reason: ReviewReason::OverAllowance,
            until: NOW.plus_s(7 * 86_400),
        },
    ]
}

fn account() -> Account {
    let lot = |id, remaining| Lot {
        id: LedgerVersion::new(id),
        points: Points::new(100),
        remaining: Points::new(remaining),
        expires: NOW.plus_s(400 * 86_400),
    };
    let used = |points| BTreeMap::from([(LocalDay::new(20_779), Milli::from_whole(points))]);
    Account {
        version: LedgerVersion::new(42),
        lots: vec![lot(28, 40), lot(41, 100)],
        arrears: Points::ZERO,
        growth: Growth::new(3_210),
        growth_in_period: Growth::new(210),
        tier: TierHeld {
            tier: TierId::new("silver").unwrap(),
            since: NOW.plus_s(-100 * 86_400),
            until: Some(NOW.plus_s(265 * 86_400)),
        },
        used: BTreeMap::from([
            (CapId::new("charge-day").unwrap(), used(60)),
            (CapId::new("day").unwrap(), used(81)),
        ]),
        remainders: BTreeMap::from([(
            RuleId::new("clean-drive").unwrap(),
            Remainder {
                points: Milli::new(144),
                growth: Milli::new(144),
            },
        )]),
        pending: vec![Pending {
            entry: entry_ref(4),
            paid: paid(7),
            reason: ReviewReason::OverAllowance,
            until: NOW.plus_s(7 * 86_400),
            expires: NOW.plus_s(400 * 86_400),
        }],
    }
}

fn cover() -> Cover {
    Cover {
        epoch: Epoch::new(1),
        through: Seq::new(4),
        head: HASH,
        chain: Chain {
            cap_time: NOW,
            receipt_at: NOW.plus_s(-86_400),
            entries: 4,
            points: Points::new(101),
        },
    }
}

fn causes() -> Vec<Cause> {
    let mut causes: Vec<_> = verdicts()
        .into_iter()
        .zip(1..)
        .map(|(verdict, seq)| Cause::Entry {
            entry: entry_ref(seq),
            verdict,
        })
        .collect();
    causes.extend([
        Cause::Released {
            entry: entry_ref(4),
        },
        Cause::Spent {
            benefit: BenefitId::new("car-wash").unwrap(),
        },
        Cause::Reversed {
            of: LedgerVersion::new(36),
        },
        Cause::Expired {
            lot: LedgerVersion::new(12),
        },
        Cause::ClawedBack {
            entry: entry_ref(1),
        },
        Cause::Granted {
            reason: "Sorry for the wait at the workshop".to_owned(),
        },
        Cause::TierChanged {
            from: TierId::new("gold").unwrap(),
            to: TierId::new("silver").unwrap(),
        },
    ]);
    causes
}

fn settlement((cause, version): (Cause, u64)) -> Settlement {
    let spent = matches!(cause, Cause::Spent { .. });
    let allocation = Allocation {
        lot: LedgerVersion::new(28),
        points: Points::new(60),
        size: Points::new(100),
        expires: NOW.plus_s(400 * 86_400),
    };
    Settlement {
        version: LedgerVersion::new(version),
        at: NOW,
        cause,
        points: Points::new(if spent { -60 } else { 0 }),
        growth: Growth::ZERO,
        arrears: Points::ZERO,
        allocations: if spent { vec![allocation] } else { Vec::new() },
        promoted: (version == 31).then(|| TierId::new("silver").unwrap()),
    }
}
