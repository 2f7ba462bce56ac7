//! The storage on both engines, through its public interface only.

#![cfg(test)]

mod faults;
mod files;
mod jobs;
mod lost;
mod many;
mod migrations;
mod outages;
mod statements;
mod tls;
mod transactions;
mod values;
mod ways;
