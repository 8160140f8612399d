//! Reads and verifies the content of the store.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{
    BindingId, ChainStart, CompiledPolicy, DeviceId, Entry, Epoch, Fold, MemberId, Seq, ServerTime,
    Statement, fold_mine,
};
use dashpoint_store::{Statements, StoreError, StoreReader, StoredReceipt};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::{ChainPoint, DeviceCertificate, EpochGrant, PublicKey, Raw, Signed};

use super::{Books, BooksError};

/// Entries read from the store at a time.
const PAGE: u32 = 200;

/// Name under which the store keeps the device's id, which the certificate is verified for.
pub const DEVICE_META: &str = "device";

/// State of the own chain on the disk.
pub(super) struct OwnChain {
    /// The newest grant, if it is another one than before.
    pub grant: Option<Signed<EpochGrant>>,
    pub head: ChainPoint,
    /// True when own entries of that epoch, or of a later one, are stored as strays.
    pub forked: bool,
    pub receipt: Option<StoredReceipt>,
}

impl Books {
    pub(super) fn own_chain(&self, reader: &StoreReader) -> Result<OwnChain, BooksError> {
        let newest = reader.newest_epoch()?;
        let other = newest.filter(|newest| newest.hash != self.grant.hash());
        let grant = other
            .map(|newest| {
                let DeviceIdentity {
                    cloud_key, device, ..
                } = &self.identity;
                newest.raw.verify(cloud_key, device)
            })
            .transpose()
            .map_err(BooksError::OtherCloud)?;
        let epoch = grant.as_ref().unwrap_or(&self.grant).body().epoch;
        Ok(OwnChain {
            head: reader.head(epoch)?.ok_or(BooksError::NotEnrolled)?,
            forked: reader.is_forked(epoch)?,
            receipt: reader.last_receipt()?,
            grant,
        })
    }

    /// Takes a newer statement with none of the own entries on it.
    #[cfg(test)]
    pub fn take_statement(&mut self, statement: Statement, now: ServerTime) {
        let newer = self.newer(vec![statement]);
        let Some(policies) = &self.policies else {
            return;
        };
        let grant = self.grant.body();
        let start = ChainStart {
            epoch: grant.epoch,
            chain: grant.chain,
        };
        let device = self.identity.device;
        for (member, statement) in newer {
            let fold = fold_mine(&statement, device, start, &[], |_| true, policies, now);
            self.members
                .insert(member, super::MemberBook { statement, fold });
        }
    }

    pub(super) fn read_bindings(&mut self, reader: &StoreReader) -> Result<(), BooksError> {
        for (id, raw) in reader.bindings()? {
            let binding = raw
                .verify(&self.identity.cloud_key, &self.identity.device)
                .map_err(BooksError::OtherCloud)?;
            self.bindings.insert(id, binding.into_parts().1);
        }
        if self.bindings.is_empty() {
            Err(BooksError::NotEnrolled)
        } else {
            Ok(())
        }
    }

    /// Reads what the cache holds; returns the statements.
    pub(super) fn read_cache(
        &mut self,
        reader: &StoreReader,
    ) -> Result<Vec<Statement>, BooksError> {
        let cloud_key = self.identity.cloud_key;
        for (version, raw) in reader.policies()? {
            let read = raw
                .verify(&cloud_key, &())
                .map(|policy| CompiledPolicy::compile_known(policy.into_parts().1));
            match read {
                Ok(Ok(policy)) => self.take_policy(policy),
                Ok(Err(error)) => {
                    tracing::warn!(%version, %error, "a policy is beyond this program");
                }
                Err(error) => tracing::warn!(%version, %error, "a policy does not verify"),
            }
        }
        if let Some((version, raw)) = reader.catalogue()? {
            match raw.verify(&cloud_key, &()) {
                Ok(catalogue) => self.catalogue = Some(catalogue.into_parts().1),
                Err(error) => tracing::warn!(%version, %error, "the catalogue does not verify"),
            }
        }
        let mut statements = Vec::new();
        for stored in bound_statements(reader, &self.identity)?.readable {
            match stored.raw.verify(&cloud_key, &stored.member) {
                Ok(statement) => statements.push(statement.into_parts().1),
                Err(error) => tracing::warn!(%error, "a statement does not verify"),
            }
        }
        Ok(statements)
    }

