//! A certificate of the server's own making.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::TlsError;

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "certificate-key.pem";

/// A certificate with its key.
pub(super) struct Made {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// The one in the folder, or a fresh one that is put there. One that cannot be read is an error and not replaced: links
/// with its fingerprint are about.
pub(super) fn kept(folder: &Path, names: &[String]) -> Result<Made, TlsError> {
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    if !certificate.exists() && !key.exists() {
        let (made, texts) = make(names)?;
        let keeping = |error| TlsError::Keeping { path: folder.to_owned(), error };
        // The key first: a crash between the two leaves something that is noticed.
        write_private(&key, &texts.key).map_err(keeping)?;
        write_private(&certificate, &texts.certificate).map_err(keeping)?;
        return Ok(made);
    }
    let chain = CertificateDer::from_pem_file(&certificate);
    let chain =
        vec![chain.map_err(|error| TlsError::Unreadable { what: "The certificate", path: certificate, error })?];
    let read = PrivateKeyDer::from_pem_file(&key);
    let key = read.map_err(|error| TlsError::Unreadable { what: "The private key", path: key, error })?;
    Ok(Made { chain, key })
}

/// One that ends with the process.
pub(super) fn fresh(names: &[String]) -> Result<Made, TlsError> {
    make(names).map(|(made, _)| made)
}

struct Texts {
    certificate: String,
    key: String,
}

fn make(names: &[String]) -> Result<(Made, Texts), TlsError> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "Confab server");
    // Whoever holds the fingerprint trusts it and nothing else does, so an end would only end the links.
    parameters.not_before = date_time_ymd(2025, 1, 1);
    parameters.not_after = date_time_ymd(2125, 1, 1);
    let certificate = parameters.self_signed(&pair)?;
    let texts = Texts { certificate: certificate.pem(), key: pair.serialize_pem() };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    Ok((Made { chain: vec![certificate.der().clone()], key }, texts))
}

/// Writes a file that nobody else may read; one that is there is not overwritten.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_kept_from_others() {
        let folder = std::env::temp_dir().join(format!("confab-tls-{}", confab_protocol::ParticipantId::new()));
        fs::create_dir_all(&folder).unwrap();
        let first = kept(&folder, &["localhost".to_owned(), "192.0.2.1".to_owned()]).unwrap();
        let again = kept(&folder, &["elsewhere".to_owned()]).unwrap();
        assert_eq!(first.chain, again.chain);
        #[cfg(unix)]
        for file in [CERTIFICATE, KEY] {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.join(file)).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        fs::remove_file(folder.join(KEY)).unwrap();
        assert!(matches!(kept(&folder, &[]), Err(TlsError::Unreadable { what: "The private key", .. })));
        fs::write(folder.join(CERTIFICATE), "damaged").unwrap();
        assert!(matches!(kept(&folder, &[]), Err(TlsError::Unreadable { what: "The certificate", .. })));
        fs::remove_dir_all(&folder).unwrap();
    }
}
