//! What a socket runs over: TCP, TLS, or whatever a test brings.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::address::{Address, Security};
use crate::error::{Error, Result};

/// Bytes both ways.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Transport for T {}

pub(crate) type Stream = Pin<Box<dyn Transport>>;

/// Connects, and encrypts where the address says so; `tls` is asked for only then.
pub(crate) async fn open(
    address: &Address,
    tls: impl FnOnce() -> Result<Arc<ClientConfig>>,
) -> Result<Stream> {
    let tls = match address.security {
        Security::None => None,
        Security::Tls => Some(TlsConnector::from(tls()?)),
    };
    let cannot_connect = |error| Error::io("cannot connect", error);
    let socket = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(cannot_connect)?;
    socket.set_nodelay(true).map_err(cannot_connect)?;
    let Some(tls) = tls else {
        return Ok(Box::pin(socket));
    };
    let no_tls = |error| Error::io("no TLS", error);
    let name = ServerName::try_from(address.host.clone())
        .map_err(|error| no_tls(io::Error::other(error)))?;
    let encrypted = tls.connect(name, socket).await.map_err(no_tls)?;
    Ok(Box::pin(encrypted))
}
