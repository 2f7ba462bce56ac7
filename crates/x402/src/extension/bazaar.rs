//! `bazaar`: how a paid resource is called, for catalogues; and under which key a catalogue keeps it.

use serde_json::{Value, json};
use url::Url;

use super::DIALECT;
use crate::wire::Object;

pub const KEY: &str = "bazaar";

/// How the body of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyType {
    Json,
    FormData,
    Text,
}

/// An example of the values that a part of a request takes, and their schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    pub example: Object,
    pub schema: Object,
}

/// A paid HTTP endpoint. `method` in capitals.
#[derive(Clone, Debug, Default)]
pub struct HttpEndpoint {
    pub method: String,
    pub query: Option<Part>,
    pub body: Option<(BodyType, Part)>,
    pub path: Option<Part>,
    /// `/users/:id`; checked by `RouteTemplate`.
    pub template: Option<RouteTemplate>,
    pub output_example: Option<Value>,
}

/// A paid tool of an MCP server.
#[derive(Clone, Debug, Default)]
pub struct McpTool {
    pub name: String,
    pub description: Option<String>,
    /// `streamable-http` or `sse`.
    pub transport: Option<String>,
    pub input_schema: Object,
    pub example: Option<Object>,
    pub output_example: Option<Value>,
}

/// A path with `:name` for what varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTemplate(String);

/// Why a text is no route template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must begin with / and have at most 1024 of letters, digits and _/:.-~%, no .. and no :// in any percent-encoding"
)]
pub struct RouteTemplateError;

impl RouteTemplate {
    const BYTES_MAX: usize = 1024;
    const DECODINGS_MAX: usize = 5;

    /// # Errors
    /// Where the rule is broken: a template is the client's word and could point a catalogue elsewhere.
    pub fn parse(text: &str) -> Result<Self, RouteTemplateError> {
        let in_set = |byte: u8| byte.is_ascii_alphanumeric() || b"_/:.-~%".contains(&byte);
        if !text.starts_with('/') || !(2..=Self::BYTES_MAX).contains(&text.len()) || !text.bytes().all(in_set) {
            return Err(RouteTemplateError);
        }
        let mut decoded = text.as_bytes().to_vec();
        for _ in 0..Self::DECODINGS_MAX {
            let next = percent_decoded(&decoded).ok_or(RouteTemplateError)?;
            if next == decoded {
                let has = |part: &[u8]| decoded.windows(part.len()).any(|window| window == part);
                let is_sound = !has(b"..") && !has(b"://");
                return if is_sound { Ok(Self(text.to_owned())) } else { Err(RouteTemplateError) };
            }
            decoded = next;
        }
        Err(RouteTemplateError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn percent_decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => digit(rest.next()?)? * 16 + digit(rest.next()?)?,
            other => other,
        });
    }
    Some(decoded)
}

impl BodyType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::FormData => "form-data",
            Self::Text => "text",
        }
    }
}

impl HttpEndpoint {
    /// What a challenge advertises under `bazaar`.
    pub fn extension(&self) -> Value {
        let mut input = object(json!({ "type": "http", "method": self.method }));
        let mut properties = object(json!({
            "type": { "type": "string", "const": "http" },
            "method": { "type": "string", "enum": [self.method] },
        }));
        let mut required = vec!["type", "method"];
        if let Some((kind, body)) = &self.body {
            input.insert("bodyType".into(), kind.as_str().into());
            properties.insert("bodyType".into(), json!({ "type": "string", "enum": [kind.as_str()] }));
            add(&mut input, &mut properties, "body", body);
            required.extend(["bodyType", "body"]);
        }
        for (name, part) in [("queryParams", &self.query), ("pathParams", &self.path)] {
            if let Some(part) = part {
                add(&mut input, &mut properties, name, part);
            }
        }
        let mut extension = extension(input, properties, &required, self.output_example.as_ref());
        if let (Some(template), Some(object)) = (&self.template, extension.as_object_mut()) {
            object.insert("routeTemplate".into(), template.as_str().into());
        }
        extension
    }
}

impl McpTool {
    /// What a challenge advertises under `bazaar`.
    pub fn extension(&self) -> Value {
        let schema = with_object_type(&self.input_schema);
        let mut input = object(json!({ "type": "mcp", "toolName": self.name, "inputSchema": schema }));
        let mut properties = object(json!({
            "type": { "type": "string", "const": "mcp" },
            "toolName": { "type": "string" },
            "inputSchema": { "type": "object" },
        }));
        for (name, text) in [("description", &self.description), ("transport", &self.transport)] {
            if let Some(text) = text {
                input.insert(name.into(), text.as_str().into());
                properties.insert(name.into(), json!({ "type": "string" }));
            }
        }
        if let Some(example) = &self.example {
            input.insert("example".into(), example.clone().into());
            properties.insert("example".into(), json!({ "type": "object" }));
        }
        extension(input, properties, &["type", "toolName", "inputSchema"], self.output_example.as_ref())
    }
}

