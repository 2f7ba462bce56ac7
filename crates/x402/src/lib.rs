//! x402 payments: wire types of both versions, schemes, the facilitator, access to chains.
//!
//! Owns nothing yet; see `docs/adr/0004-x402-core-of-our-own-comes-with-its-issue.md` for what is decided.
