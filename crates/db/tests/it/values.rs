//! Values, parameters and rows mean the same on both engines.

use farebox_base::{Micros, PartyId, Timestamp};
use farebox_db::{Db, DbError, Param, Value, Where, sql, tx};
use farebox_testkit::engines;

const TABLE: &str = "CREATE TABLE thing (id TEXT PRIMARY KEY, number BIGINT, words TEXT, bytes BYTEA) /*STRICT*/;";

/// Number, words and bytes of a row.
type Columns<'a> = (Option<i64>, Option<&'a str>, Option<&'a [u8]>);

async fn prepare_table(db: &Db) {
    db.migrate_with(&[("thing.sql", TABLE)]).await.unwrap();
}

async fn put(
    db: &Db,
    id: &str,
    number: Option<i64>,
    words: Option<&str>,
    bytes: Option<&[u8]>,
) -> farebox_base::Result<()> {
    let insert = "INSERT INTO thing (bytes, words, number, id) VALUES ($4, $3, $2, $1)";
    tx!(db, tx => {
        tx.execute_one(insert, &[id.into(), number.into(), words.into(), bytes.into()]).await?;
        Ok(())
    })
}

#[tokio::test]
async fn every_type_comes_back_as_it_was_stored() {
    engines::each_empty(async |db| {
        prepare_table(&db).await;
        let long = "ä€𝄞'\"\\ \n".repeat(2_000);
        let every_byte: Vec<u8> = (0..=255).collect();
        let rows: [Columns<'_>; 5] = [
            (None, None, None),
            (Some(i64::MAX), Some(""), Some(b"")),
            (Some(i64::MIN), Some(&long), Some(&every_byte)),
            (Some(0), Some("$1"), Some(b"\0")),
            (Some(-1), Some("NULL"), None),
        ];
        for (id, (number, words, bytes)) in rows.iter().enumerate() {
            put(&db, &id.to_string(), *number, *words, *bytes).await.unwrap();
        }
        let stored = db.query("SELECT number, words, bytes FROM thing ORDER BY id", &[]).await.unwrap();
        assert_eq!(stored.len(), rows.len());
        for (row, (number, words, bytes)) in stored.iter().zip(rows) {
            assert_eq!(row.get::<Option<i64>>(0), Ok(number));
            assert_eq!(row.get::<Option<&str>>(1), Ok(words));
            assert_eq!(row.get::<Option<&[u8]>>(2), Ok(bytes));
        }
        assert_eq!(stored[0].values(), [Value::Null, Value::Null, Value::Null]);
    })
    .await;
}

#[tokio::test]
async fn domain_types_go_in_and_come_out() {
    engines::each_empty(async |db| {
        prepare_table(&db).await;
        let party = PartyId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let (amount, at) = (Micros::new(-5), Timestamp::from_micros(1_700_000_000_000_001));
        put(&db, &party.to_string(), Some(1), None, None).await.unwrap();
        let sql = "SELECT id, number, CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM thing";
        let params = [amount.into(), at.into(), true.into()];
        let row = db.one(sql, &params).await.unwrap().unwrap();
        assert_eq!(row.get::<PartyId>(0), Ok(party));
        assert_eq!(row.get::<bool>(1), Ok(true));
        assert_eq!(row.get::<Micros>(2), Ok(amount));
        assert_eq!(row.get::<Timestamp>(3), Ok(at));
        assert_eq!(row.get::<bool>(4), Ok(true));
    })
    .await;
}

#[tokio::test]
async fn the_number_of_a_parameter_decides_and_not_where_it_appears() {
    engines::each_empty(async |db| {
        let sql = "SELECT CAST($3 AS TEXT), CAST($1 AS TEXT), '$2', CAST($2 AS TEXT), CAST($1 AS TEXT)";
        let row = db.one(sql, &["a".into(), "b".into(), "c".into()]).await.unwrap().unwrap();
        let words: Vec<&str> = (0..5).map(|index| row.get(index).unwrap()).collect();
        assert_eq!(words, ["c", "a", "$2", "b", "a"]);
    })
    .await;
}

