//! Card and other processors, each behind one trait: deposits in, payouts out, callbacks verified and taken once.
//!
//! Owns nothing yet; the first processor arrives with the billing work.
