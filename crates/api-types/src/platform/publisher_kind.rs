//! The closed lists that say what kind of thing a publisher offers.

use crate::wire_enum::wire_enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

wire_enum! {
    /// What stands behind a publisher: a database, a service that others run, or code that is run on request.
    PublisherCategory { Database = "database", Integration = "integration", Compute = "compute" }
}

wire_enum! {
    /// Who a publisher is.
    PublisherType { Individual = "individual", Organization = "organization", VerifiedPartner = "verified_partner" }
}

wire_enum! {
    /// What a publisher of the category `compute` runs.
    ComputeType { Template = "template", Workflow = "workflow", Function = "function", Agent = "agent" }
}

wire_enum! {
    /// What a publisher of the category `database` keeps its data in.
    DatabaseType { SerenDb = "serendb", Neon = "neon", Supabase = "supabase", MongoDb = "mongodb" }
}

wire_enum! {
    /// How a publisher of the category `integration` is spoken to: plain HTTP or the Model Context Protocol.
    IntegrationType { Api = "api", Mcp = "mcp" }
}

wire_enum! {
    /// Whether calls to paths that the publisher does not list are forwarded or refused.
    UndocumentedEndpointPolicy { DefaultAllow = "default_allow", DefaultDeny = "default_deny" }
}

/// A wallet on a chain, as its network spells addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(example = &"0x1f9090aaE28b8a3dCeaDf281B0F12828e676c326")]
pub struct WalletAddress(pub String);
