//! Payments made by the published npm clients, each rule of a payment with its reason, round trips of our own client; and
//! access to a chain against a real node, on both databases. Without anvil a test of the latter prints one SKIPPED line.

#![cfg(test)]

mod channel_relay;
mod channel_stage;
mod channels;
mod channels_on_chain;
mod clients;
mod doubt;
mod endpoints;
mod extensions;
mod facilitator;
mod faults;
mod given;
mod load;
mod payments;
mod permit2;
mod properties;
mod refusals;
mod remote;
mod reorgs;
mod sends;
mod service;
mod settles;
mod stage;
