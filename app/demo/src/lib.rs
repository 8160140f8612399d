//! The whole world on one machine: broker, vehicle, cloud and head unit.
