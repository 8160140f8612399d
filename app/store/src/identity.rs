//! Identity of this head unit: certificate, bindings, and single facts about it.

use dashpoint_membership::BindingId;
use dashpoint_wire::{Binding, DeviceCertificate, Raw, Signed};
use rusqlite::{OptionalExtension as _, params};

use crate::error::{Doing as _, StoreError};
use crate::store::{Store, StoreReader};

impl Store {
    /// Takes a device certificate as the newest; earlier ones are kept.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_certificate(
        &mut self,
        certificate: &Signed<DeviceCertificate>,
    ) -> Result<(), StoreError> {
        self.write(
            "write the device certificate",
            "INSERT INTO certificate (raw) VALUES (?1) ON CONFLICT DO NOTHING",
            params![certificate.raw()],
        )
    }

    /// Takes a binding as the newest of its pseudonym; earlier ones are kept.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_binding(&mut self, binding: &Signed<Binding>) -> Result<(), StoreError> {
        self.write(
            "write a binding",
            "INSERT INTO binding (binding, raw) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![binding.body().id.as_bytes(), binding.raw()],
        )
    }

    /// Keeps a fact under a name, in place of an earlier one.
    ///
    /// # Errors
    /// [`StoreError::is_disk_full`] and its like.
    pub fn put_meta(&mut self, name: &'static str, value: &[u8]) -> Result<(), StoreError> {
        self.write(
            "write a fact",
            "INSERT INTO meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
            params![name, value],
        )
    }

    fn write(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        values: impl rusqlite::Params,
    ) -> Result<(), StoreError> {
        self.read
            .ledger
            .execute(sql, values)
            .map(|_| ())
            .doing(doing)
    }
}

impl StoreReader {
    /// The newest device certificate.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn certificate(&self) -> Result<Option<Raw<DeviceCertificate>>, StoreError> {
        self.ledger
            .query_row(
                "SELECT raw FROM certificate ORDER BY id DESC LIMIT 1",
                [],
                |row| Ok(Raw::from(row.get::<_, Vec<u8>>(0)?)),
            )
            .optional()
            .doing("read the device certificate")
    }

    /// The newest binding of every pseudonym, the last one that came first.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn bindings(&self) -> Result<Vec<(BindingId, Raw<Binding>)>, StoreError> {
        let doing = "read the bindings";
        let mut statement = self
            .ledger
            .prepare_cached(
                "SELECT binding, raw FROM binding
                 WHERE id IN (SELECT max(id) FROM binding GROUP BY binding) ORDER BY id DESC",
            )
            .doing(doing)?;
        let rows = statement.query_map([], |row| {
            Ok((
                BindingId::from_bytes(row.get(0)?),
                Raw::from(row.get::<_, Vec<u8>>(1)?),
            ))
        });
        rows.and_then(Iterator::collect).doing(doing)
    }

    /// The fact under a name.
    ///
    /// # Errors
    /// See [`StoreReader`].
    pub fn meta(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.ledger
            .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()
            .doing("read a fact")
    }
}
