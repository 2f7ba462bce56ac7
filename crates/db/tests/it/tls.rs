//! TLS to PostgreSQL: the certificate is checked, against whom the settings name, and so is the name.

use farebox_db::{Db, DbError, NoFaults, PostgresSettings};
use farebox_testkit::engines::SecureServer;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

async fn is_encrypted(url: String, ca_file: Option<PathBuf>) -> Result<bool, DbError> {
    let settings = PostgresSettings { ca_file, ..PostgresSettings::new(url) };
    let db = Db::postgres_with(&settings, Arc::new(NoFaults))?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    db.one(sql, &[]).await?.map_or(Ok(false), |row| row.get(0))
}

#[tokio::test]
async fn only_a_certificate_of_the_named_authority_and_for_the_name_is_believed() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = match SecureServer::start(&cert.pem(), &signing_key.serialize_pem()) {
        Ok(server) => server,
        Err(reason) => {
            writeln!(std::io::stderr(), "SKIPPED: TLS to PostgreSQL; {reason}").unwrap();
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) = (folder.path().join("ours.pem"), folder.path().join("others.pem"));
    std::fs::write(&ours, cert.pem()).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&others, other.cert.pem()).unwrap();

    assert_eq!(is_encrypted(server.url("localhost"), None).await, Ok(false));
    assert_eq!(is_encrypted(server.url("localhost"), Some(ours.clone())).await, Ok(true));
    let demanded = format!("{}?sslmode=verify-full", server.url("localhost"));
    assert_eq!(is_encrypted(demanded.clone(), Some(ours.clone())).await, Ok(true));
    for (url, ca_file) in
        [(server.url("127.0.0.1"), Some(ours.clone())), (server.url("localhost"), Some(others)), (demanded, None)]
    {
        let refused = is_encrypted(url.clone(), ca_file).await;
        assert!(
            matches!(&refused, Err(DbError::Unavailable(text)) if text.contains("certificate")),
            "{url}: {refused:?}"
        );
    }
    let contradiction = is_encrypted(format!("{}?sslmode=disable", server.url("localhost")), Some(ours)).await;
    assert!(matches!(contradiction, Err(DbError::Other(_))), "{contradiction:?}");
}
