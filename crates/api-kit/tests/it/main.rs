//! The kit, driven through a small server with three doors.

#![cfg(test)]

mod access;
mod audit;
mod cors;
mod demo;
mod document;
mod envelopes;
mod input;
mod limits;
mod observation;
mod replies;
mod routing;
