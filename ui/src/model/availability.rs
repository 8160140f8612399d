//! Data that the car has from the member cloud, or the reason that it has none.

/// Something that the car has from the member cloud, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability<T> {
    /// The car has not been connected since it was enrolled.
    NotYet,
    /// It was there, and cannot be read or verified.
    Damaged,
    /// This is another car than the one that was enrolled: nothing is shown of the other.
    OtherCar,
    /// It is there.
    Here(T),
}
