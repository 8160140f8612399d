//! What the histories reached: a property over histories that never get anywhere proves nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Coverage(RefCell<BTreeMap<String, u64>>);

impl Coverage {
    pub(super) fn hit(&self, what: impl Into<String>) {
        *self.0.borrow_mut().entry(what.into()).or_default() += 1;
    }

    fn count(&self, what: &str) -> u64 {
        self.0.borrow().get(what).copied().unwrap_or(0)
    }

    /// Each of these must make at least one percent of all of these.
    pub(super) fn assert_a_percent_each(&self, kinds: &[&str]) {
        let all: u64 = kinds.iter().map(|kind| self.count(kind)).sum();
        for kind in kinds {
            assert!(
                self.count(kind) * 100 >= all,
                "{kind}: {} of {all}",
                self.count(kind)
            );
        }
    }

    /// Each of these must have been reached.
    pub(super) fn assert_reached<'a>(&self, outcomes: impl IntoIterator<Item = &'a str>) {
        for outcome in outcomes {
            assert!(
                self.count(outcome) >= 10,
                "{outcome}: {}",
                self.count(outcome)
            );
        }
    }
}