#[tokio::test]
async fn numbers_beyond_the_range_and_values_of_another_type_are_refused() {
    engines::each_empty(async |db| {
        prepare_table(&db).await;
        put(&db, "a", Some(i64::MAX), None, None).await.unwrap();
        let over = tx!(db, tx => { Ok(tx.execute("UPDATE thing SET number = number + 1", &[]).await?) });
        assert_eq!(over.unwrap_err().code, "internal");
        let wrong = tx!(db, tx => { Ok(tx.execute("UPDATE thing SET number = $1", &["x".into()]).await?) });
        assert_eq!(wrong.unwrap_err().code, "internal");
        let row = db.one("SELECT number FROM thing", &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0), Ok(i64::MAX));
    })
    .await;
}

#[tokio::test]
async fn text_with_nul_and_a_wrong_number_of_parameters_are_refused() {
    engines::each_empty(async |db| {
        prepare_table(&db).await;
        assert_eq!(put(&db, "a\0b", None, None, None).await.unwrap_err().code, "internal");
        for params in [&[][..], &[Param::I64(1), Param::I64(2)]] {
            let result = db.query("SELECT id FROM thing WHERE number = $1", params).await;
            assert!(matches!(result, Err(DbError::Other(_))), "{result:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn counts_sums_constants_and_truth_values_are_numbers() {
    engines::each_empty(async |db| {
        prepare_table(&db).await;
        put(&db, "a", Some(40), None, None).await.unwrap();
        put(&db, "b", Some(2), None, None).await.unwrap();
        let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(number), 0) AS BIGINT), 7, EXISTS (SELECT 1 FROM thing WHERE id = $1) FROM thing";
        let row = db.one(sql, &["a".into()]).await.unwrap().unwrap();
        assert_eq!(row.values(), [Value::I64(2), Value::I64(42), Value::I64(7), Value::I64(1)]);
        assert_eq!(row.get::<bool>(3), Ok(true));
    })
    .await;
}

#[tokio::test]
async fn one_refuses_to_choose_among_rows() {
    engines::each_empty(async |db| {
        prepare_table(&db).await;
        put(&db, "a", None, None, None).await.unwrap();
        assert!(db.one("SELECT id FROM thing WHERE id = $1", &["none".into()]).await.unwrap().is_none());
        put(&db, "b", None, None, None).await.unwrap();
        assert!(db.one("SELECT id FROM thing", &[]).await.is_err());
        let outcome = tx!(db, tx => { Ok(tx.one("SELECT id FROM thing", &[]).await?) });
        assert_eq!(outcome.unwrap_err().code, "internal");
    })
    .await;
}

#[tokio::test]
async fn a_list_with_filters_finds_the_same_rows_on_both_engines() {
    engines::each(async |db| {
        tx!(db, tx => {
            for (scope, version) in [("keys", 3), ("listings", 5), ("Prices", 7), ("50%", 9)] {
                let insert = sql!("INSERT INTO change_counter (scope, version) VALUES ($1, $2)");
                tx.execute_one(insert, &[scope.into(), Param::I64(version)]).await?;
            }
            Ok(())
        })
        .unwrap();
        let find = async |least: Option<i64>, like: Option<&str>, among: Option<&[Param<'_>]>| {
            let mut list = Where::new(sql!("SELECT scope FROM change_counter"));
            list.and_some("version >= $1", least);
            if let Some(like) = like {
                list.and(r"lower(scope) LIKE lower($1) ESCAPE '\' OR scope = $2", &[like.into(), "keys".into()]);
            }
            if let Some(among) = among {
                list.and_in("scope", among);
            }
            let (statement, params) = list.finish("ORDER BY scope LIMIT $1", &[Param::I64(3)]);
            let outside = db.query_built(&statement, &params).await.unwrap();
            let inside = tx!(db, tx => { Ok(tx.query_built(&statement, &params).await?) }).unwrap();
            assert_eq!(outside, inside);
            outside.iter().map(|row| row.get::<String>(0).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(find(None, None, None).await, ["50%", "Prices", "keys"]);
        assert_eq!(find(Some(5), None, None).await, ["50%", "Prices", "listings"]);
        assert_eq!(find(None, Some("p%"), None).await, ["Prices", "keys"]);
        assert_eq!(find(None, Some(r"%\%"), None).await, ["50%", "keys"]);
        assert_eq!(find(Some(4), None, Some(&["keys".into(), "listings".into()])).await, ["listings"]);
        assert!(find(None, None, Some(&[])).await.is_empty());
    })
    .await;
}
