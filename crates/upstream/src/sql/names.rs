//! The engines' own functions and relations: which of them a buyer may use.
//!
//! PostgreSQL's administration functions and catalogs begin with `pg_`, so those are refused unless listed.
//! Beside them stand functions that run SQL given as text, that reach files, other servers or other
//! sessions, or that change settings: no read-only transaction stops those.

use super::guard::SqlDialect;

/// `pg_` functions that tell about types, sizes and definitions, and the one that waits.
const OPEN_PG_FUNCTIONS: &[&str] = &[
    "pg_client_encoding",
    "pg_collation_for",
    "pg_column_compression",
    "pg_column_size",
    "pg_database_size",
    "pg_encoding_to_char",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_serial_sequence",
    "pg_get_triggerdef",
    "pg_get_userbyid",
    "pg_get_viewdef",
    "pg_indexes_size",
    "pg_is_in_recovery",
    "pg_postmaster_start_time",
    "pg_relation_size",
    "pg_size_bytes",
    "pg_size_pretty",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_table_is_visible",
    "pg_table_size",
    "pg_timezone_abbrevs",
    "pg_timezone_names",
    "pg_total_relation_size",
    "pg_type_is_visible",
    "pg_typeof",
];

/// `pg_` relations that describe the seller's own tables.
const OPEN_PG_RELATIONS: &[&str] = &[
    "pg_am",
    "pg_attrdef",
    "pg_attribute",
    "pg_catalog",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_database",
    "pg_depend",
    "pg_description",
    "pg_enum",
    "pg_extension",
    "pg_index",
    "pg_indexes",
    "pg_inherits",
    "pg_matviews",
    "pg_namespace",
    "pg_opclass",
    "pg_operator",
    "pg_policies",
    "pg_policy",
    "pg_proc",
    "pg_range",
    "pg_rules",
    "pg_sequence",
    "pg_sequences",
    "pg_tables",
    "pg_trigger",
    "pg_type",
    "pg_views",
];

const REFUSED_PG_FUNCTIONS: &[&str] = &[
    // They run SQL given as text.
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "table_to_xml",
    "table_to_xmlschema",
    "table_to_xml_and_xmlschema",
    "schema_to_xml",
    "schema_to_xmlschema",
    "schema_to_xml_and_xmlschema",
    "database_to_xml",
    "database_to_xmlschema",
    "database_to_xml_and_xmlschema",
    "ts_stat",
    "ts_rewrite",
    "crosstab",
    "crosstab2",
    "crosstab3",
    "crosstab4",
    "connectby",
    "xpath_table",
    "plan_filter",
    "execute",
    // They change settings, sequences or the session.
    "set_config",
    "nextval",
    "setval",
    "lastval",
    "currval",
    "txid_current",
    "setseed",
    // They reach large objects, and through them files.
    "lowrite",
    "loread",
    "lo_import",
    "lo_export",
    // They reach other servers.
    "postgres_fdw_get_connections",
    "postgres_fdw_disconnect",
    "postgres_fdw_disconnect_all",
    "http",
    "http_get",
    "http_post",
    "http_put",
    "http_delete",
    "http_head",
    "http_patch",
    "net_http_get",
    "net_http_post",
    "binary_upgrade_set_next_pg_type_oid",
];

/// Families of functions, by how their names begin.
const REFUSED_PG_BEGINNINGS: &[&str] = &["pg_", "lo_", "dblink", "binary_upgrade_", "http_", "curl_"];

const REFUSED_SQLITE_FUNCTIONS: &[&str] =
    &["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlite_compileoption_get"];

pub(super) fn is_function_refused(name: &str, dialect: SqlDialect) -> bool {
    match dialect {
        SqlDialect::Postgres => {
            let is_refused = REFUSED_PG_FUNCTIONS.contains(&name)
                || REFUSED_PG_BEGINNINGS.iter().any(|start| name.starts_with(start));
            is_refused && !OPEN_PG_FUNCTIONS.contains(&name)
        }
        SqlDialect::Sqlite => REFUSED_SQLITE_FUNCTIONS.contains(&name) || name.starts_with("pragma_"),
    }
}

pub(super) fn is_relation_refused(name: &str, dialect: SqlDialect) -> bool {
    match dialect {
        SqlDialect::Postgres => {
            name.starts_with("pg_") && !OPEN_PG_RELATIONS.contains(&name) && !OPEN_PG_FUNCTIONS.contains(&name)
        }
        SqlDialect::Sqlite => {
            name.starts_with("pragma_") || name.starts_with("dbstat") || name.starts_with("sqlite_dbpage")
        }
    }
}
