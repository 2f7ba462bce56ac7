//! The SQL gateway's door: providers of databases, and wallets that query them.

mod bill;
mod credits;
mod deposits;
mod health;
mod pricing;
mod providers;
mod queries;
mod wallets;

use crate::Core;
use farebox_api_kit::Operation;

pub(crate) type Cx = farebox_api_kit::Cx<Core>;

pub(crate) fn operations() -> Vec<Operation<Core>> {
    let mut all = Vec::new();
    all.extend(providers::operations());
    all.extend(pricing::operations());
    all.extend(wallets::operations());
    all.extend(deposits::operations());
    all.extend(credits::operations());
    all.extend(queries::operations());
    all.extend(health::operations());
    all
}
