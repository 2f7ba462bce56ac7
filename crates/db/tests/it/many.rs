//! One statement for many rows: the same rows, counts and failures as row by row, whatever the number of rows.

use farebox_db::{DB_CONFLICT, Db, Isolation, Param, Rows};
use farebox_testkit::engines;

const TABLES: &str = "CREATE TABLE note (
  id TEXT PRIMARY KEY, n BIGINT, word TEXT, bytes BYTEA, mark TEXT NOT NULL, CHECK (n <> 13)
) /*STRICT*/;";
const INSERT: &str = "INSERT INTO note (id, n, word, bytes, mark) VALUES ($1, $2, $3, $4, 'it''s so')";
const INSERT_NEW: &str =
    "INSERT INTO note (id, n, mark) VALUES ($1, COALESCE($2, 0), 'x')\n  ON CONFLICT (id) DO NOTHING";

async fn each(test: impl AsyncFn(Db)) {
    engines::each_empty(async |db| {
        db.migrate_with(&[("note.sql", TABLES)]).await.unwrap();
        test(db).await;
    })
    .await;
}

async fn count(db: &Db) -> i64 {
    db.one("SELECT COUNT(*) FROM note", &[]).await.unwrap().unwrap().get(0).unwrap()
}

fn ids(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("id-{number:03}")).collect()
}

#[tokio::test]
async fn every_number_of_rows_is_written_whole_and_counted() {
    each(async |db| {
        let mut there = 0;
        for many in 0..=40 {
            let ids = ids(there..there + many);
            let mut rows = Rows::with_capacity(many, 4);
            for (n, id) in (there as i64..).zip(&ids) {
                rows.push([id.into(), (1000 + n).into(), Param::Null, Param::Null]);
            }
            let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
            assert_eq!(tx.execute_many(INSERT, &rows).await.unwrap(), many as u64);
            tx.commit().await.unwrap();
            there += many;
        }
        let rows = db.query("SELECT id, n, mark FROM note ORDER BY id", &[]).await.unwrap();
        assert_eq!(rows.len(), there);
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(row.get::<String>(0).unwrap(), format!("id-{number:03}"));
            assert_eq!(row.get::<i64>(1).unwrap(), 1000 + number as i64);
            assert_eq!(row.get::<String>(2).unwrap(), "it's so");
        }
    })
    .await;
}

#[tokio::test]
async fn values_that_stay_return_or_end_between_rows_are_each_rows_own() {
    each(async |db| {
        let ids = ids(0..100);
        let words = ["same", "same", "other", "", "same"];
        let word = |n: usize| if n.is_multiple_of(7) { Param::Null } else { words[n % 5].into() };
        let number = |n: usize| if n.is_multiple_of(3) { None } else { Some((n / 4) as i64 * 100) };
        let bytes = |n: usize| [&b"a"[..], b"a", b"", b"same"][n % 4];
        let mut rows = Rows::with_capacity(ids.len(), 4);
        for (n, id) in ids.iter().enumerate() {
            rows.push([id.into(), number(n).into(), word(n), bytes(n).into()]);
        }
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        tx.execute_each(INSERT, &rows).await.unwrap();
        tx.commit().await.unwrap();
        let stored = db.query("SELECT n, word, bytes FROM note ORDER BY id", &[]).await.unwrap();
        for (n, row) in stored.iter().enumerate() {
            assert_eq!(row.get::<Option<i64>>(0).unwrap(), number(n), "{n}");
            let text = row.get::<Option<String>>(1).unwrap();
            assert_eq!(text.as_deref().map_or(Param::Null, Param::Text), word(n), "{n}");
            assert_eq!(row.get::<Vec<u8>>(2).unwrap(), bytes(n), "{n}");
        }
    })
    .await;
}

#[tokio::test]
async fn rows_that_are_there_or_come_twice_are_left_out_and_not_counted() {
    each(async |db| {
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        for (range, new) in [(0..10, 11), (5..30, 20), (0..30, 0), (29..33, 2)] {
            let ids = ids(range.chain([32]));
            let mut rows = Rows::default();
            ids.iter().for_each(|id| rows.push([id.into(), 1.into()]));
            assert_eq!(tx.execute_many(INSERT_NEW, &rows).await.unwrap(), new);
        }
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 33);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_is_refused_among_others_fails_the_transaction_and_leaves_nothing() {
    each(async |db| {
        let refused: [(usize, &str, Option<i64>); 4] =
            [(2, "id-000", Some(1)), (17, "id-016", Some(1)), (21, "new", Some(13)), (22, "new", Some(13))];
        for (at, id, n) in refused {
            let mut ids = ids(0..23);
            ids[at] = id.to_owned();
            let mut rows = Rows::default();
            for (place, id) in ids.iter().enumerate() {
                let n = if place == at { n } else { Some(1) };
                rows.push([id.into(), n.into(), Param::Null, Param::Null]);
            }
            let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
            let error = farebox_base::Error::from(tx.execute_many(INSERT, &rows).await.unwrap_err());
            assert_eq!(error.code, DB_CONFLICT, "{at}: {error:?}");
            assert!(tx.commit().await.is_err());
            assert_eq!(count(&db).await, 0);
        }
    })
    .await;
}

#[tokio::test]
async fn text_with_nul_in_any_row_is_refused() {
    each(async |db| {
        let ids = ids(0..20);
        let mut rows = Rows::default();
        for (place, id) in ids.iter().enumerate() {
            let word = if place == 18 { "a\0b" } else { "a" };
            rows.push([id.into(), 1.into(), word.into(), Param::Null]);
        }
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        assert!(tx.execute_many(INSERT, &rows).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn rows_of_another_width_than_the_statement_are_refused() {
    let db = engines::TestDb::sqlite().await.open(std::sync::Arc::new(farebox_db::NoFaults));
    for many in [1, 4] {
        let ids = ids(0..many);
        let mut rows = Rows::default();
        ids.iter().for_each(|id| rows.push([id.into()]));
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        assert!(tx.execute_many("INSERT INTO change_counter (scope, version) VALUES ($1, $2)", &rows).await.is_err());
    }
}
