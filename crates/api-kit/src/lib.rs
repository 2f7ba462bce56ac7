//! The operation table: from one row and one plain async function per endpoint come routing, arguments,
//! replies, the error envelope of the door, the OpenAPI document, metrics and the tests of access.
//!
//! Owns HTTP as far as it is the same for every operation: matching raw paths, decoding input, the one
//! wrapper around a handler, encoding output. Knows no domain crate, opens no socket and holds no policy:
//! who a caller is, what he may do and how often he may call is asked of [`Core`].
//!
//! Invariants: no handler runs before its caller was authenticated, admitted and found to have the
//! permission; every error leaves in the shape of its door; a reply never contains an error's internal half; every
//! request that reaches an operation which changes something is told of once, whatever becomes of it.

mod args;
mod audit;
mod body;
mod core;
mod cors;
mod data;
mod dispatch;
mod door;
mod envelope;
mod handler;
mod json_input;
mod observe;
mod openapi;
mod operation;
mod path_params;
mod plain_rule;
mod probe;
mod reply;
mod request_id;
mod routes;
mod table;
mod text_input;

#[doc(hidden)]
pub mod row;

pub use args::{Arg, Binary, Header, Headers, Input, Json, OptionalJson, Path, Query, Raw};
pub use audit::{Attempt, Doer, Refusal};
pub use body::{Body, BoxError, empty, full, is_over_limit, read_to_limit};
pub use core::{Admission, Core, Cx, RateClass, Standing};
pub use cors::Cors;
pub use data::{Data, DataPage, Pagination};
pub use dispatch::{Dispatcher, Settings};
pub use door::DoorId;
pub use envelope::error_response;
pub use handler::{Handler, Pending};
pub use json_input::decode as decode_json;
pub use openapi::{BodyDoc, DeclaredReply, ParamDoc, ReplyDoc, Schemas, Shape, openapi};
pub use operation::{Methods, Operation, Stranger, operation};
pub use path_params::PathParams;
pub use probe::{Probe, probes};
pub use reply::{Accepted, Created, Headed, NoContent, Ok200, OrReply, Output, Reply};
pub use request_id::RequestId;
pub use table::TableError;
