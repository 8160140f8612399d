//! The books: what the car holds of what was signed, verified, and the folds on top of it.

mod documents;
mod error;
mod reading;
mod salted;
mod state;

pub use self::documents::{DEVICE_META, bound_statements, certificate};
pub use self::error::BooksError;
pub(crate) use self::reading::held_policies;
pub use self::salted::SaltedEvidence;
pub use self::state::{Books, MemberBook};
pub use crate::names::{driver_tag, vehicle_id};
