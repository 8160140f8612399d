//! From what the car holds to what the screen shows: pure but for [`read`], and tested without a window.

mod choices;
mod code;
mod data;
mod home;
mod nothing;
mod own;
mod rows;
mod trip;

pub use choices::Choices;
pub use code::ShownCode;
pub use data::{CarState, Source, screen_data, unknown_member};
#[cfg(test)]
pub use own::OwnEntry;
pub use own::read;

#[cfg(test)]
mod tests;
