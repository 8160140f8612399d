//! From what the car holds to what the screen shows: pure but for [`read`], and tested without a window.

mod choices;
mod code;
mod context;
mod data;
mod home;
mod own;
mod rows;
mod scene;
mod titles;
mod trip;

pub use choices::{Choices, put_guest, put_language, put_theme};
pub use code::ShownCode;
pub use data::{Source, screen_data, unknown_member};
pub(crate) use home::connect_by;
pub use own::{OwnEntry, read};
pub use scene::{Scene, Scenes, drive};

#[cfg(test)]
pub(crate) mod tests;
