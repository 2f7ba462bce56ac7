//! Clients that pay, and sellers' servers.

use super::stage::{PAYER_KEY, Stage};
use crate::npm::{Scripts, Serving, said, serving};
use alloy_primitives::hex;
use serde_json::Value;

pub static SCRIPTS: Scripts = Scripts::new("x402-clients", "npm-x402");

/// Starts a script that sells, with the stage's facilitator.
pub async fn selling(stage: &Stage, script: &str, pay_to: &str) -> Option<Serving> {
    selling_with(stage, script, pay_to, &[]).await
}

/// The same with more variables of the environment.
pub async fn selling_with(stage: &Stage, script: &str, pay_to: &str, more: &[(&str, &str)]) -> Option<Serving> {
    let mut command = SCRIPTS.command(script)?;
    command.env("FACILITATOR_URL", format!("{}/facilitator", stage.app.base)).env("PAY_TO", pay_to);
    command.envs(more.iter().copied());
    Some(serving(command).await)
}

/// Lets a client's script pay; answers the last line that it says.
pub async fn paid(script: &str, url: &str) -> Option<Value> {
    let mut command = SCRIPTS.command(script)?;
    command.env("PAY_URL", url).env("PAY_KEY", hex::encode_prefixed(PAYER_KEY));
    Some(said(command).await)
}
