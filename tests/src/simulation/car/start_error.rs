//! Reasons that the program of a car does not start.

use dashpoint::books::BooksError;
use dashpoint::engine::EngineError;
use dashpoint_store::StoreError;

/// Reasons that the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The books cannot be opened.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file was not usable.
    #[error("a file was set aside: {0}")]
    Incident(String),
}

impl StartError {
    /// Returns the store's error, if the store failed.
    pub const fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error)
            | Self::Books(BooksError::Store(error))
            | Self::Engine(
                EngineError::Store(error) | EngineError::Books(BooksError::Store(error)),
            ) => Some(error),
            Self::Books(_) | Self::Engine(_) | Self::Incident(_) => None,
        }
    }
}
