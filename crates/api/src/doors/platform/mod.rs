//! The platform door: agents, keys, publishers, wallets.

mod agents;
mod api_key_scopes;
mod api_keys;
mod audit_logs;
mod auth;
mod custom_skills;
mod databases;
mod facilitator;
mod oauth;
mod oauth_connections;
mod oauth_mapping;
mod oauth_providers;
mod org_publishers;
mod organizations;
mod private_chat_policy;
mod publisher_calls;
mod publisher_logos;
mod publisher_mapping;
mod publisher_oauth;
mod publisher_queries;
mod publishers;
mod roles;
mod sessions;
mod users;
mod vpc_endpoints;
mod wallet;
mod wallet_deposit;
mod wallet_export;
mod wallet_transactions;

pub(crate) use oauth_mapping::connection;

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
    all.extend(audit_logs::operations());
    all.extend(org_publishers::operations());
    all.extend(custom_skills::operations());
    all.extend(publishers::operations());
    all.extend(publisher_logos::operations());
    all.extend(databases::operations());
    all.extend(vpc_endpoints::operations());
    all.extend(private_chat_policy::operations());
    all.extend(publisher_calls::operations());
    all.extend(wallet::operations());
    all.extend(wallet_transactions::operations());
    all.extend(wallet_export::operations());
    all.extend(wallet_deposit::operations());
    all.extend(facilitator::operations());
    all.extend(oauth::operations());
    all.extend(oauth_connections::operations());
    all.extend(oauth_providers::operations());
    all
}
