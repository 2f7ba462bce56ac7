//! Extensions of version 2: what is advertised under `extensions` of a challenge, and what comes back.
//!
//! Each file owns one key. Schemas are kept short, as a challenge is a header and proxies cut long ones.

pub mod bazaar;
pub mod identifier;
pub mod offer_receipt;
pub mod sign_in;

/// The dialect that every schema names.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Fields of `info` that differ from challenge to challenge, for `check_echo`.
pub const CHANGING: &[(&str, &str)] = &[
    (sign_in::KEY, "nonce"),
    (sign_in::KEY, "issuedAt"),
    (sign_in::KEY, "expirationTime"),
    (offer_receipt::KEY, "offers"),
];
