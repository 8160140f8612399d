//! Random histories: what must hold after every step, whatever happens in which order.

mod alone;
mod coverage;
mod everything;
mod policy;
mod step;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs a property over histories from a fixed seed, so that every machine sees the same ones.
fn over_histories<S: Strategy>(cases: u32, histories: &S, property: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[42; 32]);
    let outcome = TestRunner::new_with_rng(config, rng).run(histories, |history| {
        property(history);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
