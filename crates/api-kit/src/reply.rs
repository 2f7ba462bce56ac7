//! What handlers return: the type fixes the status and documents itself.

use crate::audit::Made;
use crate::body::{self, Body};
use crate::openapi::{ReplyDoc, Schemas};
use farebox_base::{Error, Result};
use http::header::{CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use std::pin::Pin;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// A handler's result.
pub trait Output: Send {
    /// # Errors
    /// `Internal` where the value cannot be written.
    fn write(self) -> Result<Response<Body>>;

    /// The replies that the type itself knows of.
    fn describe(schemas: &mut Schemas) -> Vec<ReplyDoc>;
}

/// 200 with a JSON body.
#[derive(Debug)]
pub struct Ok200<T>(pub T);

/// 201 with a JSON body.
#[derive(Debug)]
pub struct Created<T>(pub T);

/// 202 with a JSON body.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

/// 204.
#[derive(Debug)]
pub struct NoContent;

/// A reply that the handler built; document it in its row with `replies(…)`.
#[derive(Debug)]
pub struct Reply(pub Response<Body>);

/// The reply of the type, or another that the handler built, as an error with more in it.
#[derive(Debug)]
pub enum OrReply<O> {
    Usual(O),
    Built(Response<Body>),
}

/// Another reply with more headers.
#[derive(Debug)]
pub struct Headed<O>(pub O, pub HeaderMap);

macro_rules! json_outputs {
    ($($name:ident $status:ident),*) => {$(
        impl<T: Serialize + JsonSchema + Send> Output for $name<T> {
            fn write(self) -> Result<Response<Body>> {
                json(StatusCode::$status, &self.0)
            }

            fn describe(schemas: &mut Schemas) -> Vec<ReplyDoc> {
                let schema = schemas.output_ref::<T>();
                vec![ReplyDoc::of(StatusCode::$status.as_u16()).with_schema(schema)]
            }
        }
    )*};
}

json_outputs! { Ok200 OK, Created CREATED, Accepted ACCEPTED }

impl Output for NoContent {
    fn write(self) -> Result<Response<Body>> {
        Ok(bare(StatusCode::NO_CONTENT))
    }

    fn describe(_: &mut Schemas) -> Vec<ReplyDoc> {
        vec![ReplyDoc::of(204)]
    }
}

impl Output for Reply {
    fn write(self) -> Result<Response<Body>> {
        Ok(self.0)
    }

    fn describe(_: &mut Schemas) -> Vec<ReplyDoc> {
        Vec::new()
    }
}

impl<O: Output> Output for OrReply<O> {
    fn write(self) -> Result<Response<Body>> {
        match self {
            OrReply::Usual(usual) => usual.write(),
            OrReply::Built(response) => Ok(response),
        }
    }

    fn describe(schemas: &mut Schemas) -> Vec<ReplyDoc> {
        O::describe(schemas)
    }
}

impl<O: Output> Output for Headed<O> {
    fn write(self) -> Result<Response<Body>> {
        let mut response = self.0.write()?;
        response.headers_mut().extend(self.1);
        Ok(response)
    }

    fn describe(schemas: &mut Schemas) -> Vec<ReplyDoc> {
        O::describe(schemas)
    }
}

impl<O> Headed<O> {
    pub fn new(output: O) -> Self {
        Self(output, HeaderMap::new())
    }

    /// Adds one header.
    ///
    /// # Errors
    /// `Internal` where the value holds what a header cannot.
    pub fn with(mut self, name: HeaderName, value: &str) -> Result<Self> {
        self.1.append(name, header_value(value)?);
        Ok(self)
    }
}

impl Reply {
    /// JSON with any status.
    ///
    /// # Errors
    /// `Internal` where the value cannot be written.
    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Self> {
        json(status, value).map(Reply)
    }

    /// 200 with bytes of a media type such as `text/csv` or `text/html; charset=utf-8`.
    pub fn bytes(media_type: &'static str, bytes: impl Into<bytes::Bytes>) -> Self {
        let mut response = Response::new(body::full(bytes));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        Reply(response)
    }

    /// 200 with text that is made while it is sent: `head`, and then what `next` makes of its state until there is no
    /// more. An error on the way breaks the reply off, so that nobody takes it for whole.
    pub fn stream<S: Send + 'static>(
        media_type: &'static str,
        head: bytes::Bytes,
        state: S,
        next: impl Fn(S) -> Pin<Box<dyn Future<Output = Result<Option<(bytes::Bytes, S)>>> + Send>> + Send + 'static,
    ) -> Self {
        let mut response = Response::new(body::stream(head, state, next));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        Reply(response)
    }

    /// 302 to an address.
    ///
    /// # Errors
    /// `Internal` where the address cannot stand in a header.
    pub fn redirect(location: &str) -> Result<Self> {
        let mut response = bare(StatusCode::FOUND);
        response.headers_mut().insert(LOCATION, header_value(location)?);
        Ok(Reply(response))
    }
}

pub(crate) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Result<Response<Body>> {
    let bytes = serde_json::to_vec(value).map_err(|error| Error::internal(format!("reply not writable: {error}")))?;
    let made = (status == StatusCode::CREATED).then(|| Made::read(&bytes)).flatten();
    let mut response = json_bytes(status, bytes);
    made.map(|made| response.extensions_mut().insert(made));
    Ok(response)
}

pub(crate) fn json_bytes(status: StatusCode, bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(body::full(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

pub(crate) fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    response
}

fn header_value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::internal("a header value holds control characters"))
}
