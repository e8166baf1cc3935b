//! A certificate for the TLS scenario, made for one run and trusted by nobody else.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// A self-signed certificate for `localhost` in two files, and a client that trusts it.
pub(super) struct Certificate {
    folder: PathBuf,
    pub(super) client: Arc<ClientConfig>,
}

impl Certificate {
    /// # Errors
    /// The files cannot be written.
    pub(super) fn generate() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let folder =
            std::env::temp_dir().join(format!("conclave-bench-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).context("cannot make a folder for the certificate")?;
        std::fs::write(folder.join(CHAIN), made.cert.pem())?;
        std::fs::write(folder.join(KEY), made.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            folder,
            client: Arc::new(client),
        })
    }

    pub(super) fn chain_file(&self) -> PathBuf {
        self.folder.join(CHAIN)
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.join(KEY)
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("bench: cannot remove {}: {error}", self.folder.display());
        }
    }
}

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ServerConfig, ServerConnection, Stream};

    use super::super::crowd::{Arrival, Crowd, Door, Guest, Manner, Waiting};
    use super::super::frame;
    use super::{Certificate, aws_lc_rs};

    fn server(certificate: &Certificate) -> ServerConnection {
        let chain = CertificateDer::from_pem_file(certificate.chain_file()).unwrap();
        let key = PrivateKeyDer::from_pem_file(certificate.key_file()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    #[test]
    fn crowd_joins_and_listens_over_tls() {
        let certificate = Certificate::generate().unwrap();
        let mut session = server(&certificate);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            unreachable!()
        };
        let thread = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut stream = Stream::new(&mut session, &mut socket);
            stream.read_exact(&mut [0; 18]).unwrap();
            let mut answer = b"HTTP/1.1 101 Fine\r\n\r\n".to_vec();
            frame::served(&[b'm'; 100_000], &mut answer);
            stream.write_all(&answer).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        });
        let mut crowd = Crowd::new(8, Waiting::Asleep).unwrap();
        let door = Door {
            address,
            tls: Some(Arc::clone(&certificate.client)),
        };
        let head = Some("GET / HTTP/1.1\r\n\r\n".to_owned());
        crowd
            .enter(
                &door,
                Guest {
                    number: 0,
                    head,
                    extension: "",
                    command: None,
                    manner: Manner::Topics,
                },
            )
            .unwrap();
        let (mut ready, mut received, mut closed) = (false, 0, false);
        while !closed {
            let wakes = crowd.poll(Duration::from_secs(5), &mut |_, arrival, _| match arrival {
                Arrival::Ready(_) => ready = true,
                Arrival::Text(text) => received += text.len(),
                Arrival::Closed => closed = true,
            });
            assert!(wakes.unwrap() > 0);
        }
        assert!(ready);
        assert_eq!(received, 100_000);
        thread.join().unwrap();
    }
}
