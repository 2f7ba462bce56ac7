//! The farebox binary.