    /// Folds the own entries of the present epoch onto the statements that do not cover them. The chain is the
    /// device's, whoever drove.
    pub(super) fn fold_own(
        &self,
        own: &OwnChain,
        newer: &BTreeMap<MemberId, Statement>,
        reader: &StoreReader,
        now: ServerTime,
    ) -> Result<Vec<(MemberId, Fold)>, BooksError> {
        let Some(policies) = &self.policies else {
            return Ok(Vec::new());
        };
        let grant = own.grant.as_ref().unwrap_or(&self.grant).body();
        let start = ChainStart {
            epoch: grant.epoch,
            chain: grant.chain,
        };
        let device = self.identity.device;
        let held = self.members.iter().map(|(id, book)| (*id, &book.statement));
        let mut statements: BTreeMap<MemberId, &Statement> = held.collect();
        statements.extend(newer.iter().map(|(id, statement)| (*id, statement)));
        let covers = statements.values().map(|statement| {
            let cover = statement.covers.get(&device);
            let cover = cover.filter(|cover| cover.epoch == start.epoch);
            cover.map_or(Seq::new(0), |cover| cover.through)
        });
        let after = covers.min().unwrap_or(own.head.seq);
        let entries = self.own_entries(reader, start.epoch, after)?;
        let fold = |(member, statement): (MemberId, &Statement)| {
            let is_mine = |binding: &BindingId| {
                let binding = self.bindings.get(binding);
                binding.is_some_and(|binding| binding.member == member)
            };
            let fold = fold_mine(statement, device, start, &entries, is_mine, policies, now);
            (member, fold)
        };
        Ok(statements.into_iter().map(fold).collect())
    }

    /// The own entries of the present epoch after a place, verified.
    fn own_entries(
        &self,
        reader: &StoreReader,
        epoch: Epoch,
        after: Seq,
    ) -> Result<Vec<Entry>, BooksError> {
        let mut entries = Vec::new();
        let mut seq = after;
        loop {
            let page = reader.entries_after(epoch, seq, PAGE)?;
            let is_last = page.len() < PAGE as usize;
            for raw in page {
                seq = seq.next();
                entries.push(self.own_entry(raw, epoch, seq)?);
            }
            if is_last {
                return Ok(entries);
            }
        }
    }

    fn own_entry(&self, raw: Raw<Entry>, epoch: Epoch, seq: Seq) -> Result<Entry, BooksError> {
        raw.verify(&self.identity.device_key, &self.identity.device)
            .map(|entry| entry.into_parts().1)
            .map_err(|source| BooksError::OwnEntry {
                epoch: epoch.get(),
                seq: seq.get(),
                source,
            })
    }
}

/// The statements of the members who are bound to this head unit: one of another is none of its business, wherever the
/// cache has it from.
///
/// # Errors
/// [`StoreError`] when the files cannot be read.
pub fn bound_statements(
    reader: &StoreReader,
    who: &DeviceIdentity,
) -> Result<Statements, StoreError> {
    let mut bound = BTreeSet::new();
    for (_, raw) in reader.bindings()? {
        if let Ok(binding) = raw.verify(&who.cloud_key, &who.device) {
            bound.insert(binding.body().member);
        }
    }
    let mut statements = reader.statements()?;
    statements
        .readable
        .retain(|stored| bound.contains(&stored.member));
    statements.sealed.retain(|member| bound.contains(member));
    Ok(statements)
}

/// The device certificate, verified.
///
/// # Errors
/// [`BooksError::NotEnrolled`]; [`BooksError::OtherCloud`]; [`BooksError::Store`].
pub fn certificate(
    reader: &StoreReader,
    cloud_key: &PublicKey,
) -> Result<Signed<DeviceCertificate>, BooksError> {
    let raw = reader.certificate()?.ok_or(BooksError::NotEnrolled)?;
    // The device is named by the certificate itself: the store holds only the one that enrolment verified.
    let device = reader.meta(DEVICE_META)?.ok_or(BooksError::NotEnrolled)?;
    let device = <[u8; 16]>::try_from(device).map_err(|_| BooksError::NotEnrolled)?;
    let device = DeviceId::from_bytes(device);
    raw.verify(cloud_key, &device)
        .map_err(BooksError::OtherCloud)
}
