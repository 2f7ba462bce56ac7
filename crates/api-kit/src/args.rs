//! The arguments of a handler: what each takes from the request and how it is documented.

use crate::body::{self, Body};
use crate::openapi::{Schemas, Shape};
use crate::path_params::PathParams;
use crate::{json_input, text_input};
use bytes::Bytes;
use farebox_base::Result;
use http::HeaderMap;
use http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::time::Duration;

/// What the arguments of one call are read from.
#[derive(Debug)]
pub struct Input {
    pub(crate) parts: Parts,
    pub(crate) params: PathParams,
    pub(crate) body: Body,
    pub(crate) body_limit_bytes: usize,
    pub(crate) body_patience: Duration,
}

impl Input {
    async fn body(&mut self) -> Result<Bytes> {
        let body = std::mem::replace(&mut self.body, body::empty());
        body::read_in_time(body, self.body_limit_bytes, self.body_patience).await
    }
}

/// One argument of a handler. Arguments are read from left to right; the one that takes the body comes last.
pub trait Arg: Sized + Send {
    /// Takes the request as it streams in: such operations have no limit but their own and no HEAD twin.
    const RAW: bool = false;
    /// Takes the body; at most one argument may.
    const TAKES_BODY: bool = false;

    /// # Errors
    /// `Invalid` with the field at fault; `TooLarge` for a body over its limit.
    fn read(input: &mut Input) -> impl Future<Output = Result<Self>> + Send;

    fn describe(schemas: &mut Schemas, shape: &mut Shape);
}

/// The variable parts of the path: a struct with their names, a tuple in their order, or the only one itself.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// Query parameters as a struct. Unknown ones are ignored; a `Vec` field takes repeated ones.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// Headers as a struct whose fields are named (by `serde(rename)`) like the headers.
#[derive(Debug)]
pub struct Header<T>(pub T);

/// A JSON body, whatever its content type says.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be empty.
#[derive(Debug)]
pub struct OptionalJson<T>(pub Option<T>);

/// A body of any type, read whole within the operation's limit.
#[derive(Debug)]
pub struct Binary(pub Bytes);

/// All headers, undocumented.
#[derive(Debug)]
pub struct Headers(pub HeaderMap);

/// The request itself: head, matched path parts, and the body as it streams in, cut off at the operation's limit.
#[derive(Debug)]
pub struct Raw {
    pub parts: Parts,
    pub params: PathParams,
    pub body: Body,
}

impl<T: DeserializeOwned + JsonSchema + Send> Arg for Path<T> {
    async fn read(input: &mut Input) -> Result<Self> {
        text_input::path(&input.params).map(Path)
    }

    fn describe(schemas: &mut Schemas, shape: &mut Shape) {
        shape.path = Some(schemas.input::<T>());
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Arg for Query<T> {
    async fn read(input: &mut Input) -> Result<Self> {
        text_input::query(input.parts.uri.query().unwrap_or_default()).map(Query)
    }

    fn describe(schemas: &mut Schemas, shape: &mut Shape) {
        shape.add_params("query", &schemas.input::<T>());
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Arg for Header<T> {
    async fn read(input: &mut Input) -> Result<Self> {
        text_input::headers(&input.parts.headers).map(Header)
    }

    fn describe(schemas: &mut Schemas, shape: &mut Shape) {
        shape.add_params("header", &schemas.input::<T>());
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Arg for Json<T> {
    const TAKES_BODY: bool = true;

    async fn read(input: &mut Input) -> Result<Self> {
        json_input::decode(&input.body().await?).map(Json)
    }

    fn describe(schemas: &mut Schemas, shape: &mut Shape) {
        shape.add_body("application/json", Some(schemas.input_ref::<T>()), true);
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Arg for OptionalJson<T> {
    const TAKES_BODY: bool = true;

    async fn read(input: &mut Input) -> Result<Self> {
        let bytes = input.body().await?;
        if bytes.is_empty() || bytes.trim_ascii() == b"null" {
            return Ok(OptionalJson(None));
        }
        json_input::decode::<T>(&bytes).map(|value| OptionalJson(Some(value)))
    }

    fn describe(schemas: &mut Schemas, shape: &mut Shape) {
        let schema = serde_json::json!({ "anyOf": [schemas.input_ref::<T>(), { "type": "null" }] });
        shape.add_body("application/json", Some(schema), false);
    }
}

impl Arg for Binary {
    const TAKES_BODY: bool = true;

    async fn read(input: &mut Input) -> Result<Self> {
        input.body().await.map(Binary)
    }

    fn describe(_: &mut Schemas, shape: &mut Shape) {
        shape.add_body("application/octet-stream", None, true);
    }
}

impl Arg for Headers {
    async fn read(input: &mut Input) -> Result<Self> {
        Ok(Headers(input.parts.headers.clone()))
    }

    fn describe(_: &mut Schemas, _: &mut Shape) {}
}

impl Arg for Raw {
    const RAW: bool = true;
    const TAKES_BODY: bool = true;

    async fn read(input: &mut Input) -> Result<Self> {
        if body::announces_more_than(&input.body, input.body_limit_bytes) {
            return Err(body::too_large(input.body_limit_bytes));
        }
        let whole = std::mem::replace(&mut input.body, body::empty());
        let (empty, ()) = http::Request::new(()).into_parts();
        Ok(Raw {
            parts: std::mem::replace(&mut input.parts, empty),
            params: std::mem::take(&mut input.params),
            body: body::limited(whole, input.body_limit_bytes),
        })
    }

    fn describe(_: &mut Schemas, shape: &mut Shape) {
        shape.add_body("*/*", None, false);
    }
}
