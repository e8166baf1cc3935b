//! The listener of `metrics.listen`: apart from the workers, so that a busy one still answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Binds the address and serves it on the present runtime until that ends.
///
/// # Errors
/// What the system says of the address.
pub(crate) async fn serve_metrics(address: SocketAddr, router: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    tokio::spawn(accept(listener, router));
    Ok(bound)
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(super::ACCEPT_PAUSE).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .serve_connection(TokioIo::new(socket), service);
        tokio::spawn(async move {
            // A connection that breaks off is its client's business.
            connection.await.ok();
            drop(place);
        });
    }
}

const CONNECTIONS_MAX: usize = 64;
const HEAD_TIME: Duration = Duration::from_secs(5);
