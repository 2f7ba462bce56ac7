//! What was asked for a moment ago: the offers of a resource and its description, for payments that follow one another.
//!
//! Invariant: what is remembered is for the very listing that is asked for, and at most a moment old, as networks come
//! and go.

use super::Asked;
use farebox_base::{Result, Ticks};
use farebox_market::Listing;
use http::Method;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const MOMENT: Duration = Duration::from_secs(1);
/// Resources that are remembered before all are forgotten.
const RESOURCES_MAX: usize = 1_000;

#[derive(Default)]
pub(crate) struct Remembered {
    all: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    listing: Arc<Listing>,
    at: Ticks,
    asked: Arc<Asked>,
}

impl Remembered {
    /// What is asked for a method and path, made where it is not remembered; `None` is not.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) fn asked(
        &self,
        method: &Method,
        path: &str,
        listing: &Arc<Listing>,
        now: Ticks,
        make: impl FnOnce() -> Result<Option<Asked>>,
    ) -> Result<Option<Arc<Asked>>> {
        let name = format!("{method} {path}");
        let is_good = |kept: &&Kept| Arc::ptr_eq(&kept.listing, listing) && now.since(kept.at) < MOMENT;
        if let Some(asked) = self.all.lock().get(&name).filter(is_good).map(|kept| kept.asked.clone()) {
            return Ok(Some(asked));
        }
        let Some(asked) = make()?.map(Arc::new) else { return Ok(None) };
        let mut all = self.all.lock();
        if all.len() >= RESOURCES_MAX {
            all.clear();
        }
        all.insert(name, Kept { listing: listing.clone(), at: now, asked: asked.clone() });
        Ok(Some(asked))
    }
}
