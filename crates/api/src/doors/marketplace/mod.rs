//! The marketplace door: keys, services, discovery, the payment proxy, usage.

mod discover;
mod health;
mod keys;
mod proxy;
mod service_mapping;
mod services;
mod usage;

use crate::Core;
use farebox_api_kit::Operation;

pub(crate) type Cx = farebox_api_kit::Cx<Core>;

pub(crate) fn operations() -> Vec<Operation<Core>> {
    let mut all = Vec::new();
    all.extend(keys::operations());
    all.extend(services::operations());
    all.extend(discover::operations());
    all.extend(proxy::operations());
    all.extend(usage::operations());
    all.extend(health::operations());
    all
}
