//! Who may do what at the platform door, as a text that is checked in: `docs/permissions.txt`.
//!
//! Made from the operation table and the table of roles and from nothing else; a test tries every row of it.

use farebox_api_kit::{DoorId, Probe, probes};
use farebox_base::{Access, MemberRole, Permission, PermissionSet};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const HEAD: &str = "\
# Who may do what at the platform door. Written by `cargo xtask openapi` from the operation table; not by hand.
#
# owner, admin, editor, viewer   a member with that role, in the organization of the path, or else in his own
# auditor                        a member whose role is the organization's own and has one permission: audit.read
# stranger                       who is no member of the organization that the path names, whether it exists or not
# anonymous                      without credentials
#
# yes: the operation runs, and may still find fault with its input. no: 403, naming the permission. A number: that status.
# .: the path names no organization. Where the permission is `optional`, the operation runs without credentials too;
# calls and queries of publishers then look for calls.make themselves. Keys may do less than their users: their scopes
# narrow them, and a key with the role `buyer` lacks listings.write.
";

/// One row for each method and path of the platform door.
pub fn permission_matrix() -> String {
    let mut lines = BTreeSet::new();
    for probe in probes(&crate::operations()) {
        if probe.door == DoorId::Platform {
            lines.insert((probe.template, probe.method.to_string(), line(&probe)));
        }
    }
    let mut text = HEAD.to_owned();
    let _ = writeln!(text, "\n{}", row("operation", "permission", COLUMNS));
    for (_, _, line) in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

const COLUMNS: [&str; 7] = ["owner", "admin", "editor", "viewer", "auditor", "stranger", "anonymous"];

fn line(probe: &Probe) -> String {
    let operation = format!("{} {}", probe.method, probe.template);
    let permission = match probe.access {
        Access::Public => return row(&operation, "public", ["yes"; 7]),
        Access::Optional => return row(&operation, "optional", ["yes"; 7]),
        Access::Needs(permission) => permission,
    };
    let auditor = PermissionSet::PERSONAL.with(Permission::AuditRead);
    let [owner, admin, editor, viewer] =
        [MemberRole::Owner, MemberRole::Admin, MemberRole::Editor, MemberRole::Viewer].map(MemberRole::permissions);
    let [owner, admin, editor, viewer, auditor] =
        [owner, admin, editor, viewer, auditor].map(|role| if role.contains(permission) { "yes" } else { "no" });
    let stranger = match (probe.template.contains("{organization_id}"), probe.stranger.status()) {
        (false, _) => ".",
        (true, 404) => "404",
        (true, _) => "403",
    };
    row(&operation, permission.text(), [owner, admin, editor, viewer, auditor, stranger, "401"])
}

fn row(operation: &str, permission: &str, cells: [&str; 7]) -> String {
    let mut line = format!("{operation:<96} {permission:<22}");
    for cell in cells {
        let _ = write!(line, " {cell:<9}");
    }
    line.truncate(line.trim_end().len());
    line
}
