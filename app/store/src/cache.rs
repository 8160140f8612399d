//! The cache: sealed statements, policies, the catalogue, and where the open trip stands.

use dashpoint_membership::{
    Catalogue, CatalogueVersion, LedgerVersion, MemberId, Policy, PolicyVersion, ServerEpoch,
    ServerTime, Statement,
};
use dashpoint_wire::{Raw, Signed};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use crate::account_row;
use crate::database::{CACHE, LEDGER};
use crate::error::{Doing as _, StoreError};
use crate::seal::{SealKey, seal, unseal};
use crate::sealing::{SealedPlace, close, open};
use crate::store::{Store, StoreReader};

/// Result of putting a document into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there now.
    Stored,
    /// The same or a newer one is there: nothing changed.
    Older,
}

/// The statements that the cache holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements {
    /// Those that could be unsealed, by member.
    pub readable: Vec<StoredStatement>,
    /// Members whose statement the key does not open: to be fetched again.
    pub sealed: Vec<MemberId>,
}

/// A statement as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStatement {
    /// The member.
    pub member: MemberId,
    /// Its version: what a question for a newer one names.
    pub version: LedgerVersion,
    /// The signed bytes.
    pub raw: Raw<Statement>,
}

/// Orders the statements of one member, as [`Statement::supersedes`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    server_epoch: ServerEpoch,
    version: LedgerVersion,
    issued: ServerTime,
}

impl Rank {
    const fn of(statement: &Statement) -> Self {
        Self {
            server_epoch: statement.server_epoch,
            version: statement.account.version,
            issued: statement.issued,
        }
    }

    /// Makes the associated data of a statement's seal: the kind of row, the member, the rank.
    fn about(&self, member: MemberId) -> Vec<u8> {
        let mut about = b"dashpoint/statement/v1".to_vec();
        about.extend(member.as_bytes());
        about.extend(self.server_epoch.get().to_be_bytes());
        about.extend(self.version.get().to_be_bytes());
        about.extend(self.issued.as_unix_s().to_be_bytes());
        about
    }
}

/// One row of statements.
struct SealedStatement {
    member: MemberId,
    rank: Rank,
    sealed: Vec<u8>,
}

impl SealedStatement {
    const COLUMNS: &str = "SELECT member, server_epoch, version, issued, sealed FROM statement";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            member: MemberId::from_bytes(row.get(0)?),
            rank: Rank {
                server_epoch: ServerEpoch::new(row.get(1)?),
                version: LedgerVersion::new(row.get(2)?),
                issued: ServerTime::from_unix_s(row.get(3)?),
            },
            sealed: row.get(4)?,
        })
    }

    fn open(&self, key: &SealKey) -> Option<Vec<u8>> {
        unseal(key, &self.rank.about(self.member), &self.sealed)
    }
}

impl Store {
    /// Seals and keeps a statement, unless the same or a newer one of that member is there and readable.
    ///
    /// # Errors
    /// [`StoreError::NoSealKey`]; [`StoreError::NoNonce`]; [`StoreError::is_disk_full`].
    pub fn put_statement(&mut self, statement: &Signed<Statement>) -> Result<Put, StoreError> {
        let put = self.put_statements(std::slice::from_ref(statement))?;
        Ok(put.into_iter().next().unwrap_or(Put::Older))
    }

