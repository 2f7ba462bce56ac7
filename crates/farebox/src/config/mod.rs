//! Configuration: one struct per section, one layer over the other, checked before anything starts.
//!
//! Owns the defaults (`default.toml`, and `x402/network.toml` for each network; they document every key), the layers (defaults, file, environment, command
//! line), the check of each value and the printing of what is in effect. Reads no file but the configuration's own;
//! whether a key file or a data folder can be used is found out by whoever uses it. Of files that must be there before
//! anything starts it asks only whether they are.
//!
//! Invariants: a key that is not in the defaults is an error wherever it stands; a `Config` that exists passed
//! every check; secrets leave through neither `Debug` nor `render`.

mod bonus;
mod calls;
mod check;
mod database;
mod databases;
mod environment;
mod error;
mod fees;
mod layers;
mod limits;
mod log;
mod mail;
mod marketplace;
mod nearest;
mod net;
mod network;
mod oauth;
mod secrets;
mod server;
mod sql_gateway;
mod takes;
mod text;
mod x402;

#[cfg(test)]
mod tests;

pub use bonus::Bonus;
pub use calls::{Calls, Durability};
pub use database::Database;
pub use databases::Databases;
pub use environment::process_environment;
pub use error::ConfigError;
pub use fees::Fees;
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use mail::Mail;
pub use marketplace::Marketplace;
pub use net::Net;
pub use network::Network;
pub use oauth::Oauth;
pub use secrets::Secrets;
pub use server::Server;
pub use sql_gateway::{SqlGateway, WalletProof};
pub use x402::{NetworkName, Receiver, Route, Settle, X402, X402Network};

use check::Broken;
use layers::Layers;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The defaults as a TOML file with a comment for every key.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub databases: Databases,
    pub net: Net,
    pub limits: Limits,
    pub calls: Calls,
    pub fees: Fees,
    pub bonus: Bonus,
    pub marketplace: Marketplace,
    pub sql_gateway: SqlGateway,
    pub oauth: Oauth,
    pub x402: X402,
    pub mail: Mail,
    pub secrets: Secrets,
    pub log: Log,
}

/// Where values come from, the weakest first.
#[derive(Debug, Clone)]
pub struct ConfigSources<E> {
    /// The file; without one, the file that the variable `FAREBOX_CONFIG` names, if any.
    pub file: Option<PathBuf>,
    /// Names and values of variables; those without the prefix `FAREBOX_` are passed over.
    pub env: E,
    /// From the command line: `server.listen` and its value, spelled as in the environment.
    pub overrides: Vec<(String, String)>,
}

/// Lays the sources over the defaults and checks the result.
///
/// # Errors
/// Names the file, key or variable at fault and the rule that it breaks.
pub fn load<E>(sources: ConfigSources<E>) -> Result<Config, ConfigError>
where
    E: IntoIterator<Item = (String, String)>,
{
    let mut layers = Layers::with_defaults()?;
    let variables = environment::settings(sources.env, layers.keys())?;
    if let Some(path) = sources.file.or(variables.file) {
        layers.add_file(&path)?;
    }
    for setting in variables.settings {
        layers.add_text(&setting.key, &setting.value, &setting.variable)?;
    }
    for (key, value) in sources.overrides {
        layers.add_override(&key, &value)?;
    }
    let config = layers.read()?;
    config.check().map_err(|broken| layers.blame(broken))?;
    Ok(config)
}

impl Config {
    /// The values in effect as TOML, in the order of the defaults, with secrets replaced.
    pub fn render(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
    }

    fn check(&self) -> Result<(), Broken> {
        self.server.check()?;
        self.database.check()?;
        self.databases.check()?;
        self.net.check()?;
        self.limits.check()?;
        self.calls.check(&self.net)?;
        self.fees.check()?;
        self.marketplace.check()?;
        self.sql_gateway.check(&self.database)?;
        self.oauth.check()?;
        self.x402.check()?;
        self.mail.check()?;
        self.secrets.check()?;
        self.log.check()
    }
}
