//! The three doors: one folder each, one file per resource.

mod calling;
pub(crate) mod marketplace;
pub(crate) mod platform;
mod querying;
pub(crate) mod sql_gateway;
mod user_account;
mod wallet_proof;