fn add(input: &mut Object, properties: &mut Object, name: &str, part: &Part) {
    input.insert(name.into(), part.example.clone().into());
    properties.insert(name.into(), with_object_type(&part.schema));
}

fn with_object_type(schema: &Object) -> Value {
    let mut typed = object(json!({ "type": "object" }));
    typed.extend(schema.clone());
    typed.into()
}

fn extension(input: Object, properties: Object, required: &[&str], output: Option<&Value>) -> Value {
    let mut info = object(json!({ "input": input }));
    let mut parts = object(json!({
        "input": {
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        },
    }));
    if let Some(example) = output {
        info.insert("output".into(), json!({ "type": "json", "example": example }));
        let output = json!({ "type": "object", "properties": { "type": { "type": "string" } }, "required": ["type"] });
        parts.insert("output".into(), output);
    }
    json!({
        "info": info,
        "schema": { "$schema": DIALECT, "type": "object", "properties": parts, "required": ["input"] },
    })
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// Under what a catalogue keeps a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CatalogueKey {
    /// Without query and fragment; the path may be a template.
    pub url: String,
    /// Of an MCP server.
    pub tool: Option<String>,
}

impl CatalogueKey {
    /// From what a payer says it paid for: `None` where that is no resource that could be called.
    pub fn of(resource_url: &str, extension: &Value) -> Option<Self> {
        let mut url = Url::parse(resource_url).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        let input = extension.get("info")?.get("input")?;
        let tool = match input.get("type")?.as_str()? {
            "http" => None,
            "mcp" => Some(input.get("toolName")?.as_str()?.to_owned()),
            _ => return None,
        };
        if let Some(template) = extension.get("routeTemplate") {
            let template = RouteTemplate::parse(template.as_str()?).ok()?;
            return Some(Self { url: format!("{}{}", url.origin().ascii_serialization(), template.as_str()), tool });
        }
        Some(Self { url: url.into(), tool })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_lead_elsewhere_are_refused() {
        for good in ["/users/:id", "/weather/:country/:city", "/api/v1.0/items", "/a%20b"] {
            assert_eq!(RouteTemplate::parse(good).unwrap().as_str(), good);
        }
        let bad = ["", "/", "users", "/a/../b", "/a/%2e%2e/b", "/%252e%252e", "/x://y", "/x:%2f%2fy", "/a b", "/a%2"];
        for text in bad {
            assert_eq!(RouteTemplate::parse(text), Err(RouteTemplateError), "{text}");
        }
        let deep = format!("/%{}2e", "25".repeat(9));
        assert_eq!(RouteTemplate::parse(&deep), Err(RouteTemplateError));
    }

    #[test]
    fn an_endpoint_says_how_it_is_called_and_its_schema_asks_for_that() {
        let query = Part {
            example: object(json!({ "city": "Lisbon" })),
            schema: object(json!({ "properties": { "city": { "type": "string" } } })),
        };
        let extension = HttpEndpoint {
            method: "GET".into(),
            query: Some(query),
            template: RouteTemplate::parse("/w/:day").ok(),
            output_example: Some(json!({ "degrees": 21 })),
            ..HttpEndpoint::default()
        }
        .extension();
        assert_eq!(extension["info"]["input"]["queryParams"]["city"], "Lisbon");
        assert_eq!(extension["schema"]["properties"]["input"]["properties"]["method"]["enum"][0], "GET");
        assert_eq!(extension["routeTemplate"], "/w/:day");
        let key = CatalogueKey::of("https://pay.example/w/monday?x=1#y", &extension).unwrap();
        assert_eq!(key, CatalogueKey { url: "https://pay.example/w/:day".into(), tool: None });
    }

    #[test]
    fn a_tool_is_kept_by_its_server_and_name() {
        let extension = McpTool { name: "forecast".into(), ..McpTool::default() }.extension();
        let key = CatalogueKey::of("https://pay.example/mcp?session=1", &extension).unwrap();
        assert_eq!((key.url.as_str(), key.tool.as_deref()), ("https://pay.example/mcp", Some("forecast")));
        assert_eq!(CatalogueKey::of("not a url", &extension), None);
        assert_eq!(CatalogueKey::of("https://pay.example/", &json!({ "info": {} })), None);
    }
}
