//! The read model of the ledger: each entry with its state. Screen and command line read entries here and nowhere else.

use std::collections::BTreeMap;

use dashpoint_membership::{
    BindingId, Cause, DeviceId, Entry, EntryRef, Epoch, Growth, MemberId, Milli, Paid, Points, Seq,
    Settlement, Statement, Verdict,
};
use dashpoint_store::{Activity, StoreError, StoreReader};
use dashpoint_sync::DeviceIdentity;
use dashpoint_ui::RowStatus;
use dashpoint_wire::ChainPoint;

use crate::books::bound_statements;
use crate::live::LastSeen;

/// State of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryStatus {
    /// The cloud has not spoken of it.
    Pending,
    /// The cloud has not spoken of it, and refuses this car: it is not paid.
    Unpaid,
    /// The verdict of the cloud stands.
    Judged(Verdict),
    /// The cloud held it back, or rejected what was another's then, and has paid it since.
    Released {
        /// The verdict before.
        verdict: Verdict,
        /// Points that were paid.
        points: Points,
    },
    /// The cloud held it back, and an operator has refused it since.
    Refused(Verdict),
    /// The cloud paid it, and an operator has taken it back since, or a part of it.
    TakenBack {
        /// The verdict before.
        verdict: Verdict,
        /// Amounts that were paid.
        paid: Paid,
        /// Amounts that were taken back, those that are owed among them.
        taken: Paid,
    },
    /// An entry of a later epoch says it again, and stands for it.
    CarriedTo(ChainPoint),
    /// The account contains it; the verdict is on no disk of this car any more.
    Settled,
}

impl EntryStatus {
    /// Returns the verdict of the cloud, as far as this car has it.
    pub const fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Judged(verdict)
            | Self::Refused(verdict)
            | Self::Released { verdict, .. }
            | Self::TakenBack { verdict, .. } => Some(verdict),
            Self::Pending | Self::Unpaid | Self::CarriedTo(_) | Self::Settled => None,
        }
    }

    /// Returns the state while the cloud refuses this car, or lets it in: what waits is not paid then.
    #[must_use]
    pub fn while_refused(self, refuses_car: bool) -> Self {
        if refuses_car && self == Self::Pending {
            Self::Unpaid
        } else {
            self
        }
    }

    /// Returns whether it was paid, or may be: then it counts against caps.
    pub const fn may_count(&self) -> bool {
        match self {
            // What is not paid was predicted with room that it took from what came after it.
            Self::Pending | Self::Unpaid | Self::Released { .. } | Self::Settled => true,
            Self::Judged(verdict) => !matches!(verdict, Verdict::Rejected { .. }),
            // What is taken back gives the caps their room again.
            Self::Refused(_) | Self::TakenBack { .. } | Self::CarriedTo(_) => false,
        }
    }

    /// Returns the points that the account has of it; `None` while this car has no verdict, or the cloud holds them back.
    pub fn paid(&self) -> Option<Points> {
        match self {
            Self::Judged(Verdict::Review { .. }) => None,
            Self::Judged(verdict) => Some(verdict.paid().points),
            Self::Released { points, .. } => Some(*points),
            Self::Refused(_) => Some(Points::ZERO),
            Self::TakenBack { paid, taken, .. } => Some(paid.points.minus(taken.points)),
            Self::Pending | Self::Unpaid | Self::CarriedTo(_) | Self::Settled => None,
        }
    }

    /// Returns the points that the cloud holds back.
    pub const fn held_back(&self) -> Option<Points> {
        match self {
            Self::Judged(Verdict::Review { paid, .. }) => Some(paid.points),
            Self::Judged(
                Verdict::Accepted { .. } | Verdict::Adjusted { .. } | Verdict::Rejected { .. },
            )
            | Self::Pending
            | Self::Unpaid
            | Self::Released { .. }
            | Self::Refused(_)
            | Self::TakenBack { .. }
            | Self::CarriedTo(_)
            | Self::Settled => None,
        }
    }

    /// Returns the points that were taken back, where some were paid.
    pub const fn taken_back(&self) -> Option<Points> {
        match self {
            Self::TakenBack { taken, .. } => Some(taken.points),
            Self::Pending
            | Self::Unpaid
            | Self::Judged(_)
            | Self::Released { .. }
            | Self::Refused(_)
            | Self::CarriedTo(_)
            | Self::Settled => None,
        }
    }

    /// Returns whether an entry that stands so earned nothing by its own rules and caps, as the car told at once. It follows from
    /// the entry alone: a statement tells the reason, and not the state.
    pub fn earned_nothing(&self, entry: &Entry) -> bool {
        let awards = entry.transaction().awards();
        let milli: Milli = awards.iter().map(|award| award.points).sum();
        // An award of growth value alone is something.
        let is_nothing = awards.is_empty() || milli > Milli::ZERO;
        match self {
            Self::Pending
            | Self::Unpaid
            | Self::Settled
            | Self::Judged(Verdict::Accepted { .. }) => is_nothing && entry.predicted().is_zero(),
            Self::Judged(
                Verdict::Adjusted { .. } | Verdict::Rejected { .. } | Verdict::Review { .. },
            )
            | Self::Released { .. }
            | Self::Refused(_)
            | Self::TakenBack { .. }
            | Self::CarriedTo(_) => false,
        }
    }

    /// Names the state, as screen, command line and demo word it.
    pub const fn named(&self) -> RowStatus {
        match self {
            Self::Pending => RowStatus::Pending,
            Self::Unpaid => RowStatus::NotPaid,
            Self::CarriedTo(_) => RowStatus::CarriedOver,
            Self::Settled => RowStatus::Settled,
            Self::Released {
                verdict: Verdict::Rejected { .. },
                ..
            } => RowStatus::PaidLate,
            Self::Released { .. } | Self::Judged(Verdict::Accepted { .. }) => RowStatus::Confirmed,
            Self::Judged(Verdict::Adjusted { .. }) => RowStatus::Adjusted,
            Self::Judged(Verdict::Rejected { .. }) => RowStatus::Rejected,
            Self::Judged(Verdict::Review { .. }) => RowStatus::HeldBack,
            Self::Refused(_) => RowStatus::Refused,
            Self::TakenBack { .. } => RowStatus::TakenBack,
        }
    }
}

