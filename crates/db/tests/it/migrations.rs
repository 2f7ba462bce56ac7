//! Migrations apply once, in order, all or nothing, and never with another text.

use farebox_db::{Db, DbError, NoFaults, migrations};
use farebox_testkit::engines::{self, TestDb};
use std::path::Path;
use std::sync::Arc;

const FIRST: (&str, &str) = ("1.sql", "CREATE TABLE a (id BIGINT PRIMARY KEY) /*STRICT*/;");
const SECOND: (&str, &str) =
    ("2.sql", "CREATE TABLE b (id BIGINT PRIMARY KEY) /*STRICT*/; INSERT INTO a (id) VALUES (1);");

#[test]
fn the_embedded_list_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, String)> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    let embedded: Vec<(String, String)> =
        migrations().iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    assert_eq!(embedded, files, "list new migrations in crates/db/src/migrate.rs");
}

#[tokio::test]
async fn embedded_migrations_apply_once() {
    engines::each_empty(async |db| {
        let names: Vec<&str> = migrations().iter().map(|(name, _)| *name).collect();
        assert_eq!(db.migrate().await.unwrap(), names);
        assert!(db.migrate().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn new_files_apply_and_a_changed_one_is_refused_by_name() {
    engines::each_empty(async |db| {
        assert_eq!(db.migrate_with(&[FIRST]).await.unwrap(), ["1.sql"]);
        assert_eq!(db.migrate_with(&[FIRST, SECOND]).await.unwrap(), ["2.sql"]);
        let changed = ("1.sql", "CREATE TABLE c (id BIGINT PRIMARY KEY) /*STRICT*/;");
        let error = db.migrate_with(&[changed, SECOND]).await.unwrap_err();
        assert!(error.to_string().contains("1.sql was changed"), "{error}");
        assert!(db.migrate_with(&[FIRST]).await.unwrap().is_empty(), "an older program runs on");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_fails_leaves_nothing_of_itself() {
    engines::each_empty(async |db| {
        let broken =
            ("2.sql", "CREATE TABLE b (id BIGINT PRIMARY KEY) /*STRICT*/; INSERT INTO a (id) VALUES (1), (1);");
        let error = db.migrate_with(&[FIRST, broken]).await.unwrap_err();
        assert!(matches!(&error, DbError::Other(text) if text.contains("2.sql")), "{error:?}");
        assert!(db.query("SELECT id FROM b", &[]).await.is_err());
        assert_eq!(db.migrate_with(&[FIRST, SECOND]).await.unwrap(), ["2.sql"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_apply_each_file_once() {
    for place in TestDb::all_empty() {
        let shared = place.open(Arc::new(NoFaults));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let own = place.url().map(|url| Db::postgres(url, 2, Arc::new(NoFaults)).unwrap());
                let db = own.unwrap_or_else(|| shared.clone());
                tokio::spawn(async move { db.migrate().await.unwrap() })
            })
            .collect();
        let mut applied = vec![];
        for task in tasks {
            applied.extend(task.await.unwrap());
        }
        applied.sort();
        assert_eq!(applied, migrations().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
