//! What nothing durable can be below: bare SQLite, and bare signatures of ring.

use std::path::Path;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rusqlite::{Connection, OpenFlags, params};

/// Bytes of a bare row, and of what is signed: about an entry.
pub const ROW_BYTES: usize = 250;

/// A database with one table, as careful as a ledger.
pub struct BareTable(Connection);

impl BareTable {
    /// Makes the file, on a VFS if one is named.
    pub fn open(file: &Path, vfs: Option<&str>) -> Self {
        let flags = OpenFlags::default();
        let db = match vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs),
            None => Connection::open_with_flags(file, flags),
        };
        let db = db.unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.pragma_update(None, "synchronous", "FULL").unwrap();
        db.execute(
            "CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB) STRICT",
            [],
        )
        .unwrap();
        Self(db)
    }

    /// Commits one row.
    pub fn commit_one(&self, body: &[u8]) {
        self.0
            .prepare_cached("INSERT INTO bare (body) VALUES (?1)")
            .unwrap()
            .execute(params![body])
            .unwrap();
    }

    /// Commits many rows at once.
    pub fn commit_many<'a>(&mut self, bodies: impl Iterator<Item = &'a [u8]>) {
        let tx = self.0.transaction().unwrap();
        for body in bodies {
            tx.prepare_cached("INSERT INTO bare (body) VALUES (?1)")
                .unwrap()
                .execute(params![body])
                .unwrap();
        }
        tx.commit().unwrap();
    }
}

/// A bare pair of keys.
pub struct BareKey(Ed25519KeyPair);

impl BareKey {
    /// Always the same.
    pub fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
    }

    /// Signs.
    pub fn sign(&self, body: &[u8]) -> Vec<u8> {
        self.0.sign(body).as_ref().to_vec()
    }

    /// Verifies.
    pub fn verify(&self, body: &[u8], signature: &[u8]) {
        UnparsedPublicKey::new(&ED25519, self.0.public_key().as_ref())
            .verify(body, signature)
            .unwrap();
    }
}