/// One entry of the ledger with its state.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// The entry as the store lists it.
    pub activity: Activity,
    /// The decoded entry; `None` when it does not verify.
    pub entry: Option<Entry>,
    /// Its state.
    pub status: EntryStatus,
    /// The newest entry that says it again.
    pub said_again: Option<ChainPoint>,
}

/// Reads the last entries, newest first. An entry that says another again comes after it, so it is above it in the list.
///
/// # Errors
/// [`StoreError`] when the ledger cannot be read.
pub fn read_entries(
    reader: &StoreReader,
    signers: &DeviceIdentity,
    limit: u32,
) -> Result<Vec<EntryRow>, StoreError> {
    let account = AccountFacts::read(reader, signers)?;
    let mut carried = BTreeMap::new();
    let mut rows = Vec::new();
    for activity in reader.activity(None, limit)? {
        let point = activity.point;
        // An entry that does not verify is listed without its content.
        let signed = activity.raw.clone();
        let signed = signed.verify(&signers.device_key, &signers.device).ok();
        let entry = signed.map(|signed| signed.into_parts().1);
        let origin = entry
            .as_ref()
            .map_or(point.hash, |entry| entry.origin(point.hash));
        let said_again = carried.get(&origin).copied();
        if origin != point.hash {
            carried.entry(origin).or_insert(point);
        }
        let verdict = activity.verdict.as_ref().map(|stored| &stored.verdict);
        let status = match (verdict, said_again) {
            (None, Some(point)) => EntryStatus::CarriedTo(point),
            (verdict, _) => account.status(point, activity.summary.binding, verdict.cloned()),
        };
        rows.push(EntryRow {
            activity,
            entry,
            status,
            said_again,
        });
    }
    Ok(rows)
}

/// Reads the last entries as the car saw the cloud last: while it refuses this car, what waits is not paid.
///
/// # Errors
/// [`StoreError`] when the ledger cannot be read.
pub fn read_entries_as_seen(
    reader: &StoreReader,
    signers: &DeviceIdentity,
    limit: u32,
) -> Result<Vec<EntryRow>, StoreError> {
    let refused = LastSeen::read(reader, signers.device).refuses_car();
    let mut rows = read_entries(reader, signers, limit)?;
    for row in &mut rows {
        row.status = row.status.clone().while_refused(refused.is_some());
    }
    Ok(rows)
}

