//! Answers to what callers ask of an error.

use super::CloudError;

impl CloudError {
    /// Tells a number of the caller's that no column can hold, 2^63 or more.
    #[must_use]
    pub fn is_out_of_range(&self) -> bool {
        matches!(self, Self::Database(rusqlite::Error::ToSqlConversionFailure(why))
            if why.is::<std::num::TryFromIntError>())
    }

    /// Returns whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Busy
            | Self::Stopping
            | Self::Restoring(_)
            | Self::CommandRuns(_)
            | Self::TooManyWaiting
            | Self::TooMuch { .. }
            | Self::ClockLeapt { .. }
            | Self::ClockUnconfirmed(_) => true,
            Self::Database(refused) => matches!(
                refused.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Self::File { .. }
            | Self::Damaged(_)
            | Self::NotWhole(_)
            | Self::NotWholeAlone(_)
            | Self::RestoreCutOff(_)
            | Self::Exists(_)
            | Self::InTheWay(_)
            | Self::Listen { .. }
            | Self::Wire(_)
            | Self::Account(_)
            | Self::Policy(_)
            | Self::Catalogue(_)
            | Self::Zone(_)
            | Self::VersionNotHigher { .. }
            | Self::VersionTooFar { .. }
            | Self::Unreadable { .. }
            | Self::NoMember(_)
            | Self::NoDevice(_)
            | Self::NoTime { .. }
            | Self::Name(_)
            | Self::AlreadyRevoked(_)
            | Self::NoCode(_)
            | Self::WeakKey
            | Self::KeyOfAnotherVehicle
            | Self::Claimed(_)
            | Self::NotClaimed(_)
            | Self::NotOfTheVehicle(_)
            | Self::NoReason
            | Self::LongReason(_)
            | Self::NotHeld(_)
            | Self::MeterTaken(_)
            | Self::HoldsNothing(_)
            | Self::NoOpening(_)
            | Self::OpenAlready(_)
            | Self::NoPolicy
            | Self::NoCatalogue
            | Self::NoPolicyVersion(_)
            | Self::PolicyForgotten { .. }
            | Self::ProofWanted { .. }
            | Self::MemberForgotten(_)
            | Self::NotProven { .. }
            | Self::NoCloud(_)
            | Self::KeyMissing(_)
            | Self::NotAKey { .. }
            | Self::NotThere(_)
            | Self::NotADatabase(_)
            | Self::MemberExists(_)
            | Self::NoName
            | Self::SteeringName
            | Self::LongName { .. }
            | Self::Locked(_)
            | Self::ClockKept { .. }
            | Self::OtherKey { .. }
            | Self::DatabaseMissing(_)
            | Self::DatabaseGone(_)
            | Self::NoRoom { .. }
            | Self::PostedWithoutTest
            | Self::EmptyDatabase(_)
            | Self::ForeignDatabase
            | Self::NewerSchema { .. }
            | Self::OldSqlite(_)
            | Self::NotTakenOver(_) => false,
        }
    }

    /// Returns whether a file has another content than a database.
    pub(crate) fn is_no_database(&self) -> bool {
        matches!(self, Self::EmptyDatabase(_) | Self::ForeignDatabase)
            || matches!(self, Self::Database(refused)
                if refused.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase))
    }

    /// Returns whether SQLite found a page, or a table, that cannot be so.
    pub(crate) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(self, Self::Database(refused)
            if matches!(refused.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)))
    }

    /// Returns whether what a database holds cannot be read as what it should be: it is damaged, or was not signed.
    pub(crate) fn is_of_content(&self) -> bool {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        self.is_damage()
            || matches!(self, Self::Wire(_))
            || matches!(
                self,
                Self::Database(
                    FromSqlConversionFailure(..)
                        | IntegralValueOutOfRange(..)
                        | InvalidColumnType(..)
                        | Utf8Error(..)
                )
            )
    }

    /// Returns whether the disk, or something on the way to it, has failed.
    pub(crate) fn is_the_disks(&self) -> bool {
        use rusqlite::ErrorCode;
        matches!(self, Self::Database(refused) if matches!(
            refused.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::PermissionDenied
                    | ErrorCode::DatabaseCorrupt
            )
        ))
    }

    /// Returns whether the caller asked for something that cannot be: a wrong argument or a wrong file, not a failure.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::Policy(_)
            | Self::Catalogue(_)
            | Self::Zone(_)
            | Self::VersionNotHigher { .. }
            | Self::VersionTooFar { .. }
            | Self::Unreadable { .. }
            | Self::NoMember(_)
            | Self::NoDevice(_)
            | Self::NoTime { .. }
            | Self::Name(_)
            | Self::AlreadyRevoked(_)
            | Self::NoCode(_)
            | Self::WeakKey
            | Self::KeyOfAnotherVehicle
            | Self::Claimed(_)
            | Self::NotClaimed(_)
            | Self::NotOfTheVehicle(_)
            | Self::NoReason
            | Self::LongReason(_)
            | Self::NotHeld(_)
            | Self::MeterTaken(_)
            | Self::HoldsNothing(_)
            | Self::NoOpening(_)
            | Self::OpenAlready(_)
            | Self::NoPolicyVersion(_)
            | Self::NoCloud(_)
            | Self::NotThere(_)
            | Self::NotADatabase(_)
            | Self::MemberExists(_)
            | Self::NoName
            | Self::SteeringName
            | Self::LongName { .. }
            | Self::ClockKept { .. }
            | Self::Damaged(_)
            | Self::Exists(_)
            | Self::InTheWay(_)
            | Self::PostedWithoutTest => true,
            Self::Database(_)
            | Self::NotWhole(_)
            | Self::NotWholeAlone(_)
            | Self::RestoreCutOff(_)
            | Self::File { .. }
            | Self::Listen { .. }
            | Self::Wire(_)
            | Self::Account(_)
            | Self::NoPolicy
            | Self::NoCatalogue
            | Self::PolicyForgotten { .. }
            | Self::ProofWanted { .. }
            | Self::MemberForgotten(_)
            | Self::NotProven { .. }
            | Self::TooManyWaiting
            | Self::Locked(_)
            | Self::Restoring(_)
            | Self::CommandRuns(_)
            | Self::ClockLeapt { .. }
            | Self::ClockUnconfirmed(_)
            | Self::OtherKey { .. }
            | Self::KeyMissing(_)
            | Self::NotAKey { .. }
            | Self::DatabaseMissing(_)
            | Self::DatabaseGone(_)
            | Self::NoRoom { .. }
            | Self::EmptyDatabase(_)
            | Self::ForeignDatabase
            | Self::NewerSchema { .. }
            | Self::OldSqlite(_)
            | Self::TooMuch { .. }
            | Self::Busy
            | Self::NotTakenOver(_)
            | Self::Stopping => false,
        }
    }
}
