//! The window with one page as a program of its own, which the head unit's window is measured beside.

fn main() -> Result<(), impl std::error::Error> {
    dashpoint_one_page::run()
}
