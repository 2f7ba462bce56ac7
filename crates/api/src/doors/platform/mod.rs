//! The platform door: agents, keys, publishers, wallets.

mod agents;
mod api_key_scopes;
mod api_keys;
mod auth;
mod facilitator;
mod org_publishers;
mod organizations;
mod publisher_calls;
mod publisher_mapping;
mod publisher_queries;
mod publishers;
mod roles;
mod sessions;
mod users;
mod wallet;
mod wallet_deposit;
mod wallet_export;
mod wallet_transactions;

use crate::Core;
use farebox_api_kit::Operation;

pub(crate) type Cx = farebox_api_kit::Cx<Core>;

pub(crate) fn operations() -> Vec<Operation<Core>> {
    let mut all = Vec::new();
    all.extend(agents::operations());
    all.extend(users::operations());
    all.extend(auth::operations());
    all.extend(sessions::operations());
    all.extend(api_keys::operations());
    all.extend(api_key_scopes::operations());
    all.extend(organizations::operations());
    all.extend(roles::operations());
    all.extend(org_publishers::operations());
    all.extend(publishers::operations());
    all.extend(publisher_calls::operations());
    all.extend(wallet::operations());
    all.extend(wallet_transactions::operations());
    all.extend(wallet_export::operations());
    all.extend(wallet_deposit::operations());
    all.extend(facilitator::operations());
    all
}
