//! What a handler takes and returns, as far as its types tell.

use super::ReplyDoc;
use serde_json::{Map, Value, json};

/// Collected from the arguments and the output of a handler.
#[derive(Debug, Default)]
pub struct Shape {
    /// The inline schema of the `Path` argument.
    pub path: Option<Value>,
    /// Query and header parameters.
    pub params: Vec<ParamDoc>,
    pub body: Option<BodyDoc>,
    pub replies: Vec<ReplyDoc>,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct ParamDoc {
    /// `query`, `header` or `path`.
    pub place: &'static str,
    pub name: String,
    pub required: bool,
    pub schema: Value,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct BodyDoc {
    pub media: &'static str,
    /// `None` for bytes of any form.
    pub schema: Option<Value>,
    pub required: bool,
}

impl Shape {
    /// Adds one parameter for each property of an object's inline schema.
    pub fn add_params(&mut self, place: &'static str, schema: &Value) {
        let is_required = |name: &String| list_of(schema, "required").any(|r| r.as_str() == Some(name));
        let params = properties_of(schema).map(|(name, schema)| ParamDoc {
            place,
            required: is_required(name),
            name: name.clone(),
            schema: schema.clone(),
        });
        self.params.extend(params);
    }

    pub fn add_body(&mut self, media: &'static str, schema: Option<Value>, required: bool) {
        self.body = Some(BodyDoc { media, schema, required });
    }

    /// The names that a `Path` struct wants; `None` for tuples, single values and handlers without one.
    pub(crate) fn path_names(&self) -> Option<Vec<String>> {
        let schema = self.path.as_ref()?;
        let names: Vec<String> = properties_of(schema).map(|(name, _)| name.clone()).collect();
        (!names.is_empty()).then_some(names)
    }

    /// The schema of the path's `index`th variable part, called `name`.
    pub(crate) fn path_schema(&self, name: &str, index: usize) -> Value {
        let plain = || json!({ "type": "string" });
        let Some(schema) = &self.path else { return plain() };
        if let Some((_, found)) = properties_of(schema).find(|(property, _)| *property == name) {
            return found.clone();
        }
        match list_of(schema, "prefixItems").nth(index) {
            Some(item) => item.clone(),
            None if index == 0 && schema.get("properties").is_none() => schema.clone(),
            None => plain(),
        }
    }

    /// All parameters as the document shows them: path, then query, then headers.
    pub(crate) fn parameters(&self, path_names: &[&str]) -> Vec<Value> {
        let of_path = path_names.iter().enumerate().map(|(index, name)| ParamDoc {
            place: "path",
            name: (*name).to_owned(),
            required: true,
            schema: self.path_schema(name, index),
        });
        of_path.chain(self.params.iter().cloned()).map(ParamDoc::into_openapi).collect()
    }

    /// Whether a request can be wrong in more than its credentials.
    pub(crate) fn takes_input(&self, path_names: usize) -> bool {
        path_names > 0 || !self.params.is_empty() || self.body.is_some()
    }
}

impl ParamDoc {
    fn into_openapi(mut self) -> Value {
        let mut param = Map::new();
        param.insert("name".into(), self.name.into());
        param.insert("in".into(), self.place.into());
        param.insert("required".into(), self.required.into());
        if let Some(text) = self.schema.as_object_mut().and_then(|schema| schema.shift_remove("description")) {
            param.insert("description".into(), text);
        }
        param.insert("schema".into(), self.schema);
        Value::Object(param)
    }
}

impl BodyDoc {
    pub(crate) fn to_openapi(&self) -> Value {
        let media = match &self.schema {
            Some(schema) => json!({ "schema": schema }),
            None => json!({}),
        };
        json!({ "required": self.required, "content": { self.media: media } })
    }
}

fn properties_of(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn list_of<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}
