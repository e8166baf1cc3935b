//! Whose certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

/// Trusts the certificates in `ca`, else those the system trusts.
///
/// # Errors
/// [`Error::Certificates`]: there is no such file, or nothing of use in it.
pub(crate) fn trusting(ca: Option<&Path>) -> Result<ClientConfig> {
    let system = || {
        SYSTEM_FILES
            .iter()
            .map(Path::new)
            .find(|file| file.is_file())
    };
    let unfit = |what: String| Error::Certificates(what.into());
    let file = ca
        .or_else(system)
        .ok_or_else(|| unfit("the system trusts nobody: name a file of certificates".into()))?;
    let shown = file.display();
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| unfit(format!("{shown}: {error}")))?;
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates);
    if usable == 0 {
        return Err(unfit(format!("{shown}: no certificate in it")));
    }
    configured(roots)
}

/// For connections without TLS.
///
/// # Errors
/// None in practice.
pub(crate) fn trusting_nobody() -> Result<ClientConfig> {
    configured(RootCertStore::empty())
}

fn configured(roots: RootCertStore) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Certificates(error.to_string().into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Where distributions keep the certificates they trust.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
