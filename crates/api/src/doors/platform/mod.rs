//! The platform door: agents, keys, publishers, wallets.

mod agents;
mod api_keys;
mod custom_skills;
mod facilitator;
mod org_publishers;
mod publisher_calls;
mod publisher_mapping;
mod publisher_queries;
mod publishers;
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
    all.extend(api_keys::operations());
    all.extend(org_publishers::operations());
    all.extend(custom_skills::operations());
    all.extend(publishers::operations());
    all.extend(publisher_calls::operations());
    all.extend(wallet::operations());
    all.extend(wallet_transactions::operations());
    all.extend(wallet_export::operations());
    all.extend(wallet_deposit::operations());
    all.extend(facilitator::operations());
    all
}
