//! Prices of single endpoints, from `profile.endpoints[]` of the platform door: `{method, path, price}`.
//!
//! Read once, when a listing is registered or loaded; a lookup compares the path in place and allocates nothing.
//! The most specific template wins, and another spelling of a path can't get another price (see `path_template`).

use crate::path_template::PathTemplate;
use crate::price::{HIGHEST_PRICE, amount};
use crate::{JsonObject, Method};
use farebox_base::{Error, Micros, Result};
use serde_json::Value;

const MOST_ENDPOINTS: usize = 500;

/// The endpoints that have a price, by method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointPrices {
    /// In the order of `Method::ALL`, each from the most to the least specific.
    by_method: [Vec<Priced>; 5],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Priced {
    template: PathTemplate,
    price: Micros,
}

impl EndpointPrices {
    /// Reads the priced endpoints of a profile.
    ///
    /// # Errors
    /// `Invalid` for `endpoints`, `endpoints.N.method`, `endpoints.N.path` or `endpoints.N.price`.
    pub(crate) fn read(profile: &JsonObject) -> Result<Self> {
        let mut prices = Self::default();
        let endpoints = match profile.get("endpoints") {
            None | Some(Value::Null) => return Ok(prices),
            Some(Value::Array(endpoints)) if endpoints.len() <= MOST_ENDPOINTS => endpoints,
            Some(Value::Array(_)) => {
                return Err(Error::invalid("endpoints", format!("must not have more than {MOST_ENDPOINTS} entries")));
            }
            Some(_) => return Err(Error::invalid("endpoints", "must be a list")),
        };
        for (index, endpoint) in endpoints.iter().enumerate() {
            let field = |name: &str| format!("endpoints.{index}.{name}");
            let text = match endpoint.get("price") {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text,
                Some(_) => return Err(Error::invalid(field("price"), "must be a string such as \"0.05\"")),
            };
            let price = amount(&field("price"), text, HIGHEST_PRICE)?;
            let method = endpoint
                .get("method")
                .and_then(Value::as_str)
                .and_then(Method::parse)
                .ok_or_else(|| Error::invalid(field("method"), "must be GET, POST, PUT, PATCH or DELETE"))?;
            let path = endpoint.get("path").and_then(Value::as_str).unwrap_or_default();
            let template = PathTemplate::parse(path).map_err(|rule| Error::invalid(field("path"), rule))?;
            let of_method = &mut prices.by_method[method as usize];
            if of_method.iter().any(|other| other.template == template) {
                return Err(Error::invalid(field("path"), "must not match the same paths as an endpoint before it"));
            }
            of_method.push(Priced { template, price });
        }
        for of_method in &mut prices.by_method {
            of_method.sort_by(|a, b| a.template.cmp(&b.template));
        }
        Ok(prices)
    }

    /// As `find`, whatever the case of letters: some servers do not tell `/Report` from `/report`.
    pub fn find_in_any_case(&self, method: Method, path: &str) -> Option<Micros> {
        let of_method = &self.by_method[method as usize];
        of_method.iter().find(|priced| priced.template.matches_in_any_case(path)).map(|priced| priced.price)
    }

    /// The highest price that an endpoint of this method has.
    pub fn dearest(&self, method: Method) -> Option<Micros> {
        self.by_method[method as usize].iter().map(|priced| priced.price).max()
    }

    /// The price of the most specific endpoint that matches. `path` is that of the call below the listing's base, with
    /// or without a leading slash; what follows a `?` does not count.
    pub fn find(&self, method: Method, path: &str) -> Option<Micros> {
        let of_method = &self.by_method[method as usize];
        if of_method.is_empty() {
            return None;
        }
        of_method.iter().find(|priced| priced.template.matches(path)).map(|priced| priced.price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prices(endpoints: Value) -> Result<EndpointPrices> {
        let mut profile = JsonObject::new();
        profile.insert("endpoints".to_owned(), endpoints);
        EndpointPrices::read(&profile)
    }

    fn get(path: &str, price: &str) -> Value {
        json!({"method": "GET", "path": path, "price": price})
    }

    #[test]
    fn the_most_specific_template_wins_whatever_the_order() {
        let prices = prices(json!([
            get("/{*rest}", "0.01"),
            get("/users/{id}", "0.03"),
            get("/users/me", "0.04"),
            get("/users/{id}/posts", "0.05"),
            get("/users/*", "0.02"),
            get("/models/{m}:predict", "0.06"),
            get("/models/gpt-{m}:predict", "0.07"),
            get("/models/:m", "0.08"),
        ]))
        .unwrap();
        for (path, micros) in [
            ("/", 10_000),
            ("/x/y", 10_000),
            ("/users", 20_000),
            ("/users/42", 30_000),
            ("users/42", 30_000),
            ("/users/me", 40_000),
            ("/users/42/posts", 50_000),
            ("/users/42/likes", 20_000),
            ("/models/a:predict", 60_000),
            ("/models/gpt-5:predict", 70_000),
            ("/models/:predict", 80_000),
            ("/models/a", 80_000),
        ] {
            assert_eq!(prices.find(Method::Get, path), Some(Micros::new(micros)), "{path}");
            assert_eq!(prices.find(Method::Post, path), None);
        }
    }

    #[test]
    fn another_spelling_of_a_path_has_the_same_price() {
        let prices = prices(json!([get("/dear/report", "1"), get("/caf%C3%A9", "2")])).unwrap();
        let same = [
            "/dear/report",
            "dear/report",
            "//dear///report/",
            "/%64ear/rep%6Frt",
            "/./dear/%2e/report",
            "/dear/report?x=/y",
        ];
        for path in same {
            assert_eq!(prices.find(Method::Get, path), Some(Micros::new(1_000_000)), "{path}");
        }
        for path in ["/Dear/report", "/dear%2Freport", "/dear/report/x", "/dear", "/x/../dear/report", "/dear/repor%"] {
            assert_eq!(prices.find(Method::Get, path), None, "{path}");
        }
        assert_eq!(prices.find(Method::Get, "/café"), Some(Micros::new(2_000_000)));
    }

    #[test]
    fn endpoints_without_price_are_left_alone_and_wrong_ones_are_named() {
        assert_eq!(prices(json!(null)).unwrap(), EndpointPrices::default());
        assert_eq!(prices(json!([{"method": "X"}, {"path": 5, "price": null}])).unwrap(), EndpointPrices::default());
        for (endpoints, field) in [
            (json!({}), "endpoints"),
            (json!([get("/", "1"), get("/a", "-1")]), "endpoints.1.price"),
            (json!([{"method": "GET", "path": "/", "price": 1}]), "endpoints.0.price"),
            (json!([{"method": "TRACE", "path": "/", "price": "1"}]), "endpoints.0.method"),
            (json!([get("a", "1")]), "endpoints.0.path"),
            (json!([get("/a?b", "1")]), "endpoints.0.path"),
            (json!([get("/{a", "1")]), "endpoints.0.path"),
            (json!([get("/a}", "1")]), "endpoints.0.path"),
            (json!([get("/{a}{b}", "1")]), "endpoints.0.path"),
            (json!([get("/*/b", "1")]), "endpoints.0.path"),
            (json!([get("/{a}/x", "1"), get("/{b}/x/", "2")]), "endpoints.1.path"),
        ] {
            assert_eq!(prices(endpoints.clone()).unwrap_err().field.as_deref(), Some(field), "{endpoints}");
        }
    }
}
