//! Which pages of other origins may call which doors.

use crate::config::Config;
use farebox_api_kit::{Cors, DoorId};
use farebox_base::Result;

/// The SQL gateway takes every page, as it is published; the doors where calls are paid those of the configuration.
///
/// # Errors
/// `Invalid` where an origin can't stand in a header.
pub(crate) fn doors(config: &Config) -> Result<Vec<(DoorId, Cors)>> {
    let mut all = vec![(DoorId::SqlGateway, Cors::sql_gateway())];
    let origins = &config.server.cors_origins;
    if !origins.is_empty() {
        let paying = Cors::paying(origins)?;
        all.extend([(DoorId::Platform, paying.clone()), (DoorId::Marketplace, paying)]);
    }
    Ok(all)
}
