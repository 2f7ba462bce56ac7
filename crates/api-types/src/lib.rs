//! What goes over the wire: the request and reply structs of the three doors, one folder per door, one file per
//! resource.
//!
//! Owns names, spelling, nullability and the schemas that the OpenAPI documents show. Knows no rule of the
//! domain, no status code and no envelope (`DataResponse_…` and pagination belong to the api-kit, which derives
//! the wrapper's name from the name of the type inside).
//!
//! Invariants: unknown fields of a request are ignored; money in a request is text that the domain parses; money
//! in a reply is made from `Micros` without a float; an optional field of a reply is written as `null`, except
//! where a file says that the door leaves it out.

mod money;
mod network_health;
mod number;
mod patch;
mod payment_policy;
mod secret;
mod time;
mod wire_enum;

pub mod marketplace;
pub mod platform;
pub mod sql_gateway;

pub use money::{AtomicAmount, DecimalAmount, SixDecimals};
pub use network_health::NetworkHealth;
pub use number::{DecimalNumber, NotANumber};
pub use patch::Patch;
pub use payment_policy::{PaymentOrder, PaymentReceiver};
pub use secret::Secret;
pub use time::Time;
