//! The books: what the car holds of what was signed, verified, and the folds on top of it.

use std::collections::BTreeMap;

use dashpoint_membership::{
    BindingId, Catalogue, Chain, ChainStart, CompiledPolicy, DriverTag, Entry, EvidenceDigest,
    Fold, Header, MemberId, Policies, Seq, ServerTime, Settlement, Statement, Subject, VehicleId,
    View, fold, fold_mine, view,
};
use dashpoint_store::{Reader, StoreError};
use dashpoint_sync::{Identity, LocalFacts, StatementMark};
use dashpoint_telematics::Driver;
use dashpoint_wire::{
    Binding, ChainPoint, DeviceCertificate, EpochGrant, PublicKey, Raw, Signed, WireError,
};

/// Bytes of salt before private evidence, so that its digest gives nothing away.
pub const SALT_LEN: usize = 16;

/// Entries read from the store at a time.
const PAGE: u32 = 200;

/// Why the books cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// There is no certificate, no binding or no epoch yet.
    #[error("this head unit is not enrolled; run `dashpoint enrol` first")]
    NotEnrolled,
    /// The certificate is not of the cloud that the configuration names.
    #[error("this head unit was enrolled with another cloud than cloud.key names")]
    OtherCloud(#[source] WireError),
    /// An entry of its own does not verify.
    #[error("entry {seq} of epoch {epoch} does not verify; run `dashpoint ledger --verify`")]
    OwnEntry {
        /// Its epoch.
        epoch: u32,
        /// Its place.
        seq: u64,
        /// Why.
        source: WireError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One member as this car knows him.
#[derive(Debug)]
pub struct MemberBook {
    /// The newest statement.
    pub statement: Statement,
    /// The statement with this car's own entries on it.
    pub fold: Fold,
}

/// What the car holds, verified.
#[derive(Debug)]
pub struct Books {
    /// Who this head unit is, and whose word it takes.
    pub identity: Identity,
    /// The car that it was enrolled in.
    pub vehicle: VehicleId,
    /// The present epoch.
    pub grant: Signed<EpochGrant>,
    /// Newest entry of the present epoch, or the grant.
    pub head: ChainPoint,
    /// Newest receipt, as it was signed.
    pub receipt: Option<Vec<u8>>,
    /// Server time of the newest receipt or grant.
    pub receipt_at: ServerTime,
    /// The bindings, by pseudonym.
    pub bindings: BTreeMap<BindingId, Binding>,
    /// Every policy held; none after the cache was lost and before the next contact.
    pub policies: Option<Policies>,
    /// The catalogue.
    pub catalogue: Option<Catalogue>,
    /// The members bound to this car whose statement is held.
    pub members: BTreeMap<MemberId, MemberBook>,
}

impl Books {
    /// Reads and verifies everything that the store holds. What of the cache does not verify counts as absent: the
    /// next contact brings it back.
    ///
    /// # Errors
    /// [`BooksError`].
    pub fn open(
        reader: &Reader,
        cloud_key: PublicKey,
        now: ServerTime,
    ) -> Result<Self, BooksError> {
        let certificate = certificate(reader, &cloud_key)?;
        let device = certificate.body().device;
        let grant = reader.newest_epoch()?.ok_or(BooksError::NotEnrolled)?;
        let grant = grant
            .raw
            .verify(&cloud_key, &device)
            .map_err(BooksError::OtherCloud)?;
        let mut books = Self {
            identity: Identity {
                device,
                device_key: certificate.body().key,
                cloud_key,
            },
            vehicle: certificate.body().vehicle,
            head: ChainPoint {
                epoch: grant.body().epoch,
                seq: Seq::new(0),
                hash: grant.hash(),
            },
            receipt: None,
            receipt_at: grant.body().issued,
            grant,
            bindings: BTreeMap::new(),
            policies: None,
            catalogue: None,
            members: BTreeMap::new(),
        };
        books.read_bindings(reader)?;
        books.read_cache(reader, now)?;
        books.refresh(reader, now)?;
        Ok(books)
    }

    /// Whether the disk holds an enrolment at all.
    ///
    /// # Errors
    /// [`BooksError::Store`].
    pub fn is_enrolled(reader: &Reader) -> Result<bool, BooksError> {
        Ok(reader.certificate()?.is_some() && reader.newest_epoch()?.is_some())
    }

    /// Reads head and receipt again and folds the own entries anew, after anything but a minted entry.
    ///
    /// # Errors
    /// [`BooksError`].
    pub fn refresh(&mut self, reader: &Reader, now: ServerTime) -> Result<(), BooksError> {
        if let Some(newest) = reader.newest_epoch()?
            && newest.hash != self.grant.hash()
        {
            self.grant = newest
                .raw
                .verify(&self.identity.cloud_key, &self.identity.device)
                .map_err(BooksError::OtherCloud)?;
        }
        let epoch = self.grant.body().epoch;
        self.head = reader.head(epoch)?.ok_or(BooksError::NotEnrolled)?;
        self.receipt_at = self.grant.body().issued;
        if let Some(receipt) = reader.last_receipt()? {
            self.receipt_at = self.receipt_at.max(receipt.server_time);
            self.receipt = Some(receipt.raw.into_bytes());
        }
        self.fold_own(reader, now)
    }

    /// Takes a newer statement; [`Self::refresh`] is due afterwards.
    pub fn take_statement(&mut self, statement: Statement, now: ServerTime) {
        let member = statement.member;
        if self
            .members
            .get(&member)
            .is_some_and(|held| held.statement.supersedes(&statement))
        {
            return;
        }
        if let Some(policies) = &self.policies {
            let fold = fold(
                &statement,
                self.identity.device,
                self.start(),
                &[],
                policies,
                now,
            );
            self.members.insert(member, MemberBook { statement, fold });
        }
    }

    /// Takes a policy that the store has; returns whether this program can read its rules.
    pub fn take_policy(&mut self, policy: CompiledPolicy) {
        match &mut self.policies {
            Some(policies) => policies.insert(policy),
            None => self.policies = Some(Policies::new(policy)),
        }
    }

    /// The binding of a driver: his own, or for a car that does not tell drivers apart the one without a driver.
    #[must_use]
    pub fn binding_of(&self, driver: &Driver) -> Option<&Binding> {
        let wanted = match driver {
            Driver::Guest => return None,
            Driver::Unidentified => None,
            Driver::Named { issuer, subject } => Some(driver_tag(issuer, subject)),
        };
        let exact = self
            .bindings
            .values()
            .find(|binding| binding.driver == wanted);
        let only = || match driver {
            Driver::Unidentified if self.bindings.len() == 1 => self.bindings.values().next(),
            Driver::Unidentified | Driver::Guest | Driver::Named { .. } => None,
        };
        exact.or_else(only)
    }

    /// Makes the next entry, unsigned, and takes it into the fold; `None` while statement or policy are missing.
    ///
    /// Should it not become durable, [`Self::refresh`] takes it out again.
    pub fn mint(
        &mut self,
        binding: BindingId,
        time: dashpoint_membership::EventTime,
        subject: Subject,
        now: ServerTime,
    ) -> Option<(Entry, Settlement)> {
        let member = self.bindings.get(&binding)?.member;
        let chain = self.chain();
        let header = Header {
            epoch: self.head.epoch,
            seq: self.head.seq.next(),
            prev: self.head.hash,
            binding,
            time,
            receipt_at: self.receipt_at,
        };
        let device = self.identity.device;
        let policies = self.policies.as_ref()?;
        let book = self.members.get_mut(&member)?;
        // While a statement covers this place or a later one, this disk is an old copy, and its own entries are on no
        // screen until it has caught up: neither those before nor this one.
        let cover = book.statement.covers.get(&device);
        let place = (header.epoch, header.seq);
        let overtaken = cover.is_some_and(|cover| (cover.epoch, cover.through) >= place);
        let shown = overtaken.then(|| book.fold.clone());
        book.fold.chain = chain;
        let minted = book.fold.mint(policies, header, subject, now);
        let chain = book.fold.chain;
        if let Some(shown) = shown {
            book.fold = shown;
        }
        self.members
            .values_mut()
            .for_each(|book| book.fold.chain = chain);
        Some(minted)
    }

    /// The policy in force.
    #[must_use]
    pub fn policy_at(&self, now: ServerTime) -> Option<&CompiledPolicy> {
        Some(self.policies.as_ref()?.in_force_at(now))
    }

    /// What each member is shown.
    pub fn views(&self, now: ServerTime) -> impl Iterator<Item = (&MemberBook, View)> {
        let policy = self.policy_at(now);
        self.members
            .values()
            .filter_map(move |book| Some((book, view(&book.statement, &book.fold, policy?, now))))
    }

    /// What the reconciler has to know at its start.
    #[must_use]
    pub fn facts(&self, network: bool) -> LocalFacts {
        let mark = |member: MemberId| {
            let held = self
                .members
                .get(&member)
                .map(|book| StatementMark::of(&book.statement));
            (member, held)
        };
        let members: std::collections::BTreeSet<_> = self
            .bindings
            .values()
            .map(|binding| binding.member)
            .collect();
        LocalFacts {
            head: self.head,
            grant: self.grant.hash(),
            server_epoch: self.grant.body().server_epoch,
            last_receipt: self.receipt.clone(),
            members: members.into_iter().map(mark).collect(),
            policy: self
                .policies
                .as_ref()
                .map(|policies| policies.newest().version()),
            catalogue: self.catalogue.as_ref().map(|catalogue| catalogue.version),
            network,
        }
    }

    fn start(&self) -> ChainStart {
        ChainStart {
            epoch: self.grant.body().epoch,
            chain: self.grant.body().chain,
        }
    }

    /// State of the device's chain: every fold ends with it.
    fn chain(&self) -> Chain {
        self.members
            .values()
            .next()
            .map_or(self.grant.body().chain, |book| book.fold.chain)
    }

    fn read_bindings(&mut self, reader: &Reader) -> Result<(), BooksError> {
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

    fn read_cache(&mut self, reader: &Reader, now: ServerTime) -> Result<(), BooksError> {
        let cloud_key = self.identity.cloud_key;
        for (version, raw) in reader.policies()? {
            let read = raw
                .verify(&cloud_key, &())
                .map(|policy| CompiledPolicy::compile(policy.into_parts().1));
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
        for stored in reader.statements()?.readable {
            match stored.raw.verify(&cloud_key, &stored.member) {
                Ok(statement) => self.take_statement(statement.into_parts().1, now),
                Err(error) => tracing::warn!(%error, "a statement does not verify"),
            }
        }
        Ok(())
    }

    /// Folds the own entries of the present epoch onto the statements that do not cover them. The chain is the
    /// device's, whoever drove.
    fn fold_own(&mut self, reader: &Reader, now: ServerTime) -> Result<(), BooksError> {
        let Some(policies) = &self.policies else {
            return Ok(());
        };
        let (device, start) = (self.identity.device, self.start());
        let covers = self.members.values().map(|book| {
            let cover = book.statement.covers.get(&device);
            let cover = cover.filter(|cover| cover.epoch == start.epoch);
            cover.map_or(Seq::new(0), |cover| cover.through)
        });
        let own = self.own_entries(reader, covers.min().unwrap_or(self.head.seq))?;
        let bindings = &self.bindings;
        for (member, book) in &mut self.members {
            let is_mine = |binding: &BindingId| {
                bindings
                    .get(binding)
                    .is_some_and(|binding| binding.member == *member)
            };
            book.fold = fold_mine(&book.statement, device, start, &own, is_mine, policies, now);
        }
        Ok(())
    }

    /// The own entries of the present epoch after a place, verified.
    fn own_entries(&self, reader: &Reader, after: Seq) -> Result<Vec<Entry>, BooksError> {
        let mut entries = Vec::new();
        let mut seq = after;
        loop {
            let page = reader.entries_after(self.grant.body().epoch, seq, PAGE)?;
            let is_last = page.len() < PAGE as usize;
            for raw in page {
                seq = seq.next();
                entries.push(self.own_entry(raw, seq)?);
            }
            if is_last {
                return Ok(entries);
            }
        }
    }

    fn own_entry(&self, raw: Raw<Entry>, seq: Seq) -> Result<Entry, BooksError> {
        raw.verify(&self.identity.device_key, &self.identity.device)
            .map(|entry| entry.into_parts().1)
            .map_err(|source| BooksError::OwnEntry {
                epoch: self.grant.body().epoch.get(),
                seq: seq.get(),
                source,
            })
    }
}

/// The device certificate, verified.
///
/// # Errors
/// [`BooksError::NotEnrolled`]; [`BooksError::OtherCloud`]; [`BooksError::Store`].
pub fn certificate(
    reader: &Reader,
    cloud_key: &PublicKey,
) -> Result<Signed<DeviceCertificate>, BooksError> {
    let raw = reader.certificate()?.ok_or(BooksError::NotEnrolled)?;
    // The device is named by the certificate itself: the store holds only the one that enrolment verified.
    let device = reader.meta(DEVICE_META)?.ok_or(BooksError::NotEnrolled)?;
    let device = <[u8; 16]>::try_from(device).map_err(|_| BooksError::NotEnrolled)?;
    let device = dashpoint_membership::DeviceId::from_bytes(device);
    raw.verify(cloud_key, &device)
        .map_err(BooksError::OtherCloud)
}

/// Name under which the store keeps the device's id, which the certificate is verified for.
pub const DEVICE_META: &str = "device";

/// The driver as the vehicle's bus names him, without the name.
#[must_use]
pub fn driver_tag(issuer: &str, subject: &str) -> DriverTag {
    let named = [
        b"dashpoint/driver/v1",
        issuer.as_bytes(),
        &[0],
        subject.as_bytes(),
    ]
    .concat();
    DriverTag::from_bytes(first_16(&named))
}

/// The vehicle without its VIN.
#[must_use]
pub fn vehicle_id(vin: &str) -> VehicleId {
    VehicleId::from_bytes(first_16(
        &[b"dashpoint/vehicle/v1", vin.as_bytes()].concat(),
    ))
}

/// Digest of salted private evidence.
#[must_use]
pub fn evidence_digest(private: &[u8]) -> EvidenceDigest {
    EvidenceDigest::from_bytes(dashpoint_wire::digest(private))
}

fn first_16(bytes: &[u8]) -> [u8; 16] {
    let digest = dashpoint_wire::digest(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}