    pub(crate) fn put_statements(
        &mut self,
        statements: &[Signed<Statement>],
    ) -> Result<Vec<Put>, StoreError> {
        let doing = "write statements";
        let key = self.read.seal.ok_or(StoreError::NoSealKey)?;
        let own = statements
            .iter()
            .map(|statement| account_row::to_keep(&self.read.ledger, statement.body()));
        let own: Vec<_> = own.collect::<Result<_, _>>()?;
        let tx = self
            .read
            .cache
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(doing)?;
        let mut puts = Vec::with_capacity(statements.len());
        for (statement, own) in statements.iter().zip(own) {
            let member = statement.body().member;
            let rank = Rank::of(statement.body());
            let held = sealed_statement(&tx, member)?;
            let held_rank = held
                .as_ref()
                .map(|held| (held.rank.server_epoch, held.rank.issued));
            if held.is_some_and(|held| held.rank >= rank && held.open(&key).is_some()) {
                puts.push(Put::Older);
                continue;
            }
            let body = statement.body();
            account_row::keep(&tx, &key, &mut self.nonces, held_rank, body, &own)?;
            let nonce = (self.nonces)().ok_or(StoreError::NoNonce)?;
            let sealed = seal(&key, nonce, &rank.about(member), statement.raw()).ok_or(
                StoreError::OutOfRange {
                    what: "the length of a statement",
                },
            )?;
            tx.execute(
                "INSERT OR REPLACE INTO statement (member, server_epoch, version, issued, sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    member.as_bytes(),
                    rank.server_epoch.get(),
                    rank.version.get().cast_signed(),
                    rank.issued.as_unix_s(),
                    sealed
                ],
            )
            .doing(doing)?;
            puts.push(Put::Stored);
        }
        tx.commit().doing(doing)?;
        Ok(puts)
    }

    /// Keeps a version of the policy beside the others.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_policy(&mut self, policy: &Signed<Policy>) -> Result<Put, StoreError> {
        self.put(
            "write a policy",
            "INSERT INTO policy (version, raw) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![policy.body().version.get(), policy.raw()],
        )
    }

    /// Keeps a catalogue in place of an older one.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_catalogue(&mut self, catalogue: &Signed<Catalogue>) -> Result<Put, StoreError> {
        self.put(
            "write the catalogue",
            "INSERT INTO catalogue (slot, version, raw) VALUES (0, ?1, ?2)
             ON CONFLICT (slot) DO UPDATE SET version = excluded.version, raw = excluded.raw
             WHERE excluded.version > version",
            params![catalogue.body().version.get(), catalogue.raw()],
        )
    }

    /// Keeps where an open trip or session stands, in place of what was there under that name.
    ///
    /// It is only a hint: a power cut may bring an earlier one back, and one that the ledger's marks have reached is to
    /// be dropped. It is sealed; while the key cannot be had it is written as it is, since a trip would be lost with it,
    /// and sealed by the next opening of the folder that has the key.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_checkpoint(&mut self, name: &str, raw: &[u8]) -> Result<(), StoreError> {
        let sealed = match &self.read.seal {
            Some(key) if !raw.is_empty() => Some(close(
                key,
                &mut self.nonces,
                &SealedPlace::Checkpoint(name.to_owned()),
                raw,
            )?),
            Some(_) | None => None,
        };
        self.put(
            "write a checkpoint",
            "INSERT INTO checkpoint (name, raw) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET raw = excluded.raw",
            params![name, sealed.as_deref().unwrap_or(raw)],
        )
        .map(|_| ())
    }

    /// The same, and no power cut takes it back: for one that holds what is over and in no ledger yet.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_checkpoint_durably(&mut self, name: &str, raw: &[u8]) -> Result<(), StoreError> {
        let doing = "write a checkpoint durably";
        let synchronous = |store: &Self, level: &str| {
            let cache = &store.read.cache;
            cache.pragma_update(None, "synchronous", level).doing(doing)
        };
        synchronous(self, LEDGER.synchronous)?;
        let put = self.put_checkpoint(name, raw);
        synchronous(self, CACHE.synchronous)?;
        put
    }

    /// Drops a checkpoint.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn clear_checkpoint(&mut self, name: &str) -> Result<(), StoreError> {
        self.put(
            "drop a checkpoint",
            "DELETE FROM checkpoint WHERE name = ?1",
            params![name],
        )
        .map(|_| ())
    }

    fn put(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        values: impl rusqlite::Params,
    ) -> Result<Put, StoreError> {
        let written = self
            .read
            .cache
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values));
        match written.doing(doing)? {
            0 => Ok(Put::Older),
            _ => Ok(Put::Stored),
        }
    }
}

impl StoreReader {
    /// The newest statement of every member.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn statements(&self) -> Result<Statements, StoreError> {
        let doing = "read the statements";
        let sql = format!("{} ORDER BY member", SealedStatement::COLUMNS);
        let mut rows = self.cache.prepare_cached(&sql).doing(doing)?;
        let mut statements = Statements::default();
        for row in rows.query_map([], SealedStatement::read).doing(doing)? {
            let row = row.doing(doing)?;
            match self.seal.as_ref().and_then(|key| row.open(key)) {
                Some(raw) => statements.readable.push(StoredStatement {
                    member: row.member,
                    version: row.rank.version,
                    raw: Raw::from(raw),
                }),
                None => statements.sealed.push(row.member),
            }
        }
        Ok(statements)
    }

    /// All policies, oldest version first.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn policies(&self) -> Result<Vec<(PolicyVersion, Raw<Policy>)>, StoreError> {
        let doing = "read the policies";
        let mut statement = self
            .cache
            .prepare_cached("SELECT version, raw FROM policy ORDER BY version")
            .doing(doing)?;
        let rows = statement.query_map([], |row| {
            Ok((
                PolicyVersion::new(row.get(0)?),
                Raw::from(row.get::<_, Vec<u8>>(1)?),
            ))
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// The newest catalogue.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn catalogue(&self) -> Result<Option<(CatalogueVersion, Raw<Catalogue>)>, StoreError> {
        self.cache
            .query_row("SELECT version, raw FROM catalogue", [], |row| {
                Ok((
                    CatalogueVersion::new(row.get(0)?),
                    Raw::from(row.get::<_, Vec<u8>>(1)?),
                ))
            })
            .optional()
            .doing("read the catalogue")
    }

    /// The checkpoint under a name; none where the key does not open it.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn checkpoint(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let kept: Option<Vec<u8>> = self
            .cache
            .query_row(
                "SELECT raw FROM checkpoint WHERE name = ?1",
                [name],
                |row| row.get(0),
            )
            .optional()
            .doing("read a checkpoint")?;
        let place = SealedPlace::Checkpoint(name.to_owned());
        Ok(kept.and_then(|kept| open(self.seal.as_ref(), &place, kept).plain()))
    }
}

fn sealed_statement(
    cache: &Connection,
    member: MemberId,
) -> Result<Option<SealedStatement>, StoreError> {
    let sql = format!("{} WHERE member = ?1", SealedStatement::COLUMNS);
    cache
        .query_row(&sql, [member.as_bytes()], SealedStatement::read)
        .optional()
        .doing("read a statement")
}
