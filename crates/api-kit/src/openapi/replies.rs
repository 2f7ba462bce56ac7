//! The replies of an operation: its own, those its row declares, and the errors that its form can meet.

use super::{Schemas, Shape};
use crate::core::{Core, RateClass};
use crate::envelope;
use crate::operation::Operation;
use farebox_base::Access;
use http::StatusCode;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One documented reply.
#[derive(Debug, Clone)]
pub struct ReplyDoc {
    pub status: u16,
    /// `None` where there is no body or its form is not told.
    pub media: Option<&'static str>,
    pub schema: Option<Value>,
}

/// A reply that a row declares because the handler's type cannot.
#[derive(Debug, Clone, Copy)]
pub struct DeclaredReply {
    status: u16,
    media: Option<&'static str>,
    schema: Option<fn(&mut Schemas) -> Value>,
}

impl ReplyDoc {
    pub fn of(status: u16) -> Self {
        Self { status, media: None, schema: None }
    }

    #[must_use]
    pub fn with_schema(self, schema: Value) -> Self {
        Self { media: Some("application/json"), schema: Some(schema), ..self }
    }

    fn into_openapi(self) -> Value {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut reply = Map::new();
        reply.insert("description".into(), reason.unwrap_or("Reply").into());
        if let Some(media) = self.media {
            let form = self.schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema }));
            reply.insert("content".into(), json!({ media: form }));
        }
        Value::Object(reply)
    }
}

impl DeclaredReply {
    pub fn status(status: u16) -> Self {
        Self { status, media: None, schema: None }
    }

    #[must_use]
    pub fn json<T: JsonSchema>(self) -> Self {
        Self { media: Some("application/json"), schema: Some(Schemas::output_ref::<T>), ..self }
    }

    #[must_use]
    pub fn media(self, media: &'static str) -> Self {
        Self { media: Some(media), ..self }
    }

    fn document(self, schemas: &mut Schemas) -> ReplyDoc {
        ReplyDoc { status: self.status, media: self.media, schema: self.schema.map(|schema| schema(schemas)) }
    }
}

/// The `responses` object, sorted by status.
pub(super) fn responses<C: Core>(op: &Operation<C>, shape: &Shape, schemas: &mut Schemas) -> Value {
    let mut replies: BTreeMap<u16, ReplyDoc> = BTreeMap::new();
    let declared = op.replies.iter().map(|reply| reply.document(schemas));
    for reply in shape.replies.iter().cloned().chain(declared) {
        replies.insert(reply.status, reply);
    }
    if !replies.keys().any(|status| *status < 400) {
        replies.insert(200, ReplyDoc::of(200));
    }
    let reference = json!({ "$ref": format!("#/components/schemas/{}", envelope::schema_name(op.door)) });
    for status in standard_errors(op, shape).into_iter().chain(op.errors.iter().copied()) {
        replies.entry(status).or_insert_with(|| ReplyDoc::of(status).with_schema(reference.clone()));
    }
    let named = replies.into_iter().map(|(status, reply)| (status.to_string(), reply.into_openapi()));
    Value::Object(named.collect())
}

/// The errors that follow from what the operation takes and asks.
fn standard_errors<C: Core>(op: &Operation<C>, shape: &Shape) -> Vec<u16> {
    let path_names = op.param_names().count();
    let mut statuses = vec![500];
    if shape.takes_input(path_names) {
        statuses.push(400);
    }
    match op.access {
        Access::Public => {}
        Access::Optional => statuses.push(401),
        Access::Needs(_) => statuses.extend([401, 403]),
    }
    if path_names > 0 {
        statuses.push(404);
    }
    if shape.body.is_some() {
        statuses.push(413);
    }
    if op.rate != RateClass::Free {
        statuses.push(429);
    }
    statuses
}
