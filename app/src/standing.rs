//! Derives the state of each entry of the ledger: from the cloud's verdict on it, or from a document that covers it.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Cause, DeviceId, Entry, EntryBody, EntryRef, Epoch, Seq, Statement, Verdict,
};
use dashpoint_store::{Activity, StoreError, StoreReader};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::ChainPoint;

use crate::books::bound_statements;

/// State of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The cloud has not spoken of it.
    Pending,
    /// The cloud's word.
    Judged(Verdict),
    /// A later epoch says it again, and stands for it.
    CarriedTo(ChainPoint),
    /// The account contains it; what the cloud said of it is on no disk of this car any more.
    Settled,
}

/// One entry of the ledger.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) activity: Activity,
    /// The decoded entry; `None` when it does not verify.
    pub(crate) entry: Option<Entry>,
    pub(crate) standing: Standing,
}

/// The last entries, newest first. What says an entry again comes after it, so whatever stands for a line is above it.
///
/// # Errors
/// [`StoreError`] when the ledger cannot be read.
pub(crate) fn newest_lines(
    reader: &StoreReader,
    signers: &DeviceIdentity,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let known = Known::read(reader, signers)?;
    let mut carried = BTreeMap::new();
    let mut lines = Vec::new();
    for activity in reader.activity(None, limit)? {
        let signed = activity.raw.clone();
        let signed = signed.verify(&signers.device_key, &signers.device).ok();
        let entry = signed.map(|signed| signed.into_parts().1);
        let first = match entry.as_ref().map(|entry| &entry.body) {
            Some(EntryBody::Carry { original, .. }) => *original,
            Some(EntryBody::Fresh(_)) | None => activity.point.hash,
        };
        let said_again = carried.get(&first).copied();
        let standing = match (&activity.verdict, said_again) {
            (Some(stored), _) => Standing::Judged(stored.verdict.clone()),
            (None, Some(point)) => Standing::CarriedTo(point),
            (None, None) => known.standing(activity.point),
        };
        if first != activity.point.hash {
            carried.entry(first).or_insert(activity.point);
        }
        lines.push(Line {
            activity,
            entry,
            standing,
        });
    }
    Ok(lines)
}

/// States that statements and grants prove for entries whose verdicts this disk does not have: it was restored from a
/// backup, and the cloud gave it its entries back.
struct Known {
    /// Up to where each epoch of this disk is the one that the cloud has.
    through: BTreeMap<Epoch, Seq>,
    told: BTreeMap<(Epoch, Seq), Verdict>,
}

impl Known {
    fn read(reader: &StoreReader, signers: &DeviceIdentity) -> Result<Self, StoreError> {
        let statements = bound_statements(reader, signers)?.readable.into_iter();
        let statements: Vec<Statement> = statements
            .filter_map(|stored| stored.raw.verify(&signers.cloud_key, &stored.member).ok())
            .map(|signed| signed.into_parts().1)
            .collect();
        let mut through = BTreeMap::new();
        for point in heads(reader, signers, &statements)? {
            // An entry beside the chain is the cloud's, and where it lies the chain of this disk is another branch.
            let fork = first_stray(reader, point.epoch)?;
            let common = match (fork, reader.point(point.epoch, point.seq)?) {
                (Some(fork), _) => Seq::new(fork.get().saturating_sub(1)).min(point.seq),
                (None, Some(here)) if here == point => point.seq,
                (None, Some(_) | None) => continue,
            };
            let known = through.entry(point.epoch).or_insert(common);
            *known = common.max(*known);
        }
        let told = statements
            .iter()
            .flat_map(|statement| told(statement, signers.device))
            .collect();
        Ok(Self { through, told })
    }

    fn standing(&self, point: ChainPoint) -> Standing {
        let through = self.through.get(&point.epoch);
        if through.is_none_or(|through| point.seq > *through) {
            return Standing::Pending;
        }
        let told = self.told.get(&(point.epoch, point.seq));
        told.map_or(Standing::Settled, |verdict| {
            Standing::Judged(verdict.clone())
        })
    }
}

/// The heads of this device that the cloud has named: those that statements cover, and those that epochs follow.
fn heads(
    reader: &StoreReader,
    signers: &DeviceIdentity,
    statements: &[Statement],
) -> Result<Vec<ChainPoint>, StoreError> {
    let covers = statements
        .iter()
        .filter_map(|statement| statement.covers.get(&signers.device));
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

fn first_stray(reader: &StoreReader, epoch: Epoch) -> Result<Option<Seq>, StoreError> {
    let strays = reader.strays()?.into_iter();
    let of_epoch = strays.filter(|stray| stray.point.epoch == epoch);
    Ok(of_epoch.map(|stray| stray.point.seq).min())
}

fn told(
    statement: &Statement,
    device: DeviceId,
) -> impl Iterator<Item = ((Epoch, Seq), Verdict)> + '_ {
    statement
        .settlements
        .iter()
        .filter_map(move |settlement| match &settlement.cause {
            Cause::Entry { entry, verdict } if entry.device == device => {
                let EntryRef { epoch, seq, .. } = *entry;
                Some(((epoch, seq), verdict.clone()))
            }
            Cause::Entry { .. }
            | Cause::Released { .. }
            | Cause::Spent { .. }
            | Cause::Reversed { .. }
            | Cause::Expired { .. }
            | Cause::ClawedBack { .. }
            | Cause::Granted { .. }
            | Cause::TierChanged { .. } => None,
        })
}
