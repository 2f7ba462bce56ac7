//! The OpenAPI 3.1 document of a door, made from its rows alone.
//!
//! Deterministic: paths and schemas are sorted, methods have a fixed order, and nothing depends on the time.

mod replies;
mod schemas;
mod shape;

pub use replies::{DeclaredReply, ReplyDoc};
pub use schemas::Schemas;
pub use shape::{BodyDoc, ParamDoc, Shape};

use crate::core::Core;
use crate::operation::Operation;
use crate::{DoorId, envelope};
use farebox_base::Access;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The document of one door; operations of other doors are left out.
pub fn openapi<C: Core>(door: DoorId, operations: &[Operation<C>]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<String, Vec<(Method, Value)>> = BTreeMap::new();
    let mut tags = BTreeSet::new();
    for op in operations.iter().filter(|op| op.door == door) {
        tags.insert(op.tag);
        let shape = (op.shape)(&mut schemas);
        for method in op.methods.documented() {
            let documented = document(op, method, &shape, &mut schemas);
            paths.entry(documented_path(op.path)).or_default().push((method.clone(), documented));
        }
    }
    schemas.define(envelope::schema_name(door), envelope::schema(door));
    let settled = schemas.finish();
    let mut paths = Value::Object(path_items(paths));
    settled.settle(&mut paths);
    let (scheme, definition) = door.security_scheme();
    json!({
        "openapi": "3.1.0",
        "info": { "title": door.title(), "description": door.description(), "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": "/" }],
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": settled.into_map(), "securitySchemes": { scheme: definition } },
    })
}

fn path_items(paths: BTreeMap<String, Vec<(Method, Value)>>) -> Map<String, Value> {
    let order = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let place = |method: &Method| order.iter().position(|m| m == method).unwrap_or(order.len());
    let item = |mut methods: Vec<(Method, Value)>| {
        methods.sort_by_key(|(method, _)| place(method));
        methods.into_iter().map(|(method, op)| (method.as_str().to_ascii_lowercase(), op)).collect::<Map<_, _>>()
    };
    paths.into_iter().map(|(path, methods)| (path, Value::Object(item(methods)))).collect()
}

/// A tail is a variable part like any other to readers of the document.
fn documented_path(path: &str) -> String {
    path.replace("{*", "{")
}

fn document<C: Core>(op: &Operation<C>, method: &Method, shape: &Shape, schemas: &mut Schemas) -> Value {
    let mut document = Map::new();
    let id = match op.methods.documented().count() {
        1 => op.id.to_owned(),
        _ => format!("{}_{}", op.id, method.as_str().to_ascii_lowercase()),
    };
    document.insert("operationId".into(), id.into());
    document.insert("tags".into(), json!([op.tag]));
    document.insert("summary".into(), op.summary.into());
    let parameters = shape.parameters(&op.param_names().collect::<Vec<_>>());
    if !parameters.is_empty() {
        document.insert("parameters".into(), parameters.into());
    }
    let has_no_body = matches!(*method, Method::GET | Method::DELETE) && op.raw;
    if let Some(body) = shape.body.as_ref().filter(|_| !has_no_body) {
        document.insert("requestBody".into(), body.to_openapi());
    }
    document.insert("responses".into(), replies::responses(op, shape, schemas));
    let (scheme, _) = op.door.security_scheme();
    match op.access {
        Access::Public => {}
        Access::Optional => {
            document.insert("security".into(), json!([{}, { scheme: [] }]));
        }
        Access::Needs(permission) => {
            document.insert("security".into(), json!([{ scheme: [] }]));
            document.insert("x-permission".into(), permission.text().into());
        }
    }
    Value::Object(document)
}
