//! Tests of the pure part of x402 from outside: payments made by the published npm clients, each rule of a payment with
//! its reason, and round trips of our own client.

#![cfg(test)]

mod channels;
mod clients;
mod extensions;
mod facilitator;
mod given;
mod properties;
mod refusals;
