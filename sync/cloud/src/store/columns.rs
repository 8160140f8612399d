//! Conversions between the domain's types and columns.

use dashpoint_membership::{
    BindingId, CatalogueVersion, DeviceId, DriverTag, EntryHash, Epoch, Growth, LedgerVersion,
    MemberId, Meter, MeterNumber, Points, PolicyVersion, Seq, ServerEpoch, ServerTime, TierId,
    VehicleId,
};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A domain value as one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Col<T>(pub T);

/// A domain value as one column of JSON text, which any database keeps and any operator can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Json<T>(pub T);

macro_rules! bytes_column {
    ($($name:ident),+) => {$(
        impl ToSql for Col<$name> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.0.as_bytes().as_slice()))
            }
        }

        impl FromSql for Col<$name> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                FromSql::column_result(value).map(|bytes| Self($name::from_bytes(bytes)))
            }
        }
    )+};
}

bytes_column!(
    BindingId, DeviceId, DriverTag, EntryHash, MemberId, VehicleId
);

macro_rules! number_column {
    ($($name:ident: $get:ident, $new:ident);+) => {$(
        impl ToSql for Col<$name> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let number = i64::try_from(self.0.$get())
                    .map_err(|refused| rusqlite::Error::ToSqlConversionFailure(refused.into()))?;
                Ok(ToSqlOutput::from(number))
            }
        }

        impl FromSql for Col<$name> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let number = value.as_i64()?;
                let number = number.try_into().map_err(|_| FromSqlError::OutOfRange(number))?;
                Ok(Self($name::$new(number)))
            }
        }
    )+};
}

number_column!(
    CatalogueVersion: get, new;
    Epoch: get, new;
    Growth: get, new;
    LedgerVersion: get, new;
    Points: get, new;
    PolicyVersion: get, new;
    Seq: get, new;
    ServerEpoch: get, new;
    ServerTime: as_unix_s, from_unix_s
);

impl FromSql for Col<TierId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        TierId::new(value.as_str()?)
            .map(Self)
            .map_err(|refused| FromSqlError::Other(refused.into()))
    }
}

impl ToSql for Col<Meter> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.name()))
    }
}

impl FromSql for Col<Meter> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        let meter = Meter::ALL.into_iter().find(|meter| meter.name() == name);
        meter.map(Self).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Col<MeterNumber> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.get()))
    }
}

impl FromSql for Col<MeterNumber> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let known = u32::try_from(number).ok().and_then(MeterNumber::new);
        known.map(Self).ok_or(FromSqlError::OutOfRange(number))
    }
}

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(ToSqlOutput::from)
            .map_err(|refused| rusqlite::Error::ToSqlConversionFailure(refused.into()))
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(|refused| FromSqlError::Other(refused.into()))
    }
}
