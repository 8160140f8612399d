//! The books of the car: its verified documents, and the folds on top of them.

use std::collections::BTreeMap;

use dashpoint_membership::{
    BindingId, Catalogue, Chain, CompiledPolicy, Entry, Fold, FoldMark, Header, MemberId, Policies,
    Seq, ServerTime, Settlement, Statement, Subject, Text, TierId, VehicleId, View, view,
};
use dashpoint_store::StoreReader;
use dashpoint_sync::{DeviceIdentity, LocalFacts, StatementMark};
use dashpoint_telematics::Driver;
use dashpoint_wire::{Binding, ChainPoint, EpochGrant, NameSalt, PublicKey, Signed, SigningKey};

use super::documents::certificate;
use super::error::BooksError;
use crate::names::{DriverName, driver_tag, is_vehicle, vehicle_id};

/// One member as this car knows him.
#[derive(Debug)]
pub struct MemberBook {
    /// The newest statement.
    pub statement: Statement,
    /// The statement with this car's own entries on it.
    pub fold: Fold,
}

/// The verified state of the ledger and the cache.
#[derive(Debug)]
pub struct Books {
    /// Identity of this head unit, and the cloud's key that it trusts.
    pub identity: DeviceIdentity,
    /// The car that it was enrolled in.
    pub vehicle: VehicleId,
    /// The salt of names, as configured.
    pub salt: Option<NameSalt>,
    /// The present epoch.
    pub grant: Signed<EpochGrant>,
    /// Newest entry of the present epoch, or the grant.
    pub head: ChainPoint,
    /// Own entries of the present epoch, or of a later one, stand beside the chain.
    pub forked: bool,
    /// Newest receipt, as it was signed.
    pub receipt: Option<Vec<u8>>,
    /// Server time of the newest receipt or grant in the order of the chain: it may be earlier than that of an older one,
    /// which a wrong clock of the cloud has signed.
    pub receipt_at: ServerTime,
    /// The bindings, by pseudonym.
    pub bindings: BTreeMap<BindingId, Binding>,
    /// Every policy held; none after the cache was lost and before the next contact.
    pub policies: Option<Policies>,
    /// The catalogue.
    pub catalogue: Option<Catalogue>,
    /// The members bound to this car whose statement is held.
    pub members: BTreeMap<MemberId, MemberBook>,
    /// Statements that came before the first policy: nothing can be folded onto them yet.
    pub(crate) unfolded: BTreeMap<MemberId, Statement>,
    /// State before the last minted entry, while that entry is not on the disk yet.
    pub(crate) before: Option<Before>,
}

/// The folds before an entry that may not become durable.
#[derive(Debug)]
pub(crate) struct Before {
    chain: Chain,
    /// The fold that it was taken into, if it was.
    fold: Option<(MemberId, FoldMark)>,
}

