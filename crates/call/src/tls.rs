//! Encryption towards a server: its certificate is vouched for by the system's authorities, or, where the meeting link
//! carries a fingerprint, it is exactly the one the link means.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use confab_protocol::link::ServerAddress;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::signal::Doubt;

/// Why no encryption came about, in words for a person.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// The host of the link is neither a name nor an address.
    #[error("\u{201c}{0}\u{201d} is no name of a server. Ask for the link again.")]
    Name(String),
    /// There is nobody to vouch for a certificate.
    #[error(
        "This computer has no list of certificate authorities, so no server can prove who it is. Install the package ca-certificates, or use a link with a fingerprint"
    )]
    NoAuthorities,
    /// Encryption itself is not to be had.
    #[error("encryption could not be set up: {0}")]
    Setup(String),
}

/// What a TLS connection to this server is made with: the settings, and the name to ask for.
///
/// # Errors
/// See [`TlsError`].
pub fn client(server: &ServerAddress) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
    let host = server.host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|_| TlsError::Name(server.host.clone()))?;
    let config = match &server.fingerprint {
        Some(fingerprint) => pinned(fingerprint.clone())?,
        None => vouched_for()?,
    };
    Ok((config, name))
}

/// What to tell of a failed handshake, and whether it was the certificate.
pub fn explain(error: &dyn std::fmt::Display, server: &ServerAddress) -> (Option<Doubt>, String) {
    let detail = error.to_string();
    if detail.contains(OTHER_CERTIFICATE) {
        let why = "its certificate is not the one the link or address names. Either the server was set up anew, then ask \
                   for a new one, or somebody stands between you and it";
        (Some(Doubt::Another), why.to_owned())
    } else if detail.contains("UnknownIssuer") && server.fingerprint.is_none() {
        let why = "no authority this computer trusts vouches for its certificate. If the server made its own, use the whole \
                   link or address, which ends with #fp= and the certificate's fingerprint; the server prints it at its \
                   start";
        (Some(Doubt::Unknown), why.to_owned())
    } else {
        (None, detail)
    }
}

/// Found in the text of the error that [`Pinned`] refuses with, which reaches us through other libraries' errors.
const OTHER_CERTIFICATE: &str = "ApplicationVerificationFailure";

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider())))
}

fn pinned(fingerprint: String) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let verifier = Pinned { fingerprint, algorithms: provider.signature_verification_algorithms };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The system's authorities are read once: that takes a hundred files and tens of milliseconds.
fn vouched_for() -> Result<Arc<ClientConfig>, TlsError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::NoAuthorities);
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

/// Takes exactly one certificate, whatever names and dates stand in it. That the server has its key is checked as always.
#[derive(Debug)]
struct Pinned {
    fingerprint: String,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if fingerprint(certificate) == self.fingerprint {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// SHA-256 of a certificate, lower-case hexadecimal.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = digest::digest(&digest::SHA256, certificate);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_server_is_taken_by_its_certificate_and_not_by_its_name() {
        let certificate = CertificateDer::from(b"a certificate".to_vec());
        let verifier =
            |fingerprint: String| Pinned { fingerprint, algorithms: provider().signature_verification_algorithms };
        let name = ServerName::try_from("192.0.2.7").unwrap();
        let verify = |verifier: Pinned| verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
        assert!(verify(verifier(fingerprint(&certificate))).is_ok());
        let refused = verify(verifier("ab".repeat(32))).unwrap_err();
        let server = ServerAddress { fingerprint: Some("ab".repeat(32)), ..ServerAddress::loopback(1) };
        let (doubt, why) = explain(&refused, &server);
        assert!(doubt == Some(Doubt::Another) && why.contains("not the one the link or address names"), "{why}");
    }

    #[test]
    fn a_self_made_certificate_without_a_fingerprint_is_explained() {
        let error = rustls::Error::from(CertificateError::UnknownIssuer);
        let (doubt, why) = explain(&error, &ServerAddress::loopback(1));
        assert!(doubt == Some(Doubt::Unknown) && why.contains("#fp="), "{why}");
    }

    #[test]
    fn addresses_are_names_too() {
        let server = |host: &str| ServerAddress {
            host: host.into(),
            fingerprint: Some("ab".repeat(32)),
            ..ServerAddress::loopback(1)
        };
        assert!(client(&server("[2001:db8::7]")).is_ok());
        assert!(client(&server("meet.example.org")).is_ok());
        assert!(matches!(client(&server("not a name")), Err(TlsError::Name(_))));
    }
}
