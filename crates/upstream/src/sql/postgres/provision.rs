//! Making databases and roles on the operator's own server.
//!
//! Owns the statements that only an operator's role may run. Knows no organisation: who may have what is decided above.
//! Invariants: a name is quoted, whatever it holds; a password reaches the server as its hash, so that no log of the
//! server can show it; what was made is taken away where the rest could not be made.

use farebox_net::Client as Net;
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;

use super::connect::{Server, Session};
use super::failure::running;
use crate::sql::error::SqlError;

/// Of the answers to these statements.
const MESSAGE_BYTES: u64 = 1024 * 1024;

/// The operator's server.
pub struct Provisioner {
    server: Server,
}

/// A role to be made together with its first database.
pub struct NewRole<'a> {
    pub password: &'a str,
}

impl Provisioner {
    /// Reads the operator's connection string; does not connect yet. Its role makes databases and roles.
    pub fn new(net: Net, admin_url: &str) -> Result<Self, SqlError> {
        Ok(Self { server: Server::new(net, admin_url, MESSAGE_BYTES)? })
    }

    /// Makes a database that belongs to `role`, and that nobody else can connect to. The role is made first where it is
    /// new.
    pub async fn create(&self, database: &str, role: &str, new: Option<NewRole<'_>>) -> Result<(), SqlError> {
        let session = self.server.connect().await?;
        let mut made = Made::default();
        let outcome = make(&session, (database, role), new.as_ref(), &mut made).await;
        if outcome.is_err() {
            let _ = take_away(&session.client, made.database.then_some(database), made.role.then_some(role)).await;
        }
        outcome
    }

    /// Takes away what `create` made.
    pub async fn remove(&self, database: &str, new_role: Option<&str>) -> Result<(), SqlError> {
        take_away(&self.server.connect().await?.client, Some(database), new_role).await
    }
}

/// How far `make` came. What was there before is not touched.
#[derive(Default)]
struct Made {
    role: bool,
    database: bool,
}

async fn make(
    session: &Session,
    (database, role): (&str, &str),
    new: Option<&NewRole<'_>>,
    made: &mut Made,
) -> Result<(), SqlError> {
    let client = &session.client;
    let (database, role) = (quoted(database), quoted(role));
    if let Some(new) = new {
        let hash = scram_sha_256(new.password.as_bytes());
        run(client, format!("CREATE ROLE {role} LOGIN PASSWORD '{hash}'")).await?;
        made.role = true;
        if !session.is_superuser {
            // To give a database to a role, one has to be able to act as it.
            run(client, format!("GRANT {role} TO CURRENT_USER")).await?;
        }
    }
    run(client, format!("CREATE DATABASE {database} OWNER {role}")).await?;
    made.database = true;
    run(client, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await
}

async fn take_away(client: &Client, database: Option<&str>, role: Option<&str>) -> Result<(), SqlError> {
    if let Some(database) = database {
        run(client, format!("DROP DATABASE IF EXISTS {}", quoted(database))).await?;
    }
    match role {
        Some(role) => run(client, format!("DROP ROLE IF EXISTS {}", quoted(role))).await,
        None => Ok(()),
    }
}

async fn run(client: &Client, statement: String) -> Result<(), SqlError> {
    client.batch_execute(&statement).await.map_err(|error| running(&error))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_stays_a_name_whatever_it_holds() {
        assert_eq!(quoted(r#"a"; DROP DATABASE b; --"#), r#""a""; DROP DATABASE b; --""#);
    }
}
