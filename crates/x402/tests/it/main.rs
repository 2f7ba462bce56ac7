//! Access to a chain, against a real node.
