//! TLS for PostgreSQL, with channel binding.
//!
//! `sslmode=require` and stricter verify the server's certificate and name here, which is more than the mode
//! promises elsewhere. `prefer`, the default of connection strings, takes any certificate, as it takes no TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use ring::digest;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as RustlsStream;

use super::frame::FrameLimit;

/// Makes one connection secure.
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl<S> TlsConnect<FrameLimit<S>> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = FrameLimit<RustlsStream<FrameLimit<S>>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, stream: FrameLimit<S>) -> Self::Future {
        let (limit_bytes, is_over) = stream.limit();
        Box::pin(async move {
            let secure = TlsConnector::from(self.config).connect(self.name, stream).await?;
            Ok(FrameLimit::messages(secure, limit_bytes, is_over))
        })
    }
}

impl<S> TlsStream for FrameLimit<RustlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.inner.get_ref().1.peer_certificates().unwrap_or_default();
        let hash = certificates.first().and_then(|certificate| end_point_hash(certificate));
        hash.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// The hash of RFC 5929, `tls-server-end-point`: by the hash function of the certificate's own signature.
fn end_point_hash(certificate: &[u8]) -> Option<Vec<u8>> {
    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … }
    let (certificate_parts, _) = der_value(certificate)?;
    let (_, after_tbs) = der_value(certificate_parts)?;
    let (algorithm, _) = der_value(after_tbs)?;
    let (oid, _) = der_value(algorithm)?;
    let function = match oid {
        // ECDSA with SHA-384 and SHA-512; RSA with the same; Ed25519.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] | [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] => &digest::SHA384,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4]
        | [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13]
        | [0x2b, 0x65, 0x70] => &digest::SHA512,
        // ECDSA and RSA with SHA-256; RSA with SHA-1 and MD5 count as SHA-256.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] | [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11] => {
            &digest::SHA256
        }
        _ => return None,
    };
    Some(digest::digest(function, certificate).as_ref().to_vec())
}

/// The content of the first DER value, and what follows it.
fn der_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.get(1..)?.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (digits, rest) = rest.split_at_checked(count).filter(|_| count <= 4)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    rest.split_at_checked(length)
}

/// Settings that encrypt and do not ask with whom.
pub(super) fn any_certificate() -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(AnyCertificate(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
