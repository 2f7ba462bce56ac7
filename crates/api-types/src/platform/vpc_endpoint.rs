//! Private network endpoints of an organisation.

use crate::Time;
use crate::wire_enum::wire_enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// How far an endpoint has come.
    VpcEndpointState { Pending = "pending", Available = "available" }
}

/// An endpoint that an organisation has recorded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationVpcEndpoint {
    /// Names the record in paths.
    pub id: Uuid,
    pub organization_id: Uuid,
    pub region: String,
    /// The cloud provider's name for the endpoint.
    pub endpoint_id: String,
    pub label: Option<String>,
    /// `pending` from the record on, `available` once a request of the organization has come through the endpoint.
    #[schemars(with = "String")]
    pub state: VpcEndpointState,
    pub created_at: Time,
    pub updated_at: Time,
}

/// Records an endpoint.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateOrganizationVpcEndpointRequest {
    /// Lower-case letters, digits and hyphens.
    #[schemars(example = &"aws-us-east-1")]
    pub region: String,
    /// The cloud provider's name for it: `vpce-` and 8 or 17 hex digits; in regions that begin with `gcp-` the number of
    /// the connection, in those with `azure-` a UUID.
    #[schemars(example = &"vpce-0123456789abcdef0")]
    pub endpoint_id: String,
    /// At most 100 characters.
    pub label: Option<String>,
}

/// Which endpoints a list shows.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListVpcEndpointsQuery {
    /// Only those of this region.
    pub region: Option<String>,
}
