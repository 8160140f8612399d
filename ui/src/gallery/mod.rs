//! Every page in every state, from samples: what the gallery draws and the tests measure.

mod benefits;
mod cases;
mod ledger;
mod people;
mod picture;
mod variation;

pub use cases::{Case, GalleryView, Wide, all};
pub use picture::{Gallery, GalleryError, ScreenPicture, png_bytes, whole_file};
pub use variation::Variation;
