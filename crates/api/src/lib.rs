//! The handlers of all doors, over one core. An endpoint is a row of a table and a handler of about ten lines.
//!
//! Owns how wire types become domain calls and back, which credentials each door reads, and the rate limits of
//! each door. Never sees SQL, never moves money itself: that is `farebox_calls` and `farebox_billing`.

mod assets;
mod audit;
mod cookie;
mod core;
mod credentials;
mod doors;
mod limits;
mod oauth_cookie;
mod oauth_pages;
mod organization;
mod pages;
mod payments;
mod permission_matrix;
mod settings;
mod sign_in_page;
mod sign_in_session;
mod system;

pub use crate::audit::{LeftOut, audited};
pub use crate::core::{Core, CoreParts};
pub use limits::{LimitSettings, Rate};
pub use payments::{OperatorPolicy, PaymentPlace, PaymentSettings, Proofs};
pub use permission_matrix::permission_matrix;
pub use settings::{ApiSettings, WalletProof};

use farebox_api_kit::Operation;

/// Every operation of every door.
pub fn operations() -> Vec<Operation<Core>> {
    let mut all = Vec::new();
    all.extend(doors::platform::operations());
    all.extend(doors::marketplace::operations());
    all.extend(doors::sql_gateway::operations());
    all.extend(system::operations());
    all.extend(pages::operations());
    all.extend(sign_in_page::operations());
    all.extend(oauth_pages::operations());
    all
}
