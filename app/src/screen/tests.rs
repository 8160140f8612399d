//! What the pages are made of, from books made by hand: no window, no disk, no clock.

mod caps;
mod held_less;
mod home;
mod refusal;
mod rows;
mod status;
mod unpaid;
pub(crate) mod world;