/// Holds the facts that statements and grants prove of entries, also of those whose verdicts this disk does not have: it was
/// restored from a backup, and the cloud gave it its entries back.
#[derive(Debug)]
pub struct AccountFacts {
    device: DeviceId,
    /// Up to where each epoch of this disk is the one that the cloud has.
    through: BTreeMap<Epoch, Seq>,
    bindings: BTreeMap<BindingId, MemberId>,
    statements: BTreeMap<MemberId, Statement>,
    /// Rows about own entries that earlier statements brought.
    kept: Vec<Settlement>,
}

impl AccountFacts {
    fn read(reader: &StoreReader, signers: &DeviceIdentity) -> Result<Self, StoreError> {
        let statements = bound_statements(reader, signers)?.readable.into_iter();
        let statements: BTreeMap<MemberId, Statement> = statements
            .filter_map(|stored| stored.raw.verify(&signers.cloud_key, &stored.member).ok())
            .map(|signed| signed.into_parts().1)
            .map(|statement| (statement.member, statement))
            .collect();
        let mut bindings = BTreeMap::new();
        for (id, raw) in reader.bindings()? {
            if let Ok(binding) = raw.verify(&signers.cloud_key, &signers.device) {
                bindings.insert(id, binding.body().member);
            }
        }
        let mut through = BTreeMap::new();
        for point in heads(reader, signers, statements.values())? {
            // An orphan is the cloud's, and where it lies the chain of this disk is another branch.
            let fork = first_orphan(reader, point.epoch)?;
            let common = match (fork, reader.point(point.epoch, point.seq)?) {
                (Some(fork), _) => Seq::new(fork.get().saturating_sub(1)).min(point.seq),
                (None, Some(here)) if here == point => point.seq,
                (None, Some(_) | None) => continue,
            };
            let known = through.entry(point.epoch).or_insert(common);
            *known = common.max(*known);
        }
        let mut kept = Vec::new();
        for member in statements.keys() {
            kept.extend(reader.account_rows(*member)?);
        }
        Ok(Self {
            device: signers.device,
            through,
            bindings,
            statements,
            kept,
        })
    }

