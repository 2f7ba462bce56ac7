//! `farebox openapi`.

use super::CliResult;
use super::output::say;
use clap::{Args, ValueEnum};
use farebox_api_kit::DoorId;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(crate) struct OpenapiArgs {
    /// The door whose document to print.
    #[arg(long)]
    door: Door,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Door {
    Platform,
    Marketplace,
    SqlGateway,
}

pub(super) fn run(args: OpenapiArgs) -> CliResult {
    let door = match args.door {
        Door::Platform => DoorId::Platform,
        Door::Marketplace => DoorId::Marketplace,
        Door::SqlGateway => DoorId::SqlGateway,
    };
    let document = farebox_api_kit::openapi(door, &farebox_api::operations());
    say(serde_json::to_string_pretty(&document).map_err(|e| e.to_string())?);
    Ok(ExitCode::SUCCESS)
}
