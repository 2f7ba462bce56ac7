//! What a seller says of an endpoint, in the words of catalogues (`bazaar`), as far as it fits into a header.
//!
//! Invariant: the examples keep the schema that goes with them in which names are required and of which type they are, for
//! whoever checks one against the other.

use farebox_api_types::platform::{EndpointDefinition, HttpMethod, ParamType, QueryParamDefinition};
use farebox_x402::extension::bazaar::{BodyType, HttpEndpoint, Part, RouteTemplate};
use farebox_x402::wire::Object;
use serde::Deserialize;
use serde_json::{Value, json};

/// A call of an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallAt<'a> {
    pub method: &'a str,
    /// Before `path` in the URL, from the first slash after the host on.
    pub prefix: &'a str,
    /// Below the listing's base, without a query.
    pub path: &'a str,
}

/// An endpoint that its seller describes.
pub(crate) struct Described(EndpointDefinition);

impl Described {
    /// Reads one of `profile.endpoints`; `None` for what was written in another form.
    pub(crate) fn read(endpoint: &Value) -> Option<Self> {
        EndpointDefinition::deserialize(endpoint).ok().map(Self)
    }

    pub(crate) fn description(&self) -> Option<&str> {
        self.0.description.as_deref().filter(|text| !text.trim().is_empty())
    }

    /// The value under `bazaar` in at most so many bytes: without the example of a reply where that is too long, and
    /// `None` where it is too long even so.
    pub(crate) fn extension(&self, call: CallAt<'_>, bytes_max: usize) -> Option<Value> {
        let whole = self.endpoint(call);
        let fits = |endpoint: &HttpEndpoint| {
            let extension = endpoint.extension();
            (extension.to_string().len() <= bytes_max).then_some(extension)
        };
        fits(&whole).or_else(|| fits(&HttpEndpoint { output_example: None, ..whole }))
    }

    fn endpoint(&self, call: CallAt<'_>) -> HttpEndpoint {
        let (template, path) = match route(&self.0.path, call) {
            Some((template, values)) => (RouteTemplate::parse(&template).ok(), values),
            None => (None, Object::new()),
        };
        let has_body = matches!(self.0.method, HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch);
        HttpEndpoint {
            method: call.method.to_ascii_uppercase(),
            query: self.0.query_params.as_deref().filter(|params| !params.is_empty()).map(query),
            body: has_body.then(|| self.body()),
            path: (template.is_some() && !path.is_empty()).then(|| Part { example: path, schema: Object::new() }),
            template,
            output_example: self.0.example_response.clone().filter(|example| !example.is_null()),
        }
    }

    fn body(&self) -> (BodyType, Part) {
        let given = [&self.0.example_request, &self.0.body_template].into_iter().flatten();
        let example = given.filter_map(Value::as_object).next().cloned().unwrap_or_default();
        let mut schema = Object::new();
        let described = self.0.request_body.as_ref();
        if let Some(properties @ Value::Object(_)) = described.and_then(|body| body.get("properties")) {
            schema.insert("properties".to_owned(), properties.clone());
        }
        let required = described.and_then(|body| body.get("required")).and_then(Value::as_array);
        let shown = |name: &&Value| name.as_str().is_some_and(|name| example.contains_key(name));
        let required: Vec<Value> = required.into_iter().flatten().filter(shown).cloned().collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        (body_type(self.0.request_content_type.as_deref()), Part { example, schema })
    }
}

fn body_type(content_type: Option<&str>) -> BodyType {
    let text = content_type.unwrap_or_default().trim().to_ascii_lowercase();
    match () {
        () if text.starts_with("multipart/form-data") || text.starts_with("application/x-www-form-urlencoded") => {
            BodyType::FormData
        }
        () if text.starts_with("text/") => BodyType::Text,
        () => BodyType::Json,
    }
}

fn query(params: &[QueryParamDefinition]) -> Part {
    let (mut example, mut properties, mut required) = (Object::new(), Object::new(), Vec::new());
    for param in params {
        let mut schema = json!({ "type": param.param_type });
        if let (Some(text), Some(schema)) = (&param.description, schema.as_object_mut()) {
            schema.insert("description".to_owned(), text.as_str().into());
        }
        properties.insert(param.name.clone(), schema);
        if let Some(value) = param.example.as_deref().and_then(|text| typed(param.param_type, text)) {
            example.insert(param.name.clone(), value);
        } else if param.required {
            example.insert(param.name.clone(), nothing(param.param_type));
        }
        if param.required {
            required.push(Value::from(param.name.as_str()));
        }
    }
    let mut schema = Object::new();
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    Part { example, schema }
}

