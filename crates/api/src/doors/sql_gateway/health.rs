//! Whether the gateway is up.

use super::Cx;
use crate::Core;
use crate::payments::network_healths;
use farebox_api_kit::{Ok200, operations};
use farebox_api_types::sql_gateway::SqlGatewayHealth;
use farebox_base::Result;

operations! {
    core Core, door SqlGateway, tag "System";
    GET "/api/health" gateway_health(Public) "Say whether the gateway is up";
}

async fn gateway_health(cx: Cx) -> Result<Ok200<SqlGatewayHealth>> {
    let (status, timestamp) = ("healthy".to_owned(), cx.core.clock.now().into());
    Ok(Ok200(SqlGatewayHealth { status, timestamp, networks: network_healths(&cx.core) }))
}
