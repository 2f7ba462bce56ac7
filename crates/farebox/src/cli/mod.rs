//! The command line: which subcommands there are, where their configuration comes from, how they end.

mod admin;
mod backup;
mod check_ledger;
mod checking;
mod copying;
mod database;
mod new_folder;
mod oauth_provider;
mod openapi;
mod output;
mod pay;
mod pay_telling;
mod permissions;
mod restore;
mod serve;
mod target;
mod wallet;

use crate::config::{Config, ConfigSources, load, process_environment};
use crate::demo::DemoArgs;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use checking::{findings, line};
pub(crate) use output::say;
pub(crate) use wallet::{fresh as fresh_key, write as write_key};

/// A self-hosted pay-per-call gateway and marketplace for AI agents.
#[derive(Parser, Debug)]
#[command(name = "farebox", version, about, after_help = AFTER)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Begin with `farebox demo`: it starts everything in one process and shows paid calls happening.\n\
                     Then `farebox serve`, and open http://127.0.0.1:8402/docs in a browser.";

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve all doors until Ctrl-C or SIGTERM.
    Serve(serve::ServeArgs),
    /// Play seller and buyer against a server of its own, and print every request as a curl line.
    Demo(DemoArgs),
    /// Make a request and pay for it on chain where the server asks for that (x402).
    Pay(pay::PayArgs),
    /// Make and look at the file of a wallet that `farebox pay` pays from.
    Wallet(wallet::WalletArgs),
    /// What only the operator may do: keys for others, credits by hand.
    Admin(admin::AdminArgs),
    /// Make and list databases for organizations on the operator's PostgreSQL.
    Database(database::DatabaseArgs),
    /// Check every invariant of the books, also beside a running server.
    CheckLedger(check_ledger::CheckArgs),
    /// Copy the embedded database, also beside a running server.
    Backup(backup::BackupArgs),
    /// Put a backup in place of the embedded database; the server must be stopped.
    Restore(restore::RestoreArgs),
    /// Print the OpenAPI document of a door.
    Openapi(openapi::OpenapiArgs),
    /// Print who may do what at the platform door, by role.
    Permissions,
    /// Bring the database's schema up to date and say what was applied.
    Migrate(ConfigArgs),
    /// Print the configuration in effect, without secrets.
    Config(ConfigArgs),
}

/// Where a subcommand's configuration comes from. Every setting is also an environment variable: `farebox config`.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct ConfigArgs {
    /// A TOML file laid over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the embedded database and of the secret key.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// A PostgreSQL database (postgres://…) in place of the embedded one.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

/// Why a subcommand ended badly; printed as it is.
pub(crate) type CliResult = Result<ExitCode, String>;

impl ConfigArgs {
    pub(crate) fn load(&self, more: &[(&str, Option<String>)]) -> Result<Config, String> {
        if self.database_url.as_ref().is_some_and(|url| url.trim().is_empty()) {
            return Err(
                "--database-url is empty: give postgres://…, or leave it out for the embedded database".to_owned()
            );
        }
        let mut overrides = Vec::new();
        let own = [("database.data_dir", self.data_dir.clone()), ("database.url", self.database_url.clone())];
        for (key, value) in own.into_iter().chain(more.iter().cloned()) {
            overrides.extend(value.map(|value| (key.to_owned(), value)));
        }
        let sources = ConfigSources { file: self.config.clone(), env: process_environment(), overrides };
        load(sources).map_err(|error| error.to_string())
    }
}

impl Cli {
    /// Runs the subcommand on a runtime of its own.
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return output::failed(&format!("can't start the runtime: {error}")),
        };
        match runtime.block_on(self.command.run()) {
            Ok(code) => code,
            Err(message) => output::failed(&message),
        }
    }
}

impl Command {
    async fn run(self) -> CliResult {
        match self {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => crate::demo::run(args).await,
            Command::Pay(args) => Ok(pay::run(args).await),
            Command::Wallet(args) => wallet::run(&args),
            Command::Admin(args) => admin::run(args).await,
            Command::Database(args) => database::run(args).await,
            Command::CheckLedger(args) => check_ledger::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Restore(args) => restore::run(args).await,
            Command::Openapi(args) => openapi::run(args),
            Command::Permissions => permissions::run(),
            Command::Migrate(args) => migrate(args).await,
            Command::Config(args) => {
                say(args.load(&[])?.render());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

async fn migrate(args: ConfigArgs) -> CliResult {
    let db = crate::wiring::database(&args.load(&[])?).map_err(output::explained)?;
    let applied = db.migrate().await.map_err(|error| error.to_string())?;
    if applied.is_empty() {
        say("the schema is up to date");
    }
    for name in applied {
        say(format!("applied {name}"));
    }
    Ok(ExitCode::SUCCESS)
}
