//! What operators see of payments on chain.
