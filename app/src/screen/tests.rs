//! What the pages are made of, from books made by hand: no window, no disk, no clock.

mod home;
mod rows;
mod status;
mod unpaid;
mod world;
