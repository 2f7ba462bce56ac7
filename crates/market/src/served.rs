//! Which calls a listing serves and what its seller says of them, from `profile.endpoints[]` and
//! `profile.undocumented_endpoint_policy` of the platform door.
//!
//! Read once, when a listing is registered or loaded; a lookup compares the path in place and allocates nothing. A
//! listing serves everything unless its policy is `default_deny`; then it serves the endpoints that it lists, in every
//! spelling of their paths, and nothing else.

use crate::path_template::PathTemplate;
use crate::{JsonObject, Listing, Method};
use farebox_base::{Error, Result};
use serde_json::Value;

/// The endpoints that are served. The default serves everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedEndpoints {
    /// In the order of `Method::ALL`, each from the most to the least specific, with its place in `profile.endpoints`.
    listed: [Vec<(PathTemplate, usize)>; 5],
    /// Whether what is not listed is refused.
    refuses_others: bool,
}

impl ServedEndpoints {
    /// Reads the endpoints of a profile; each must be well-formed, whatever the policy.
    ///
    /// # Errors
    /// `Invalid` for `undocumented_endpoint_policy`, `endpoints.N.method` or `endpoints.N.path`.
    pub(crate) fn read(profile: &JsonObject) -> Result<Self> {
        let mut listed: [Vec<(PathTemplate, usize)>; 5] = Default::default();
        let endpoints = profile.get("endpoints").and_then(Value::as_array);
        for (index, endpoint) in endpoints.into_iter().flatten().enumerate() {
            let field = |name: &str| format!("endpoints.{index}.{name}");
            let text = |name: &str| endpoint.get(name).and_then(Value::as_str).unwrap_or_default();
            let method = Method::parse(text("method"))
                .ok_or_else(|| Error::invalid(field("method"), "must be GET, POST, PUT, PATCH or DELETE"))?;
            let template = PathTemplate::parse(text("path")).map_err(|rule| Error::invalid(field("path"), rule))?;
            listed[method as usize].push((template, index));
        }
        for of_method in &mut listed {
            of_method.sort();
        }
        let refuses_others = match profile.get("undocumented_endpoint_policy") {
            None | Some(Value::Null) => false,
            Some(policy) if policy == "default_allow" => false,
            Some(policy) if policy == "default_deny" => true,
            Some(_) => {
                return Err(Error::invalid("undocumented_endpoint_policy", "must be default_allow or default_deny"));
            }
        };
        Ok(Self { listed, refuses_others })
    }

    fn serves(&self, method: &str, path: &str) -> bool {
        !self.refuses_others || self.place(method, path).is_some()
    }

    /// Where in `profile.endpoints` the most specific endpoint stands that a call is one of.
    fn place(&self, method: &str, path: &str) -> Option<usize> {
        let of_method = &self.listed[Method::parse(method)? as usize];
        of_method.iter().find(|(template, _)| template.matches_strictly(path)).map(|(_, place)| *place)
    }
}

impl Listing {
    /// Whether a call is one that the seller lets through. HEAD is served where GET is; methods that no endpoint can
    /// be listed for are served only by listings that serve everything.
    ///
    /// `path` is the path below the listing's base, with or without a leading slash; what follows a `?` does not count.
    pub fn serves(&self, method: &str, path: &str) -> bool {
        self.served.serves(method, path)
    }

    /// What the seller says of the endpoint that a call is one of, as it stands in `profile.endpoints`; `None` for calls
    /// that are not listed. `path` as in `serves`.
    pub fn endpoint(&self, method: &str, path: &str) -> Option<&Value> {
        let place = self.served.place(method, path)?;
        self.profile.get("endpoints")?.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn served(policy: Value, endpoints: Value) -> Result<ServedEndpoints> {
        let mut profile = JsonObject::new();
        profile.insert("undocumented_endpoint_policy".to_owned(), policy);
        profile.insert("endpoints".to_owned(), endpoints);
        ServedEndpoints::read(&profile)
    }

    #[test]
    fn a_listing_that_allows_by_default_serves_everything() {
        let listed = json!([{"method": "GET", "path": "/a"}]);
        for policy in [json!(null), json!("default_allow")] {
            let served = served(policy, listed.clone()).unwrap();
            for (method, path) in [("GET", "/a"), ("POST", "/b"), ("OPTIONS", ""), ("PROPFIND", "/../x")] {
                assert!(served.serves(method, path), "{method} {path}");
            }
        }
        assert!(ServedEndpoints::read(&JsonObject::new()).unwrap().serves("GET", "/x"));
    }

    #[test]
    fn a_listing_that_denies_by_default_serves_what_it_lists_in_every_spelling() {
        let listed = json!([
            {"method": "GET", "path": "/quotes/{symbol}", "price": "0.01"},
            {"method": "GET", "path": "/"},
            {"method": "POST", "path": "/files/{*rest}"},
        ]);
        let served = served(json!("default_deny"), listed).unwrap();
        for (method, path) in [
            ("GET", "/quotes/ABC"),
            ("HEAD", "quotes/ABC"),
            ("get", "//%71uotes/./ABC/?x=/y"),
            ("GET", ""),
            ("POST", "/files"),
            ("POST", "/files/a/b%2Fc"),
        ] {
            assert!(served.serves(method, path), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/quotes/ABC"),
            ("GET", "/quotes"),
            ("GET", "/quotes/ABC/history"),
            ("GET", "/files/a"),
            ("GET", "/quotes/ABC%2Fhistory"),
            ("GET", "/quotes/ABC%5chistory"),
            ("POST", "/files/../quotes"),
            ("POST", "/files/%2e%2e/quotes"),
            ("OPTIONS", "/quotes/ABC"),
            ("", ""),
        ] {
            assert!(!served.serves(method, path), "{method} {path}");
        }
    }

    #[test]
    fn a_call_is_one_of_the_most_specific_endpoint_that_matches() {
        let listed = json!([
            {"method": "GET", "path": "/{*rest}"},
            {"method": "POST", "path": "/users/me"},
            {"method": "GET", "path": "/users/{id}"},
        ]);
        let served = served(json!(null), listed).unwrap();
        let places = [("GET", "/users/7"), ("HEAD", "users/7?x=1"), ("GET", "/a/b"), ("POST", "/users/7")];
        assert_eq!(places.map(|(method, path)| served.place(method, path)), [Some(2), Some(2), Some(0), None]);
    }

    #[test]
    fn a_listing_that_denies_by_default_and_lists_nothing_serves_nothing() {
        assert!(!served(json!("default_deny"), json!(null)).unwrap().serves("GET", "/"));
    }

    #[test]
    fn endpoints_and_policies_that_mean_nothing_are_named() {
        for (policy, endpoints, field) in [
            (json!("deny"), json!([]), "undocumented_endpoint_policy"),
            (json!(true), json!([]), "undocumented_endpoint_policy"),
            (
                json!(null),
                json!([{"method": "GET", "path": "/"}, {"method": "TRACE", "path": "/"}]),
                "endpoints.1.method",
            ),
            (json!(null), json!([{"method": "GET", "path": "a"}]), "endpoints.0.path"),
            (json!("default_deny"), json!([{"method": "GET", "path": "/{a"}]), "endpoints.0.path"),
        ] {
            let error = served(policy, endpoints).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field));
        }
    }
}
