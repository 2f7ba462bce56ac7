//! The TLS settings: which roots are trusted, which versions are spoken.

use std::path::Path;
use std::sync::Arc;

use farebox_base::{Error, Kind, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Settings that trust the public roots and those in the PEM file `extra`; no ALPN.
pub(crate) fn client_config(extra: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = extra {
        add_roots(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(format!("TLS settings: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<()> {
    let wrong = |reason: String| {
        let message = format!("The file of extra root certificates, {}, {reason}", path.display());
        Error::new(Kind::Invalid, "invalid_certificates", message)
    };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(format!("is no PEM file: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(format!("holds a certificate that cannot be trusted: {error}")))?;
    }
    if roots.len() == before {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(())
}