    /// Facts of statements alone, whose heads are those of the disk.
    #[cfg(test)]
    pub fn of(
        device: DeviceId,
        bindings: BTreeMap<BindingId, MemberId>,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Self {
        let statements: BTreeMap<MemberId, Statement> = statements
            .into_iter()
            .map(|statement| (statement.member, statement))
            .collect();
        let covers = statements.values();
        let covers = covers.filter_map(|statement| statement.covers.get(&device));
        Self {
            device,
            through: covers.map(|cover| (cover.epoch, cover.through)).collect(),
            bindings,
            statements,
            kept: Vec::new(),
        }
    }

    /// The same with rows that earlier statements brought, in the order of the cloud's lives.
    #[cfg(test)]
    pub fn with_kept(self, kept: Vec<Settlement>) -> Self {
        Self { kept, ..self }
    }

    /// Finds the state of an entry that nothing says again: by its verdict, if the disk has one, and by the account.
    pub fn status(
        &self,
        point: ChainPoint,
        binding: BindingId,
        verdict: Option<Verdict>,
    ) -> EntryStatus {
        match verdict {
            Some(verdict) => self.judged(point, binding, verdict),
            None if self.is_covered(point) => match self.settled_with(point) {
                Some(verdict) => self.judged(point, binding, verdict),
                None => EntryStatus::Settled,
            },
            None => EntryStatus::Pending,
        }
    }

    /// The account overtakes a verdict: what it held back is paid or refused, what was rejected is paid late, and what was
    /// paid is taken back.
    fn judged(&self, point: ChainPoint, binding: BindingId, verdict: Verdict) -> EntryStatus {
        let is_held = matches!(&verdict, Verdict::Review { .. })
            && self.holds_back(point, binding) != Some(false);
        if is_held {
            return EntryStatus::Judged(verdict);
        }
        let entry = self.entry_ref(point);
        let changes: Vec<&Settlement> = self
            .rows()
            .filter(|row| row.cause.changed_entry() == Some(entry))
            .collect();
        let is_released = |row: &&Settlement| matches!(row.cause, Cause::Released { .. });
        match changes.last() {
            Some(row) if is_released(row) => EntryStatus::Released {
                // Of what was paid, a part may have gone to points that were owed.
                points: row.points.minus(row.arrears),
                verdict,
            },
            Some(row)
                if matches!(&verdict, Verdict::Review { .. })
                    && row.points.is_zero()
                    && row.growth.is_zero()
                    && !changes.iter().any(is_released) =>
            {
                EntryStatus::Refused(verdict)
            }
            Some(row) => {
                let taken = Paid {
                    points: row.arrears.minus(row.points),
                    growth: Growth::ZERO.minus(row.growth),
                };
                let late = changes.iter().rev().find(|row| is_released(row));
                let paid = match late {
                    Some(late) => Paid {
                        points: late.points.minus(late.arrears),
                        growth: late.growth,
                    },
                    // The row of its late payment is not held any more: all of it was taken.
                    None if matches!(&verdict, Verdict::Rejected { .. }) => taken,
                    None => verdict.paid(),
                };
                EntryStatus::TakenBack {
                    verdict,
                    paid,
                    taken,
                }
            }
            None => match &verdict {
                Verdict::Review { paid, .. } => EntryStatus::Released {
                    points: paid.points,
                    verdict,
                },
                Verdict::Accepted { .. } | Verdict::Adjusted { .. } | Verdict::Rejected { .. } => {
                    EntryStatus::Judged(verdict)
                }
            },
        }
    }

    /// Returns whether the member's account holds the entry back; `None` while the statement is older than the entry.
    fn holds_back(&self, point: ChainPoint, binding: BindingId) -> Option<bool> {
        let member = self.bindings.get(&binding)?;
        let statement = self.statements.get(member)?;
        let cover = statement.covers.get(&self.device)?;
        let mut pending = statement.account.pending.iter();
        let entry = self.entry_ref(point);
        ((cover.epoch, cover.through) >= (point.epoch, point.seq))
            .then(|| pending.any(|pending| pending.entry == entry))
    }

    fn settled_with(&self, point: ChainPoint) -> Option<Verdict> {
        let settled = self.entry_ref(point);
        let verdicts = self.rows().filter_map(|row| match &row.cause {
            Cause::Entry { entry, verdict } if *entry == settled => Some(verdict.clone()),
            Cause::Entry { .. }
            | Cause::Released { .. }
            | Cause::Spent { .. }
            | Cause::Reversed { .. }
            | Cause::Expired { .. }
            | Cause::ClawedBack { .. }
            | Cause::Granted { .. }
            | Cause::TierChanged { .. } => None,
        });
        verdicts.last()
    }

    /// The rows of the accounts that are known: those that were kept, and those of the statements. Those about one entry are in
    /// the order of the cloud's lives, and of versions in each.
    fn rows(&self) -> impl Iterator<Item = &Settlement> {
        let statements = self.statements.values();
        let new = statements.flat_map(|statement| &statement.settlements);
        self.kept.iter().chain(new)
    }

    fn is_covered(&self, point: ChainPoint) -> bool {
        let through = self.through.get(&point.epoch);
        through.is_some_and(|through| point.seq <= *through)
    }

    const fn entry_ref(&self, point: ChainPoint) -> EntryRef {
        EntryRef {
            device: self.device,
            epoch: point.epoch,
            seq: point.seq,
        }
    }
}

/// The heads of this device that the cloud has named: those that statements cover, and those that epochs follow.
fn heads<'a>(
    reader: &StoreReader,
    signers: &DeviceIdentity,
    statements: impl Iterator<Item = &'a Statement>,
) -> Result<Vec<ChainPoint>, StoreError> {
    let covers = statements.filter_map(|statement| statement.covers.get(&signers.device));
    let mut heads: Vec<_> = covers
        .map(|cover| ChainPoint {
            epoch: cover.epoch,
            seq: cover.through,
            hash: cover.head,
        })
        .collect();
    for epoch in reader.epochs()? {
        let grant = epoch.raw.verify(&signers.cloud_key, &signers.device);
        heads.extend(grant.ok().and_then(|grant| grant.body().follows));
    }
    Ok(heads)
}

fn first_orphan(reader: &StoreReader, epoch: Epoch) -> Result<Option<Seq>, StoreError> {
    let orphans = reader.strays()?.into_iter();
    let of_epoch = orphans.filter(|orphan| orphan.point.epoch == epoch);
    Ok(of_epoch.map(|orphan| orphan.point.seq).min())
}
