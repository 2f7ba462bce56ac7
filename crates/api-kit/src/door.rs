//! The doors: names, which paths are whose, how callers prove themselves. Error shapes are in `envelope`.

use farebox_base::{Error, Permission};
use serde_json::{Value, json};

/// One published API; each is an adapter over the same core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoorId {
    /// Organisations, publishers, wallets, billing: everything at the root that is not listed below.
    Platform,
    /// `/api/v1`, `/admin/dashboard`, `/health` and `/`.
    Marketplace,
    /// The rest of `/api`.
    SqlGateway,
    /// Metrics, documents and pages of the server itself.
    System,
}

impl DoorId {
    pub const ALL: &[DoorId] = &[DoorId::Platform, DoorId::Marketplace, DoorId::SqlGateway, DoorId::System];

    /// The name in addresses, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            DoorId::Platform => "platform",
            DoorId::Marketplace => "marketplace",
            DoorId::SqlGateway => "sql-gateway",
            DoorId::System => "system",
        }
    }

    /// Reads [`DoorId::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|door| door.name() == name)
    }

    pub const fn title(self) -> &'static str {
        match self {
            DoorId::Platform => "Farebox platform API",
            DoorId::Marketplace => "Farebox marketplace API",
            DoorId::SqlGateway => "Farebox SQL gateway API",
            DoorId::System => "Farebox system endpoints",
        }
    }

    pub const fn description(self) -> &'static str {
        match self {
            DoorId::Platform => {
                "Organizations publish what they sell; agents find it, call it and pay per call from a wallet."
            }
            DoorId::Marketplace => "Keys, services and their discovery, and the proxy that meters every call.",
            DoorId::SqlGateway => {
                "Databases sold by the row: providers, and the balances and queries of agents' wallets."
            }
            DoorId::System => "Health, metrics and documents of the server itself.",
        }
    }

    /// The door that answers for a path that no operation has.
    pub fn of_path(path: &str) -> Self {
        let under =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if path == "/" || under("/api/v1") || under("/admin/dashboard") || under("/health") {
            DoorId::Marketplace
        } else if under("/api") {
            DoorId::SqlGateway
        } else {
            DoorId::Platform
        }
    }

    /// The name and the definition of the security scheme.
    pub(crate) fn security_scheme(self) -> (&'static str, Value) {
        match self {
            DoorId::Platform | DoorId::System => (
                "bearer_auth",
                json!({ "type": "http", "scheme": "bearer", "description": "An access token or an API key." }),
            ),
            DoorId::Marketplace => (
                "api_key",
                json!({
                    "type": "http", "scheme": "bearer", "bearerFormat": "key_id:secret",
                    "description": "An API key, both halves joined by a colon."
                }),
            ),
            DoorId::SqlGateway => (
                "api_key",
                json!({ "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A provider's API key." }),
            ),
        }
    }

    /// 401 for a request without credentials.
    pub(crate) fn credentials_missing(self) -> Error {
        Error::unauthenticated(match self {
            DoorId::Platform | DoorId::System => {
                "Credentials are missing: send `Authorization: Bearer` with an access token or an API key"
            }
            DoorId::Marketplace => "API key required",
            DoorId::SqlGateway => "Missing API key: send it in the X-API-Key header",
        })
    }

    /// 403 for a caller without the permission.
    pub fn permission_missing(self, permission: Permission) -> Error {
        Error::forbidden(match (self, permission) {
            (DoorId::Marketplace, Permission::ListingsWrite) => "Provider access required".to_owned(),
            (DoorId::Marketplace, Permission::PlatformAdmin) => "Admin access required".to_owned(),
            _ => format!("This needs the permission {permission}, which the credentials do not carry"),
        })
    }

    /// 404 for a path that no operation has.
    pub(crate) fn path_unknown(self) -> Error {
        let mut error = Error::not_found("Path");
        if self == DoorId::Marketplace {
            "Not Found".clone_into(&mut error.message);
        }
        error
    }

    /// 405 for a path that has other methods.
    pub(crate) fn method_unknown(self, allow: &str) -> Error {
        let message = match self {
            DoorId::Marketplace => "Method Not Allowed".to_owned(),
            _ => format!("The path takes {allow}"),
        };
        Error::new(farebox_base::Kind::MethodNotAllowed, "method_not_allowed", message)
    }
}
