//! Whether the gateway is up.

use super::Cx;
use crate::Core;
use farebox_api_kit::{Ok200, operations};
use farebox_api_types::sql_gateway::SqlGatewayHealth;
use farebox_base::Result;

operations! {
    core Core, door SqlGateway, tag "System";
    GET "/api/health" gateway_health(Public) "Say whether the gateway is up";
}

async fn gateway_health(cx: Cx) -> Result<Ok200<SqlGatewayHealth>> {
    Ok(Ok200(SqlGatewayHealth { status: "healthy".to_owned(), timestamp: cx.core.clock.now().into() }))
}
