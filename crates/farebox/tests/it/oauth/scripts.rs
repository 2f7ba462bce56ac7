//! A real authorization server and a browser.

use crate::npm::{Scripts, Serving, chromium, said, serving};
use serde_json::Value;

static SCRIPTS: Scripts = Scripts::new("oauth", "npm-oauth");

/// Starts the server; `None`, after one SKIPPED line, where its package can't be had.
pub async fn issuer(access_ttl_s: u64) -> Option<Serving> {
    let mut command = SCRIPTS.command("provider.mjs")?;
    command.env("ACCESS_TTL_S", access_ttl_s.to_string()).env("NODE_ENV", "test").stderr(std::process::Stdio::null());
    Some(serving(command).await)
}

/// Lets a user go through a flow in chromium; answers what he saw. `None`, after one SKIPPED line, without chromium.
pub async fn browsed(variables: &[(&str, &str)]) -> Option<Value> {
    let mut command = SCRIPTS.command("browse.mjs")?;
    command.env("CHROMIUM", chromium()?).envs(variables.iter().copied());
    Some(said(command).await)
}
