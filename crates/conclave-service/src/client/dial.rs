//! From a URL to a stream of frames.

use std::pin::Pin;

use conclave_websocket::handshake::{ClientHandshake, ClientHandshakeError, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ClientConfig, ClientError};

/// A stream of bytes both ways: a socket, encrypted or not, or a pipe.
pub trait ByteStream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> ByteStream for T {}

struct Target<'u> {
    is_tls: bool,
    /// As it stands in `Host`.
    authority: &'u str,
    host: &'u str,
    port: u16,
    path: &'u str,
}

impl<'u> Target<'u> {
    fn parse(url: &'u str) -> Option<Self> {
        let (is_tls, rest) = match url.split_once("://")? {
            ("ws", rest) => (false, rest),
            ("wss", rest) => (true, rest),
            _ => return None,
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (host, port) = match authority.strip_prefix('[') {
            Some(ipv6) => {
                let (host, behind) = ipv6.split_once(']')?;
                (host, behind.strip_prefix(':'))
            }
            None => authority
                .split_once(':')
                .map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let default = if is_tls { 443 } else { 80 };
        let is_plain = !host.is_empty() && !authority.contains('@') && !path.contains('#');
        is_plain.then_some(Self {
            is_tls,
            authority,
            host,
            port: port.map_or(Some(default), |port| port.parse().ok())?,
            path: if path.is_empty() { "/" } else { path },
        })
    }
}

fn unfit(url: &str) -> ClientError {
    let url = url.split('?').next().unwrap_or_default();
    ClientError::Connect(format!("`{url}` is no URL like ws://host:port/path"))
}

pub(crate) async fn dial(config: &ClientConfig) -> Result<Pin<Box<dyn ByteStream>>, ClientError> {
    let target = Target::parse(&config.url).ok_or_else(|| unfit(&config.url))?;
    let fault = |error: std::io::Error| ClientError::Connect(error.to_string());
    let stream = TcpStream::connect((target.host, target.port))
        .await
        .map_err(fault)?;
    stream.set_nodelay(true).map_err(fault)?;
    if !target.is_tls {
        return Ok(Box::pin(stream));
    }
    #[cfg(feature = "tls")]
    return encrypt(stream, target.host, &config.roots_pem).await;
    #[cfg(not(feature = "tls"))]
    Err(ClientError::Connect(
        "this build has no TLS: switch the feature `tls` on".to_owned(),
    ))
}

#[cfg(feature = "tls")]
async fn encrypt(
    stream: TcpStream,
    host: &str,
    roots_pem: &[u8],
) -> Result<Pin<Box<dyn ByteStream>>, ClientError> {
    use std::sync::Arc;

    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig as TlsConfig, RootCertStore};

    let fault = |error: &dyn std::fmt::Display| ClientError::Connect(format!("TLS: {error}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(roots_pem) {
        let certificate = certificate.map_err(|error| fault(&error))?;
        roots.add(certificate).map_err(|error| fault(&error))?;
    }
    let tls = TlsConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| fault(&error))?;
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await
        .map_err(|error| fault(&error))?;
    Ok(Box::pin(stream))
}

/// Gives the stream back, with what came behind the answer's head.
pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    config: &ClientConfig,
) -> Result<(S, Vec<u8>), ClientError> {
    let target = Target::parse(&config.url).ok_or_else(|| unfit(&config.url))?;
    let path = if target.path.starts_with('/') {
        target.path.to_owned()
    } else {
        format!("/{}", target.path)
    };
    let headers: Vec<_> = config
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut nonce = [0; 16];
    config.random.fill(&mut nonce);
    let handshake = ClientHandshake {
        host: target.authority,
        path: &path,
        headers: &headers,
        subprotocols: &[],
        nonce,
        deflate: false,
    };
    let fault = |error: std::io::Error| ClientError::Connect(error.to_string());
    let request = handshake.request().map_err(refusal)?;
    stream.write_all(&request).await.map_err(fault)?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut answer).await.map_err(fault)? == 0 {
            return Err(ClientError::Connect("the server went away".to_owned()));
        }
        if let Response::Accepted { consumed, .. } = handshake.response(&answer).map_err(refusal)? {
            let early = answer.split_off(consumed);
            return Ok((stream, early));
        }
    }
}

fn refusal(error: ClientHandshakeError) -> ClientError {
    match error {
        ClientHandshakeError::Status(code) => ClientError::Refused {
            code,
            reason: error.to_string(),
        },
        _ => ClientError::Connect(error.to_string()),
    }
}
