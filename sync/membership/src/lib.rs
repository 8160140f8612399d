//! The rules of membership, the same code in the car and in the cloud.
