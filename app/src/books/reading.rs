//! Reads and verifies the content of the store.

use std::collections::BTreeMap;

use dashpoint_membership::{
    BindingId, ChainStart, CompiledPolicy, Entry, Epoch, Fold, MemberId, Policies, Seq, ServerTime,
    Statement, fold_mine,
};
use dashpoint_store::{StoreError, StoreReader, StoredReceipt};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::{ChainPoint, EpochGrant, PublicKey, Raw, Signed};

use super::documents::bound_statements;
use super::error::BooksError;
use super::state::Books;

/// Entries read from the store at a time.
const PAGE: u32 = 200;

/// State of the own chain on the disk.
pub(super) struct StoredChain {
    /// The newest grant, if it is another one than before.
    pub grant: Option<Signed<EpochGrant>>,
    pub head: ChainPoint,
    /// True when own entries of that epoch, or of a later one, are stored as strays.
    pub forked: bool,
    pub receipt: Option<StoredReceipt>,
}

/// Reads and compiles the policies that the store holds; `None` when there is none. One that does not verify, or that this
/// program cannot run, counts as absent.
pub(crate) fn held_policies(
    reader: &StoreReader,
    cloud_key: &PublicKey,
) -> Result<Option<Policies>, StoreError> {
    let mut policies = Vec::new();
    for (version, raw) in reader.policies()? {
        let read = raw
            .verify(cloud_key, &())
            .map(|policy| CompiledPolicy::compile_known(policy.into_parts().1));
        match read {
            Ok(Ok(policy)) => policies.push(policy),
            Ok(Err(error)) => {
                tracing::warn!(%version, %error, "a policy is beyond this program");
            }
            Err(error) => tracing::warn!(%version, %error, "a policy does not verify"),
        }
    }
    Ok(Policies::of(policies))
}

impl Books {
    pub(super) fn own_chain(&self, reader: &StoreReader) -> Result<StoredChain, BooksError> {
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
        Ok(StoredChain {
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
                .insert(member, super::state::MemberBook { statement, fold });
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
        self.policies = held_policies(reader, &cloud_key)?;
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
        own: &StoredChain,
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
