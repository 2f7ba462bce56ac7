//! Databases on the tests' PostgreSQL server: the migrated template, one copy per test, and their removal.
//!
//! All work runs on a thread with a runtime of its own, so that it is finished, connections closed, when a call
//! returns, also from `Drop` and whatever the test's runtime does. Collation is `C`, which sorts as SQLite does.

use farebox_base::{Rng, SystemRng};
use farebox_db::{Db, NoFaults};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// Any number that all test processes share: whoever holds its lock builds the template.
const TEMPLATE_LOCK: i64 = 7_265_636_279;
const WAIT_STEP: Duration = Duration::from_millis(5);

/// Makes a database from the migrated template; returns its URL.
pub(super) fn create_migrated(server_url: &'static str) -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| on_own_thread(async || build_template(server_url).await));
    create(server_url, template)
}

/// Makes a database without tables; returns its URL.
pub(super) fn create_empty(server_url: &str) -> String {
    create(server_url, "template0")
}

/// Removes a test's database, whoever is still connected to it.
pub(super) fn remove(database_url: &str) {
    let name = database_name(database_url);
    on_own_thread(async || {
        // A server that is gone took the database with it, and a failing test has said so already.
        if let Ok(client) = connect(&with_database(database_url, "postgres")).await {
            let _gone = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    });
}

/// Runs statements on a server and returns the first column of what they return, for those who started it.
pub(super) fn ask(url: &str, sql: &str) -> Result<Vec<String>, String> {
    on_own_thread(async || {
        let client = connect(url).await.map_err(|error| text_of(&error))?;
        let answers = client.simple_query(sql).await.map_err(|error| text_of(&error))?;
        Ok(answers.iter().filter_map(first_column).collect())
    })
}

fn first_column(message: &SimpleQueryMessage) -> Option<String> {
    match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }
}

/// Connects once, to learn whether somebody answers.
pub(super) fn check_connection(server_url: &str) -> Result<(), String> {
    on_own_thread(async || connect(server_url).await.map(|_| ()).map_err(|error| text_of(&error)))
}

fn create(server_url: &str, template: &str) -> String {
    let name = format!("farebox_test_{:016x}", SystemRng.next_u64());
    let sql = creation(&name, template);
    on_own_thread(async || run(&admin(server_url).await, &sql).await);
    with_database(server_url, &name)
}

fn creation(name: &str, template: &str) -> String {
    let collation = if template == "template0" { "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'" } else { "" };
    format!("CREATE DATABASE {name} TEMPLATE {template} {collation}")
}

/// One template per set of migrations: made by the first process that needs it, found by the others.
async fn build_template(server_url: &str) -> String {
    let mut hash = DefaultHasher::new();
    farebox_db::migrations().hash(&mut hash);
    let name = format!("farebox_template_{:016x}", hash.finish());
    let building = format!("{name}_building");
    let client = admin(server_url).await;
    run(&client, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let found = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await;
    if found.expect("the list of databases").is_some() {
        return name;
    }
    run(&client, &format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)")).await;
    run(&client, &creation(&building, "template0")).await;
    let url = with_database(server_url, &building);
    let db = Db::postgres(&url, 1, Arc::new(NoFaults)).expect("the template's URL");
    db.migrate().await.expect("the migrations fit PostgreSQL");
    drop(db);
    wait_until_unused(&client, &building).await;
    run(&client, &format!("ALTER DATABASE {building} RENAME TO {name}")).await;
    name
}

async fn wait_until_unused(client: &Client, database: &str) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    while !client.query(sql, &[&database]).await.expect("the list of sessions").is_empty() {
        tokio::time::sleep(WAIT_STEP).await;
    }
}

async fn admin(server_url: &str) -> Client {
    connect(server_url).await.unwrap_or_else(|error| panic!("PostgreSQL for tests: {}", text_of(&error)))
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = url.parse::<Config>()?.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {}", text_of(&error)));
}

fn text_of(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn on_own_thread<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> T {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work())
    };
    match std::thread::scope(|scope| scope.spawn(run).join()) {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

pub(super) fn database_name(url: &str) -> String {
    let config: Config = url.parse().expect("a PostgreSQL URL");
    config.get_dbname().expect("a URL with a database").to_owned()
}

/// The same server and login, another database; `url` is of the form `postgres://...`.
fn with_database(url: &str, database: &str) -> String {
    let (base, options) = url.split_once('?').map_or((url, None), |(base, options)| (base, Some(options)));
    let start = base.find("://").expect("a URL that begins with postgres://") + 3;
    let end = base[start..].find('/').map_or(base.len(), |length| start + length);
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("{}/{database}{options}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_all_but_its_database() {
        let url = "postgres://u:p@localhost:5433/main?sslmode=disable";
        assert_eq!(with_database(url, "x"), "postgres://u:p@localhost:5433/x?sslmode=disable");
        assert_eq!(with_database("postgres://u@%2Ftmp%2Fpg", "x"), "postgres://u@%2Ftmp%2Fpg/x");
        assert_eq!(database_name("postgres://u@%2Ftmp%2Fpg/x"), "x");
    }
}
