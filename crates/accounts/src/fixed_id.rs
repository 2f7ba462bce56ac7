//! Ids of things that are the same on every server and stand in no table: permissions and built-in roles.

use farebox_base::Permission;
use uuid::{Builder, Uuid};

/// Version 8 of RFC 9562, made from the kind and the name.
pub(crate) fn fixed_id(kind: &str, name: &str) -> Uuid {
    let hash = blake3::hash(format!("farebox {kind} {name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The id of a permission as a resource.
pub fn permission_id(permission: Permission) -> Uuid {
    fixed_id("permission", permission.text())
}
