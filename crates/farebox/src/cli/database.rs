//! `farebox database`: databases for organizations on the operator's PostgreSQL.
//!
//! The books note what was made; a password is shown once and stored nowhere.

use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::app::App;
use crate::config::Config;
use crate::wiring;
use clap::{Args, Subcommand};
use farebox_base::{Error, Result, Rng, SystemRng};
use farebox_market::{DatabasePlan, NewDatabase};
use farebox_upstream::sql::{NewRole, Provisioner};
use std::process::ExitCode;

const PASSWORD_BYTES: usize = 24;

#[derive(Args, Debug)]
pub(super) struct DatabaseArgs {
    #[command(subcommand)]
    command: DatabaseCommand,
}

#[derive(Subcommand, Debug)]
enum DatabaseCommand {
    /// Make a database for an organization, on the server that databases.admin_url names.
    Create(CreateArgs),
    /// List an organization's databases, as GET /databases does.
    List(ListArgs),
}

#[derive(Args, Debug)]
struct CreateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The organization's id, or an owner's name at the marketplace.
    #[arg(long)]
    owner: String,
    /// The database's name within its branch.
    #[arg(long)]
    name: String,
    /// The project that it belongs to; made where there is none of this name. Not given: one named like the database.
    #[arg(long)]
    project: Option<String>,
    /// The branch that it belongs to; made where the project has none of this name.
    #[arg(long, default_value = "main")]
    branch: String,
}

#[derive(Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The organization's id, or an owner's name at the marketplace.
    #[arg(long)]
    owner: String,
}

pub(super) async fn run(args: DatabaseArgs) -> CliResult {
    let lines = match args.command {
        DatabaseCommand::Create(args) => {
            let config = args.config.load(&[])?;
            let server = server(&config).map_err(explained)?;
            let app = App::start(&config, None).await.map_err(explained)?;
            let done = create(&app, &config, &server, &args).await;
            app.calls.stop().await;
            done
        }
        DatabaseCommand::List(args) => {
            let app = App::start(&args.config.load(&[])?, None).await.map_err(explained)?;
            let done = list(&app, &args.owner).await;
            app.calls.stop().await;
            done
        }
    };
    lines.map_err(explained)?.into_iter().for_each(say);
    Ok(ExitCode::SUCCESS)
}

/// The operator's server, which may be where no seller's may.
fn server(config: &Config) -> Result<Provisioner> {
    let missing = || Error::invalid("databases.admin_url", "must be set, so that databases can be made");
    let url = config.databases.admin_url.as_ref().ok_or_else(missing)?;
    let (host, port) = config.databases.place().ok_or_else(missing)?;
    let allow = format!("{host}:{port}").parse().map_err(|_| missing())?;
    let client = wiring::client_allowing(config, vec![allow])?;
    Provisioner::new(client, url.expose()).map_err(|error| in_operators_words(&error))
}

async fn create(app: &App, config: &Config, server: &Provisioner, args: &CreateArgs) -> Result<Vec<String>> {
    let party = super::admin::party(app, &args.owner).await?;
    let project = args.project.as_deref().unwrap_or(&args.name);
    let plan = app.market.database_plan(party, NewDatabase { name: &args.name, project, branch: &args.branch }).await?;
    let password = password();
    let new_role = plan.role.is_new.then_some(NewRole { password: &password });
    let made = server.create(&plan.server_name, &plan.role.name, new_role).await;
    made.map_err(|error| in_operators_words(&error))?;
    let recorded = app.market.database_record(&plan).await;
    if let Err(error) = recorded {
        let role = plan.role.is_new.then_some(plan.role.name.as_str());
        let _ = server.remove(&plan.server_name, role).await;
        return Err(error);
    }
    Ok(told(config, &plan, &password))
}

fn told(config: &Config, plan: &DatabasePlan, password: &str) -> Vec<String> {
    let place = config.databases.place().map_or_else(String::new, |(host, port)| format!("{host}:{port}"));
    let DatabasePlan { role, server_name, .. } = plan;
    let mut lines = vec![
        format!("project   {}", plan.project),
        format!("branch    {}", plan.branch),
        format!("database  {} ({server_name} on the server)", plan.name),
    ];
    if role.is_new {
        lines.push(format!("connect   postgres://{}:{password}@{place}/{server_name}", role.name));
        lines.push("The password is shown only this once.".to_owned());
    } else {
        lines.push(format!("connect   postgres://{}@{place}/{server_name}, with the project's password", role.name));
    }
    lines
}

async fn list(app: &App, owner: &str) -> Result<Vec<String>> {
    let party = super::admin::party(app, owner).await?;
    let databases = app.market.databases(&[party]).await?;
    if databases.is_empty() {
        return Ok(vec!["no databases".to_owned()]);
    }
    let line = |database: farebox_market::OrgDatabase| {
        format!("{} / {} / {}", database.project_name, database.branch_name, database.name)
    };
    Ok(databases.into_iter().map(line).collect())
}

/// Hex digits, which need no escape anywhere.
fn password() -> String {
    let mut bytes = [0; PASSWORD_BYTES];
    SystemRng.fill(&mut bytes);
    alloy_primitives::hex::encode(bytes)
}

fn in_operators_words(error: &farebox_upstream::sql::SqlError) -> Error {
    Error::unavailable(format!("the server of databases.admin_url: {error}"))
}
