//! TLS of a server.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{ConfigError, TlsConfig};

/// TLS 1.2 and 1.3 with this certificate.
pub(crate) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, ConfigError> {
    let fault = |path: &Path, why: String| ConfigError::Tls(format!("{}: {why}", path.display()));
    let chain = CertificateDer::pem_file_iter(&config.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|why| fault(&config.certificate, why.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&config.key)
        .map_err(|why| fault(&config.key, why.to_string()))?;
    let unfit = |why: &dyn std::fmt::Display| ConfigError::Tls(why.to_string());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| unfit(&why))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|why| unfit(&why))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
