//! The log as operators read it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dashpoint_membership::{
    Cause, DeviceId, Entry, EntryBody, EntryHash, EntryRef, MemberId, Points, PolicyVersion,
    ServerTime, Verdict,
};
use dashpoint_wire::Raw;
use rusqlite::Connection;
use serde::Serialize;

use super::CloudCore;
use super::named_caps::{NamedCap, caps_of_entry};
use super::selected::SelectedEntries;
use crate::error::CloudError;
use crate::store::intervals::MeterReadings;
use crate::store::{accounts, devices, log};

/// One entry as `entries` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryLine {
    /// The entry.
    pub entry: EntryRef,
    /// SHA-256 of its raw bytes.
    pub hash: EntryHash,
    /// The member, when its binding names one.
    pub member: Option<MemberId>,
    /// Kind of the transaction: `trip`, `charge`, `discharge` or `check-in`.
    pub kind: &'static str,
    /// The stretch of a meter that it claims; none for a check-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<MeterReadings>,
    /// True when it carries an entry of an epoch that the cloud never received.
    pub carried: bool,
    /// Time of the event as the device saw it, to five minutes.
    #[serde(rename = "happened_unix_s")]
    pub happened: ServerTime,
    /// Time of its arrival, rounded down to five minutes.
    #[serde(rename = "arrived_unix_s")]
    pub arrived: ServerTime,
    /// The policy that it was valued by in the car.
    pub policy: PolicyVersion,
    /// Points that the car expected to be paid.
    pub predicted: Points,
    /// The verdict.
    pub verdict: Verdict,
    /// The caps that the verdict names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cut_by: Vec<NamedCap>,
    /// Change of the account that followed the verdict; none where the verdict stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<EntryChange>,
}

/// A change of the account about an entry, after its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryChange {
    /// So many points were paid: it had been held back, or rejected.
    Paid(Points),
    /// Its points were taken back.
    TakenBack,
    /// An operator decided against it: it had been held back, and nothing was paid.
    Refused,
}

impl CloudCore {
    /// Entries in the order they came, each verified again; those of the same five minutes by device, then in the order of its
    /// chain. With `last` no more than so many, the newest ones.
    ///
    /// # Errors
    /// [`CloudError::NoMember`] and [`CloudError::NoDevice`] for one that is not here; [`CloudError::NoTime`] when no time lies between
    /// the two; [`CloudError::Wire`] when the log holds bytes that its device did not sign.
    pub fn entry_lines(
        &self,
        selected: SelectedEntries,
        last: Option<usize>,
    ) -> Result<Vec<EntryLine>, CloudError> {
        self.check_selected(selected)?;
        let most = last.unwrap_or(usize::MAX);
        let mut lines = VecDeque::new();
        self.each_entry(selected.device, selected.member, |line, _| {
            if selected.has_time(line.happened) {
                lines.push_back(line);
                if lines.len() > most {
                    drop(lines.pop_front());
                }
            }
            Ok(())
        })?;
        Ok(lines.into())
    }

    /// Walks over the same, each with what its device signed: one after the other, as a cloud may hold millions.
    pub(super) fn each_entry(
        &self,
        device: Option<DeviceId>,
        member: Option<MemberId>,
        mut take: impl FnMut(EntryLine, &Entry) -> Result<(), CloudError>,
    ) -> Result<(), CloudError> {
        let keys: BTreeMap<_, _> = devices::list(&self.db)?
            .into_iter()
            .map(|device| (device.id, device.key))
            .collect();
        let mut changes = AccountChanges::default();
        log::each(&self.db, device, member, |row| {
            let device = row.entry.device;
            let key = keys.get(&device).ok_or(CloudError::NoDevice(device))?;
            let signed = Raw::<Entry>::from(row.raw).verify(key, &device)?;
            let hash = signed.hash();
            let entry = signed.into_parts().1;
            let changes = match row.member {
                Some(member) => changes.of(&self.db, member, row.entry)?,
                None => &[],
            };
            let line = EntryLine {
                entry: row.entry,
                hash,
                member: row.member,
                kind: entry.transaction().kind().name(),
                interval: entry.transaction().interval().map(MeterReadings),
                carried: matches!(entry.body, EntryBody::Carry { .. }),
                happened: ServerTime::from_unix_s(entry.time.at.as_unix_s()),
                arrived: row.arrived,
                policy: entry.policy,
                predicted: entry.predicted(),
                cut_by: caps_of_entry(&self.policies, &entry, &row.verdict),
                since: since(&row.verdict, changes),
                verdict: row.verdict,
            };
            take(line, &entry)
        })
    }
}

/// Changes of the accounts about entries, each account read once.
#[derive(Debug, Default)]
struct AccountChanges {
    read: BTreeSet<MemberId>,
    of_entries: BTreeMap<EntryRef, Vec<EntryChange>>,
}

impl AccountChanges {
    /// Lists the changes about an entry, oldest first.
    fn of(
        &mut self,
        db: &Connection,
        member: MemberId,
        entry: EntryRef,
    ) -> Result<&[EntryChange], CloudError> {
        if self.read.insert(member) {
            for row in accounts::about_entries(db, member)? {
                let Some(entry) = row.cause.changed_entry() else {
                    continue;
                };
                let change = if matches!(row.cause, Cause::ClawedBack { .. }) {
                    EntryChange::TakenBack
                } else {
                    EntryChange::Paid(row.paid.points)
                };
                self.of_entries.entry(entry).or_default().push(change);
            }
        }
        Ok(self.of_entries.get(&entry).map_or(&[], Vec::as_slice))
    }
}

/// Finds what stands after a verdict.
const fn since(verdict: &Verdict, changes: &[EntryChange]) -> Option<EntryChange> {
    match changes {
        // Taken back with nothing paid before.
        [EntryChange::TakenBack] if matches!(verdict, Verdict::Review { .. }) => {
            Some(EntryChange::Refused)
        }
        [.., last] => Some(*last),
        [] => None,
    }
}
