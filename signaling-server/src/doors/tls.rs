//! The server's certificate: given, or self-made and kept.
//!
//! A self-made certificate proves nothing by itself. Its fingerprint travels in the meeting link, and clients that have
//! the link accept exactly this certificate; so it is kept as long as the data folder is, whatever the server's addresses
//! become, since a new one would end all links.

mod self_made;

use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

/// Why there is no certificate to be had. For the person who runs the server.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or is not PEM.
    #[error("{what} {} could not be read: {error}. It has to be a PEM file.", .path.display())]
    Unreadable {
        /// The certificate or the key.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        error: rustls::pki_types::pem::Error,
    },
    /// Only one of the two was given.
    #[error("A certificate needs its private key: give both --certificate and --private-key.")]
    OneWithoutTheOther,
    /// They do not fit each other, or are of a kind that is not supported.
    #[error("The certificate cannot be used: {0}.")]
    Unusable(rustls::Error),
    /// None could be made.
    #[error("A certificate could not be made: {0}.")]
    Making(#[from] rcgen::Error),
    /// The made one could not be kept.
    #[error("The certificate could not be kept in {}: {error}.", .path.display())]
    Keeping {
        /// Where.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// With what the server proves who it is.
pub(crate) struct Identity {
    acceptor: TlsAcceptor,
    /// SHA-256 of a self-made certificate, lower-case hexadecimal; nobody else vouches for it.
    fingerprint: Option<String>,
}

impl Identity {
    /// The one the settings ask for; `None` for a server that speaks plainly. `folder` is where a self-made one is kept,
    /// `names` are what it is for.
    ///
    /// # Errors
    /// Says what is wrong with the certificate or the folder.
    pub(crate) fn of(config: &Config, folder: Option<&Path>, names: &[String]) -> Result<Option<Self>, TlsError> {
        match (&config.certificate, &config.private_key) {
            (Some(certificate), Some(key)) => Self::given(certificate, key).map(Some),
            (None, None) if config.speaks_plainly() => Ok(None),
            (None, None) => {
                let made = match folder {
                    Some(folder) => self_made::kept(folder, names)?,
                    None => self_made::fresh(names)?,
                };
                let fingerprint = fingerprint(&made.chain[0]);
                Ok(Some(Self { acceptor: acceptor(made.chain, made.key)?, fingerprint: Some(fingerprint) }))
            }
            _ => Err(TlsError::OneWithoutTheOther),
        }
    }

    fn given(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |what, path: &Path| {
            let path = path.to_owned();
            move |error| TlsError::Unreadable { what, path, error }
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(unreadable("The certificate", certificate))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable("The private key", key))?;
        Ok(Self { acceptor: acceptor(chain, key)?, fingerprint: None })
    }

    /// Makes TLS of connections.
    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// SHA-256 of a self-made certificate, lower-case hexadecimal.
    pub(crate) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }
}

/// What a certificate is for: the names and addresses, each once.
pub(crate) fn names(addresses: &[IpAddr], config: &Config) -> Vec<String> {
    let host = config.public_name.as_deref().map(|name| {
        let name = name.split_once("://").map_or(name, |(_, rest)| rest);
        let end = if name.starts_with('[') { name.find(']').map(|end| end + 1) } else { name.find([':', '/']) };
        name[..end.unwrap_or(name.len())].trim_matches(['[', ']']).to_owned()
    });
    let mut names = vec!["localhost".to_owned()];
    for name in addresses.iter().copied().chain(config.advertise).map(|ip| ip.to_string()).chain(host) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Unusable)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
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

    fn outside() -> Config {
        Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() }
    }

    #[test]
    fn only_a_server_for_others_has_a_certificate_unless_one_is_given_or_unwanted() {
        assert!(Identity::of(&Config::default(), None, &[]).unwrap().is_none());
        assert!(Identity::of(&Config { plain: true, ..outside() }, None, &[]).unwrap().is_none());
        let made = Identity::of(&outside(), None, &["localhost".into()]).unwrap().unwrap();
        assert_eq!(made.fingerprint().map(str::len), Some(64));
        let half = Config { certificate: Some("x.pem".into()), ..outside() };
        assert!(matches!(Identity::of(&half, None, &[]), Err(TlsError::OneWithoutTheOther)));
        let missing = Config { private_key: Some("/nowhere/key.pem".into()), ..half };
        let error = Identity::of(&missing, None, &[]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("The certificate x.pem could not be read"), "{error}");
    }

    #[test]
    fn a_certificate_names_all_ways_to_the_server() {
        let config = Config {
            advertise: Some("203.0.113.9".parse().unwrap()),
            public_name: Some("https://meet.example.org:8443".into()),
            ..outside()
        };
        let addresses = ["127.0.0.1", "192.168.1.5"].map(|text| text.parse().unwrap());
        let expected = ["localhost", "127.0.0.1", "192.168.1.5", "203.0.113.9", "meet.example.org"];
        assert_eq!(names(&addresses, &config), expected);
        let six = Config { public_name: Some("[2001:db8::7]:8003".into()), ..outside() };
        assert_eq!(names(&[], &six), ["localhost", "2001:db8::7"]);
    }
}
