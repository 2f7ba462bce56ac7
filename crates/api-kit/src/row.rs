//! The names that rows of the table are written with; brought into scope by the table macro only.

pub use crate::openapi::DeclaredReply;
pub use crate::{DoorId, Methods, Operation, RateClass, Stranger, operation};
pub use farebox_base::Access::{self, Needs, Optional, Public};
pub use farebox_base::Permission::{self, *};
