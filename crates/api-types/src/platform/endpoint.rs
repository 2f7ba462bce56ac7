//! What a publisher says about one of its endpoints: for agents to read, for access and for the price.

use crate::wire_enum::wire_enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

wire_enum! {
    /// Who may call an endpoint: callers with credentials, or anyone.
    EndpointAccess { Authenticated = "authenticated", PublicAnonymous = "public_anonymous" }
}

wire_enum! {
    /// A method that endpoints are listed for.
    HttpMethod { Get = "GET", Post = "POST", Put = "PUT", Delete = "DELETE", Patch = "PATCH" }
}

wire_enum! {
    /// The type of a query parameter's value.
    ParamType { String = "string", Integer = "integer", Boolean = "boolean", Number = "number", Array = "array" }
}

/// One endpoint of a publisher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointDefinition {
    pub method: HttpMethod,
    /// Path below the publisher's base URL; `{name}` stands for one segment.
    #[schemars(example = &"/quotes/{symbol}")]
    pub path: String,
    pub description: Option<String>,
    /// The endpoint's name for programs.
    pub operation_id: Option<String>,
    #[serde(default = "authenticated")]
    pub access: EndpointAccess,
    /// Price of one call in decimal units of the asset; null means the publisher's own price.
    #[schemars(example = &"0.002")]
    pub price: Option<String>,
    /// Whether this is the endpoint to try first.
    #[serde(default)]
    pub is_default: bool,
    /// Whether only the one who made a resource may act on it.
    #[serde(default)]
    pub is_protected: bool,
    pub protection_reason: Option<String>,
    pub query_params: Option<Vec<QueryParamDefinition>>,
    /// Headers without which the upstream refuses the call.
    pub required_headers: Option<Vec<String>>,
    /// Content type of the request's body; null means the publisher's own.
    pub request_content_type: Option<String>,
    /// Description of the request's body, usually a JSON schema.
    pub request_body: Option<Value>,
    /// A body with places to fill in.
    pub body_template: Option<Value>,
    /// Description of the reply, usually a JSON schema.
    pub response: Option<Value>,
    pub example_request: Option<Value>,
    pub example_response: Option<Value>,
}

/// One query parameter of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueryParamDefinition {
    pub name: String,
    #[serde(default = "string")]
    pub param_type: ParamType,
    #[serde(default)]
    pub required: bool,
    pub description: Option<String>,
    pub example: Option<String>,
}

const fn authenticated() -> EndpointAccess {
    EndpointAccess::Authenticated
}

const fn string() -> ParamType {
    ParamType::String
}
