//! A simulated vehicle that speaks MQTT and VSS, and can host the broker.
