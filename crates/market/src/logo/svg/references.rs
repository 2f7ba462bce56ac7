//! How much is drawn once every reference within the drawing is followed.
//!
//! A few nested references can stand for millions of shapes. Each costs one, and what it refers to costs what is
//! referred to within it again.

use super::super::refused;
use farebox_base::Result;
use std::collections::HashMap;

const DRAWN_MOST: u64 = 10_000;
/// Longer chains are no drawing.
const CHAIN_MOST: usize = 32;

/// Which element with an id refers to which.
#[derive(Default)]
pub(super) struct References {
    by_id: HashMap<String, Vec<String>>,
    all: Vec<String>,
}

impl References {
    /// Notes that something within the elements `around` refers to `target`.
    pub(super) fn add(&mut self, around: &[String], target: &str) {
        for id in around {
            self.by_id.entry(id.clone()).or_default().push(target.to_owned());
        }
        self.all.push(target.to_owned());
    }

    /// # Errors
    /// `Invalid` where references go round in a circle or stand for too much.
    pub(super) fn check(&self) -> Result<()> {
        let mut known = HashMap::new();
        let mut total = 0_u64;
        for target in &self.all {
            let cost = self.cost(target, &mut known, 0).ok_or_else(too_much)?;
            total = total.saturating_add(cost);
        }
        if total > DRAWN_MOST { Err(too_much()) } else { Ok(()) }
    }

    /// `None` for what is too deep; a circle is.
    fn cost<'a>(&'a self, id: &'a str, known: &mut HashMap<&'a str, u64>, depth: usize) -> Option<u64> {
        if depth > CHAIN_MOST {
            return None;
        }
        if let Some(cost) = known.get(id) {
            return Some(*cost);
        }
        let mut cost = 1_u64;
        for target in self.by_id.get(id).into_iter().flatten() {
            cost = cost.saturating_add(self.cost(target, known, depth + 1)?);
        }
        known.insert(id, cost);
        Some(cost)
    }
}

fn too_much() -> farebox_base::Error {
    refused("must not refer to itself, nor to its parts so often that little stands for much")
}