impl Books {
    /// Reads and verifies everything that the store holds. What of the cache does not verify counts as absent: the
    /// next contact brings it back.
    ///
    /// # Errors
    /// [`BooksError`].
    pub fn open(
        reader: &StoreReader,
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
            identity: DeviceIdentity {
                device,
                device_key: certificate.body().key,
                cloud_key,
            },
            vehicle: certificate.body().vehicle,
            salt: None,
            head: ChainPoint {
                epoch: grant.body().epoch,
                seq: Seq::new(0),
                hash: grant.hash(),
            },
            forked: false,
            receipt: None,
            receipt_at: grant.body().issued,
            grant,
            bindings: BTreeMap::new(),
            policies: None,
            catalogue: None,
            members: BTreeMap::new(),
            unfolded: BTreeMap::new(),
            before: None,
        };
        books.read_bindings(reader)?;
        let statements = books.read_cache(reader)?;
        books.take_statements(statements, reader, now)?;
        Ok(books)
    }

    /// Returns whether the disk holds an enrolment at all.
    ///
    /// # Errors
    /// [`BooksError::Store`].
    pub fn is_enrolled(reader: &StoreReader) -> Result<bool, BooksError> {
        Ok(reader.certificate()?.is_some() && reader.newest_epoch()?.is_some())
    }

    /// Reads head and receipt again and folds the own entries anew, after anything but a minted entry.
    ///
    /// # Errors
    /// [`BooksError`]; then the books are as they were.
    pub fn refresh(&mut self, reader: &StoreReader, now: ServerTime) -> Result<(), BooksError> {
        self.take_statements(Vec::new(), reader, now)
    }

    /// Takes newer statements with the own entries that they do not cover, and does what [`Self::refresh`] does.
    ///
    /// A statement is never held without the entries on it: what was shown stays shown while the disk cannot be read.
    /// One that comes before the first policy waits for it.
    ///
    /// # Errors
    /// [`BooksError`]; then the books are as they were.
    pub fn take_statements(
        &mut self,
        statements: Vec<Statement>,
        reader: &StoreReader,
        now: ServerTime,
    ) -> Result<(), BooksError> {
        let own = self.own_chain(reader)?;
        let mut newer = self.newer(statements);
        let folds = self.fold_own(&own, &newer, reader, now)?;
        self.head = own.head;
        self.forked = own.forked;
        self.grant = own.grant.unwrap_or_else(|| self.grant.clone());
        self.receipt_at = self.grant.body().issued;
        if let Some(receipt) = own.receipt {
            if receipt.through.epoch >= self.grant.body().epoch {
                self.receipt_at = receipt.server_time;
            }
            self.receipt = Some(receipt.raw.into_bytes());
        }
        self.before = None;
        for (member, fold) in folds {
            if let Some(statement) = newer.remove(&member) {
                self.members.insert(member, MemberBook { statement, fold });
            } else if let Some(book) = self.members.get_mut(&member) {
                book.fold = fold;
            }
        }
        self.unfolded = newer;
        Ok(())
    }

    /// Those statements that are newer than what is held, and those that waited, the newest of each member.
    pub(super) fn newer(&self, statements: Vec<Statement>) -> BTreeMap<MemberId, Statement> {
        let mut newer = self.unfolded.clone();
        for statement in statements {
            let member = statement.member;
            let held = self.members.get(&member).map(|book| &book.statement);
            let held = newer.get(&member).or(held);
            if !held.is_some_and(|held| held.supersedes(&statement)) {
                newer.insert(member, statement);
            }
        }
        newer
    }

    /// Takes a policy that the store has; returns whether this program can read its rules.
    pub fn take_policy(&mut self, policy: CompiledPolicy) {
        match &mut self.policies {
            Some(policies) => policies.insert(policy),
            None => self.policies = Some(Policies::new(policy)),
        }
    }

    /// Returns the name of the vehicle with this VIN: that of the certificate when it is the one, in either form.
    #[must_use]
    pub fn name_of(&self, vin: &str) -> VehicleId {
        if is_vehicle(self.vehicle, vin, self.salt.as_ref()) {
            self.vehicle
        } else {
            vehicle_id(vin)
        }
    }

    /// Takes the salt of the configuration, under which bindings name their drivers.
    #[must_use]
    pub fn with_salt(self, salt: Option<NameSalt>) -> Self {
        Self { salt, ..self }
    }

    /// The binding of a driver: his own, or for a car that does not tell drivers apart the one without a driver.
    #[must_use]
    pub fn binding_of(&self, driver: &Driver) -> Option<&Binding> {
        let wanted = match driver {
            Driver::Guest => return None,
            Driver::Unidentified => vec![None],
            Driver::Named { issuer, subject } => {
                let salted = self
                    .salt
                    .map(|salt| Some(DriverName { issuer, subject }.tag(&salt)));
                let old = Some(driver_tag(issuer, subject));
                salted.into_iter().chain([old]).collect()
            }
        };
        let exact = wanted.iter().find_map(|wanted| {
            let mut bindings = self.bindings.values();
            bindings.find(|binding| binding.driver == *wanted)
        });
        let only = || match driver {
            Driver::Unidentified if self.bindings.len() == 1 => self.bindings.values().next(),
            Driver::Unidentified | Driver::Guest | Driver::Named { .. } => None,
        };
        exact.or_else(only)
    }

    /// Makes the next entry, unsigned, and takes it into the fold; `None` while statement or policy are missing.
    ///
    /// Once it is durable, [`Self::committed`] is due; should it not become so, [`Self::forget_minted`].
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
        book.fold.chain = chain;
        let mark = book.fold.mark();
        let minted = book.fold.mint(policies, header, subject, now);
        let after = book.fold.chain;
        // While a statement covers this place or a later one, this disk is an old copy, and its own entries are on no
        // screen until it has caught up: neither those before nor this one.
        let cover = book.statement.covers.get(&device);
        let place = (header.epoch, header.seq);
        let fold = if cover.is_some_and(|cover| (cover.epoch, cover.through) >= place) {
            book.fold.go_back(mark);
            None
        } else {
            Some((member, mark))
        };
        self.before = Some(Before { chain, fold });
        self.set_chain(after);
        Some(minted)
    }

    /// The minted entry is durable.
    pub fn committed(&mut self, head: ChainPoint) {
        self.head = head;
        self.before = None;
    }

    /// Takes the minted entry out again: it did not become durable. The disk is not asked, since it may be the one that
    /// refuses.
    pub fn forget_minted(&mut self) {
        let Some(Before { chain, fold }) = self.before.take() else {
            return;
        };
        if let Some((member, mark)) = fold
            && let Some(book) = self.members.get_mut(&member)
        {
            book.fold.go_back(mark);
        }
        self.set_chain(chain);
    }

    /// The chain is the device's: every fold ends with it.
    fn set_chain(&mut self, chain: Chain) {
        self.members
            .values_mut()
            .for_each(|book| book.fold.chain = chain);
    }

    /// Compares a key with the one that the certificate names: nothing is signed with another.
    #[must_use]
    pub fn is_own_key(&self, key: &SigningKey) -> bool {
        key.public() == self.identity.device_key
    }

    /// The policy in force.
    #[must_use]
    pub fn policy_at(&self, now: ServerTime) -> Option<&CompiledPolicy> {
        Some(self.policies.as_ref()?.in_force_at(now))
    }

    /// Returns the title of a tier: by the policy in force, else by the newest that has it; an id is no title.
    #[must_use]
    pub fn tier_title(&self, tier: &TierId, now: ServerTime) -> Text {
        let in_force = self.policy_at(now).map(CompiledPolicy::policy);
        let mut ladder = in_force.iter().flat_map(|policy| &policy.tiers.ladder);
        let title = ladder.find(|step| step.id == *tier).map(|step| &step.title);
        let policies = self.policies.as_ref();
        let title = title.or_else(|| policies.and_then(|policies| policies.tier_title(tier)));
        title.cloned().unwrap_or_else(|| Text {
            en: "Tier of earlier rules".to_owned(),
            zh: "原规则等级".to_owned(),
        })
    }

    /// Returns each member with his view.
    pub fn views(&self, now: ServerTime) -> impl Iterator<Item = (&MemberBook, View)> {
        let policy = self.policy_at(now);
        self.members
            .values()
            .filter_map(move |book| Some((book, view(&book.statement, &book.fold, policy?, now))))
    }

    /// Returns the facts for the start of the reconciler, but for the time of the newest entry.
    #[must_use]
    pub fn facts(&self, network: bool) -> LocalFacts {
        let mark = |member: MemberId| {
            let held = self
                .members
                .get(&member)
                .map(|book| &book.statement)
                .or_else(|| self.unfolded.get(&member));
            (member, held.map(StatementMark::of))
        };
        let members: std::collections::BTreeSet<_> = self
            .bindings
            .values()
            .map(|binding| binding.member)
            .collect();
        LocalFacts {
            head: self.head,
            head_made_unix_s: None,
            forked: self.forked,
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

    /// State of the device's chain: every fold ends with it.
    fn chain(&self) -> Chain {
        self.members
            .values()
            .next()
            .map_or(self.grant.body().chain, |book| book.fold.chain)
    }
}
