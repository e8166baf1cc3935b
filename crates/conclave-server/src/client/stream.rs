//! The socket of a client, plain or TLS.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{Address, Security};

/// A connected socket.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Connects, and encrypts where the address says so.
    pub(super) async fn open(address: &Address, ca: Option<&Path>) -> anyhow::Result<Self> {
        let tls = match address.security {
            Security::None => None,
            Security::Tls => Some(TlsConnector::from(trusting(ca)?)),
        };
        let socket = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .context("cannot connect")?;
        socket.set_nodelay(true)?;
        let Some(tls) = tls else {
            return Ok(Self::Plain(socket));
        };
        let name = ServerName::try_from(address.host.clone())?;
        let encrypted = tls.connect(name, socket).await.context("no TLS")?;
        Ok(Self::Tls(Box::new(encrypted)))
    }

    /// Appends what comes next; 0 bytes are the end.
    pub(super) async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        into.reserve(READ_BYTES);
        let read = match self {
            Self::Plain(socket) => socket.read_buf(into).await,
            Self::Tls(encrypted) => encrypted.read_buf(into).await,
        };
        // A peer that goes away without ending TLS is gone all the same; whether its last
        // message was whole is known from its Close.
        read.or_else(|error| match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => Ok(0),
            _ => Err(error),
        })
    }

    /// Sends at least one of `bytes`, of which there must be one; tells how many.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Self::Plain(socket) => socket.write(bytes).await?,
            Self::Tls(encrypted) => encrypted.write(bytes).await?,
        };
        if written == 0 {
            Err(io::ErrorKind::WriteZero.into())
        } else {
            Ok(written)
        }
    }

    /// Hands everything written to the system.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(encrypted) => encrypted.flush().await,
        }
    }
}

/// Trusts the certificates in `ca`, else those the system trusts.
fn trusting(ca: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
    let system = || {
        SYSTEM_FILES
            .iter()
            .map(Path::new)
            .find(|file| file.is_file())
    };
    let file = ca
        .or_else(system)
        .context("the system trusts nobody; name certificates by --ca")?;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("--ca: {}", file.display()))?;
    let (usable, _) = roots.add_parsable_certificates(certificates);
    ensure!(usable > 0, "--ca: {}: no certificate in it", file.display());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

const READ_BYTES: usize = 16 * 1024;
/// Where distributions keep the certificates they trust.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
