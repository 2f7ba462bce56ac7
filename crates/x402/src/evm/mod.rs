//! What EVM chains ask of a payment: typed-data digests, signatures, keys.
//!
//! Owns the encoding of EIP-712 for the structures that x402 signs, nothing general. Knows no wire format and no chain
//! access. Invariants: a digest is computed in fixed buffers without allocating; domain separators are computed once,
//! with the token or the network that they belong to.

pub mod address;
mod channel;
mod claim;
pub mod contracts;
mod eip3009;
mod key;
mod permit2;
mod signature;
pub(crate) mod typed_data;

pub use channel::{ChannelConfig, ChannelId, Voucher, deposit_nonce};
pub use claim::{ClaimEntry, RefundOrder};
pub use eip3009::{Authorization, ReceiveAuthorization};
pub use key::{KeyError, SigningKey};
pub use permit2::{Permit, Witness};
pub use signature::{EcdsaSignature, Signature, SignatureError};
pub use typed_data::{Digest, Domain, personal_message};
