//! The vocabulary of Farebox: money, typed ids, errors, permissions, time and randomness.
//!
//! Owns no I/O and knows neither HTTP nor SQL. Every other crate may depend on it.
//! Invariants: money is integers only and never wraps; the clock and the source of randomness are
//! always passed in, so that a test or a simulation decides what time it is.

mod access;
mod clock;
mod error;
mod id;
mod map;
mod member_role;
mod money;
mod permission_set;
pub mod planted;
mod rng;

pub use access::{Access, Permission, Role};
pub use clock::{Clock, ManualClock, SystemClock, Ticks, Timestamp};
pub use error::{Error, Kind, PaymentNeed, Result};
pub use id::*;
pub use map::{FastMap, FastState};
pub use member_role::MemberRole;
pub use money::{Micros, MoneyError, Rate};
pub use permission_set::PermissionSet;
pub use rng::{Rng, SeededRng, SystemRng};
