//! Certificates, read at start and again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, as TLS handshakes use it now.
#[derive(Debug)]
pub(crate) struct TlsKeys {
    cert: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFault {
    /// The certificate file.
    #[error("server.tls.cert: {0}: {1}")]
    Cert(PathBuf, #[source] Box<rustls::pki_types::pem::Error>),
    /// The key file.
    #[error("server.tls.key: {0}: {1}")]
    Key(PathBuf, #[source] Box<rustls::pki_types::pem::Error>),
    /// The two do not make a configuration.
    #[error("server.tls: {0}")]
    Pair(#[source] Box<rustls::Error>),
}

impl TlsKeys {
    /// Reads both files.
    pub(crate) fn read(cert: &Path, key: &Path) -> Result<Self, TlsFault> {
        let config = RwLock::new(config(cert, key)?);
        Ok(Self {
            cert: cert.to_owned(),
            key: key.to_owned(),
            config,
        })
    }

    /// Reads both files again; on a fault the old ones stay in use.
    pub(crate) fn reread(&self) -> Result<(), TlsFault> {
        let new = config(&self.cert, &self.key)?;
        *self.config.write() = new;
        Ok(())
    }

    /// For the next handshake.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.read()))
    }
}

fn unfit(error: rustls::Error) -> TlsFault {
    TlsFault::Pair(Box::new(error))
}

fn config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsFault> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsFault::Cert(cert.to_owned(), Box::new(error)))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsFault::Key(key.to_owned(), Box::new(error)))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
