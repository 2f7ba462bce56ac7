//! What goes over the wire in versions 1 and 2 of x402, and the way between it and `Offer` and `Payment`.
//!
//! Strict in what is sent, as published clients check it; tolerant in what is taken: unknown fields are ignored, numbers
//! may be strings. Owns names, spelling, base64 and limits of size. Does not judge whether a payment is good.
//! Invariants: nothing is read beyond its limit; a payload keeps the JSON that it came as, to be forwarded unchanged.

pub mod again;
mod challenge;
mod discovery;
mod facilitator;
mod header;
mod payload;
pub(crate) mod read;
mod response;
mod terms;
mod uint;
pub mod v1;
pub mod v2;

pub use challenge::{Challenge, Complaint};
pub use discovery::{DiscoveryItem, DiscoveryList, ListPage, SearchPage, SearchResult};
pub use facilitator::{BODY_BYTES_MAX, FacilitatorRequest, Kind, Requirements, Supported};
pub use header::{HEADER_BYTES_MAX, PaymentHeader, decode_base64, decode_base64_json, encode_base64_json, names};
pub(crate) use payload::channel_config;
pub use payload::{payload_of, payment_of};
pub use response::{SettlementResponse, VerifyResponse};
pub(crate) use terms::{extra_of, short};
pub use terms::{offer_of_v1, offer_of_v2};
pub use uint::Uint;

/// A JSON object.
pub type Object = serde_json::Map<String, serde_json::Value>;
