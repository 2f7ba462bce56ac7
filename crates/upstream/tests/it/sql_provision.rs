//! Databases and roles on a real server, made by an administrator with and without all rights.

use crate::postgres_server::{Bridge, Database};
use crate::servers::{client, soon};
use farebox_upstream::sql::{NewRole, Provisioner};
use tokio_postgres::Client;

/// Names that no other test of the server has.
fn names(tag: &str) -> [String; 3] {
    let unique = format!("{tag}_{}_{:?}", std::process::id(), std::thread::current().id());
    let unique: String = unique.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    ["db", "role", "second"].map(|what| format!("test_{what}_{}", unique.to_lowercase()))
}

async fn yes(admin: &Client, question: &str, params: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> bool {
    admin.query_one(question, params).await.unwrap().get(0)
}

async fn provisioner(database: &Database, user: Option<&str>) -> Provisioner {
    let address = database.bridge(Bridge::Refuses).await;
    let text = database.text("127.0.0.1", address.port(), "prefer");
    let text = match user {
        Some(user) => format!("postgresql://{user}:secret@{}", text.split_once('@').unwrap().1),
        None => text,
    };
    Provisioner::new(client(), &text).unwrap()
}

async fn made_and_removed(as_user: Option<&str>, tag: &str) {
    let Some(database) = Database::new() else { return };
    let [name, role, second] = names(tag);
    let user = as_user.map(|user| format!("{user}_{}", std::process::id()));
    let admin = database.admin("SELECT 1").await;
    if let Some(user) = &user {
        let make = format!("CREATE ROLE {user} LOGIN CREATEDB CREATEROLE PASSWORD 'secret'");
        admin.batch_execute(&make).await.unwrap();
    }
    let provisioner = provisioner(&database, user.as_deref()).await;
    soon(provisioner.create(&name, &role, Some(NewRole { password: "hunter2" }))).await.unwrap();
    soon(provisioner.create(&second, &role, None)).await.unwrap();

    let owned = "SELECT count(*) = 2 FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname = $1";
    assert!(yes(&admin, owned, &[&role]).await, "both belong to the role");
    let humble =
        "SELECT NOT (rolsuper OR rolcreatedb OR rolcreaterole) AND rolcanlogin FROM pg_roles WHERE rolname = $1";
    assert!(yes(&admin, humble, &[&role]).await);
    let hashed = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' AND rolpassword NOT LIKE '%hunter2%' FROM pg_authid \
                  WHERE rolname = $1";
    assert!(yes(&admin, hashed, &[&role]).await);
    let closed = "SELECT NOT has_database_privilege('pg_monitor', $1, 'CONNECT')";
    assert!(yes(&admin, closed, &[&name]).await, "nobody else gets in");

    // A name that is taken leaves what is there as it is, and takes the new role away again.
    let other = format!("{role}_2");
    assert!(soon(provisioner.create("postgres", &other, Some(NewRole { password: "x" }))).await.is_err());
    assert!(yes(&admin, "SELECT count(*) = 0 FROM pg_roles WHERE rolname = $1", &[&other]).await);
    assert!(yes(&admin, "SELECT count(*) = 1 FROM pg_database WHERE datname = 'postgres'", &[]).await);

    soon(provisioner.remove(&second, None)).await.unwrap();
    soon(provisioner.remove(&name, Some(&role))).await.unwrap();
    assert!(yes(&admin, "SELECT count(*) = 0 FROM pg_roles WHERE rolname = $1", &[&role]).await);
    assert!(yes(&admin, "SELECT count(*) = 0 FROM pg_database WHERE datname IN ($1, $2)", &[&name, &second]).await);
    if let Some(user) = &user {
        admin.batch_execute(&format!("DROP ROLE {user}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_superuser_makes_a_closed_database_with_a_humble_owner() {
    made_and_removed(None, "super").await;
}

#[tokio::test]
async fn a_role_that_may_make_databases_and_roles_is_enough() {
    made_and_removed(Some("test_maker"), "maker").await;
}
