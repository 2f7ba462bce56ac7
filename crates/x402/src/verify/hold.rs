//! The payer's money that is kept for a verified payment while it is worked on.

use std::sync::{Arc, Weak};

/// Keeps what a check has promised, until it and its clones are dropped. The default one keeps nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold(Option<Arc<()>>);

/// Whoever holds one promise.
#[derive(Debug, Default)]
pub(crate) struct Holders(Weak<()>);

impl Holders {
    pub(crate) fn are_there(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// One holder more.
    pub(crate) fn join(&mut self) -> Hold {
        let held = self.0.upgrade().unwrap_or_default();
        self.0 = Arc::downgrade(&held);
        Hold(Some(held))
    }
}
