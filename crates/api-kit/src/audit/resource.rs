//! What an operation is about, told from its path.
//!
//! The kind is made of the fixed parts up to the last id: `/organizations/{organization_id}/oauth/providers/{provider_id}`
//! is about an `oauth_provider`. Where no id stands, an organisation's things are named by all fixed parts, others by the
//! first: `/wallet/bonus/signup` is about the `wallet`.

/// The part of a path that names an organisation.
pub(crate) const ORGANIZATION: &str = "organization_id";
/// What stands before the parts that name a thing; the longest first.
const PREFIXES: [&str; 4] = ["/organizations/{organization_id}/", "/organizations/default/", "/api/v1/", "/api/"];

/// The kind of thing: `publisher`, `api_key`.
pub(crate) fn kind(path: &str) -> String {
    let prefix = PREFIXES.iter().find(|prefix| path.starts_with(**prefix));
    let rest = prefix.map_or(path, |prefix| &path[prefix.len()..]);
    let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    let last_id = segments.iter().rposition(|segment| is_id(segment));
    let of_organization = prefix.is_some_and(|prefix| prefix.starts_with("/organizations/"));
    let end = match last_id {
        Some(place) => place,
        None if of_organization => segments.len(),
        None => 1.min(segments.len()),
    };
    let named = segments[..end].iter().filter(|segment| !segment.starts_with('{'));
    named.map(|segment| singular(segment)).collect::<Vec<_>>().join("_")
}

/// The name of the variable part that has the thing's id.
pub(crate) fn id_name(path: &'static str) -> Option<&'static str> {
    let segment = path.split('/').rev().find(|segment| is_id(segment))?;
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Names of other variable parts, such as tokens, are never taken for ids.
fn is_id(segment: &str) -> bool {
    let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    name != ORGANIZATION && (name == "id" || name.ends_with("_id"))
}

fn singular(segment: &str) -> String {
    let word = segment.replace('-', "_");
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None if word.ends_with("ss") => word,
        None => word.strip_suffix('s').unwrap_or(&word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_they_are_about() {
        for (path, expected, id) in [
            ("/organizations/{organization_id}/publishers", "publisher", None),
            ("/organizations/{organization_id}/publishers/{publisher_id}/pricing", "publisher", Some("publisher_id")),
            ("/organizations/default/api-keys/{key_id}/scopes", "api_key", Some("key_id")),
            ("/organizations/{organization_id}/oauth/providers/{provider_id}", "oauth_provider", Some("provider_id")),
            ("/organizations/{organization_id}/private-chat-policy", "private_chat_policy", None),
            (
                "/organizations/{organization_id}/custom-skills/{skill_id}/revisions/{revision_id}/publish",
                "custom_skill_revision",
                Some("revision_id"),
            ),
            ("/auth/login", "auth", None),
            ("/wallet/bonus/signup", "wallet", None),
            ("/sessions/{session_id}", "session", Some("session_id")),
            ("/api/v1/services/{service_id}", "service", Some("service_id")),
            ("/api/providers/{id}/pricing", "provider", Some("id")),
            ("/api/deposit", "deposit", None),
            ("/invites/{token}/accept", "invite", None),
            ("/federation/{resource_type}/{external_id}", "federation", Some("external_id")),
        ] {
            assert_eq!((kind(path).as_str(), id_name(path)), (expected, id), "{path}");
        }
    }
}