/// An example as a value of its type; `None` where it is none.
fn typed(kind: ParamType, text: &str) -> Option<Value> {
    if kind == ParamType::String {
        return Some(text.into());
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let is_of_kind = match kind {
        ParamType::String => false,
        ParamType::Integer => value.is_i64() || value.is_u64(),
        ParamType::Boolean => value.is_boolean(),
        ParamType::Number => value.is_number(),
        ParamType::Array => value.is_array(),
    };
    is_of_kind.then_some(value)
}

/// The least value of a type.
fn nothing(kind: ParamType) -> Value {
    match kind {
        ParamType::String => "".into(),
        ParamType::Integer | ParamType::Number => 0.into(),
        ParamType::Boolean => false.into(),
        ParamType::Array => Value::Array(Vec::new()),
    }
}

/// The whole path with `:name` for what varies, and what stands there in this call. `None` where catalogues have no way to
/// write the template: the rest of a path, or a placeholder beside other text.
fn route(template: &str, call: CallAt<'_>) -> Option<(String, Object)> {
    let parts = |path: &'_ str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
    };
    let (mut route, mut values) = (call.prefix.trim_end_matches('/').to_owned(), Object::new());
    let came = parts(call.path);
    for (at, part) in parts(template).iter().enumerate() {
        route.push('/');
        let placeholder = part.strip_prefix(':').or_else(|| part.strip_prefix('{')?.strip_suffix('}'));
        match placeholder {
            Some(name) => {
                let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                values.insert(is_name.then(|| name.to_owned())?, came.get(at)?.as_str().into());
                route.push(':');
                route.push_str(name);
            }
            None if part.contains(['{', '}', '*', ':']) => return None,
            None => route.push_str(part),
        }
    }
    Some((route, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(endpoint: Value) -> Described {
        Described::read(&endpoint).unwrap()
    }

    fn call<'a>(method: &'a str, path: &'a str) -> CallAt<'a> {
        CallAt { method, prefix: "/publishers/things", path }
    }

    #[test]
    fn an_endpoint_is_told_with_its_parameters_its_template_and_the_example_of_its_reply() {
        let told = described(json!({
            "method": "GET", "path": "/cities/{city}/days/:day",
            "query_params": [
                {"name": "units", "required": true, "example": "metric", "description": "Which units"},
                {"name": "hours", "param_type": "integer", "required": true, "example": "soon"},
                {"name": "alerts", "param_type": "boolean", "example": "true"},
            ],
            "example_response": {"degrees": 21},
        }));
        let told = told.extension(call("GET", "/cities//Lisbon/days/1"), 4_000).unwrap();
        assert_eq!(told["routeTemplate"], "/publishers/things/cities/:city/days/:day");
        let input = &told["info"]["input"];
        assert_eq!(input["pathParams"], json!({"city": "Lisbon", "day": "1"}));
        assert_eq!(input["queryParams"], json!({"units": "metric", "hours": 0, "alerts": true}));
        assert_eq!(told["info"]["output"]["example"]["degrees"], 21);
        let schema = &told["schema"]["properties"]["input"]["properties"]["queryParams"];
        assert_eq!(schema["required"], json!(["units", "hours"]));
        assert_eq!(schema["properties"]["hours"]["type"], "integer");
    }

    #[test]
    fn a_body_is_told_with_its_example_and_only_with_names_that_the_example_has() {
        let told = described(json!({
            "method": "POST", "path": "/ask", "request_content_type": "application/x-www-form-urlencoded",
            "request_body": {"type": "object", "$ref": "https://x.example", "required": ["q", "n"],
                             "properties": {"q": {"type": "string"}}},
            "example_request": {"q": "why"},
        }));
        let told = told.extension(call("POST", "/ask"), 4_000).unwrap();
        assert_eq!(told["info"]["input"]["bodyType"], "form-data");
        assert_eq!(told["info"]["input"]["body"], json!({"q": "why"}));
        let schema = &told["schema"]["properties"]["input"]["properties"]["body"];
        assert_eq!(*schema, json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}));
        let bare = described(json!({"method": "PUT", "path": "/ask"})).extension(call("PUT", "/ask"), 4_000).unwrap();
        assert_eq!((&bare["info"]["input"]["bodyType"], &bare["info"]["input"]["body"]), (&json!("json"), &json!({})));
    }

    #[test]
    fn what_does_not_fit_into_a_header_is_left_out() {
        let long = "x".repeat(5_000);
        let told = described(json!({"method": "GET", "path": "/a", "example_response": long}));
        assert!(told.extension(call("GET", "/a"), 4_000).unwrap()["info"].get("output").is_none());
        let told =
            described(json!({"method": "GET", "path": "/a", "query_params": [{"name": "q", "description": long}]}));
        assert_eq!(told.extension(call("GET", "/a"), 4_000), None);
    }

    #[test]
    fn a_path_that_catalogues_cannot_write_has_no_template() {
        for (path, came) in [("/files/{*rest}", "/files/a/b"), ("/gpt-{m}", "/gpt-5"), ("/{a-b}", "/1"), ("/*", "/x")] {
            let told = described(json!({"method": "GET", "path": path})).extension(call("GET", came), 4_000).unwrap();
            assert_eq!((told.get("routeTemplate"), told["info"]["input"].get("pathParams")), (None, None), "{path}");
        }
    }
}
