//! TLS: which certificates are believed.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::TlsMode;
use crate::Error;
use crate::error::{PostgresField, PostgresProblem};

/// Makes the connector. It reads the certificates of the system, and for those the environment: so it is called on the
/// thread of JavaScript.
///
/// # Errors
///
/// `ERR_TLS` if there are no certificates to believe.
pub fn connector(mode: TlsMode, root_cert: Option<&Path>) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(ring::default_provider());
    let lenient = |certificates| Arc::new(Lenient { certificates, provider: Arc::clone(&provider) });
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => lenient(None),
        TlsMode::VerifyCa => lenient(Some(trusted(root_cert, &provider)?)),
        TlsMode::VerifyFull => trusted(root_cert, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| unusable("there is no version of TLS to use"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A verifier that believes the certificates in a file, or else those of the system.
fn trusted(root_cert: Option<&Path>, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let Some(path) = root_cert else {
        let verifier = Verifier::new(Arc::clone(provider))
            .map_err(|_| unusable("the system has no certificates to believe; give sslrootcert"))?;
        return Ok(Arc::new(verifier));
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|_| unusable("the file of sslrootcert cannot be read"))?
        .filter_map(Result::ok);
    roots.add_parsable_certificates(certificates);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|_| unusable("the file of sslrootcert has no certificate in PEM"))?;
    Ok(verifier)
}

fn unusable(problem: &str) -> Error {
    Error::postgres(PostgresProblem::Tls, Some(PostgresField::Tls), problem)
}

/// Believes more certificates than the standard demands. Whoever answers has to have the key of the one that he shows.
#[derive(Debug)]
struct Lenient {
    /// Believes a certificate, for whatever host; `None` to believe every one: the connection is only encrypted.
    certificates: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(verifier) = &self.certificates else { return Ok(ServerCertVerified::assertion()) };
        // The name is what is looked at last.
        match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
