//! How a refused handshake is told.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use conclave_websocket::encode_close;

use crate::worker::Stream;

/// Completes a refused handshake: Close with the surface's code, then the end, within a second.
pub(super) async fn close(mut stream: Stream, code: u16, reason: &'static str) {
    let mut frame = Vec::new();
    encode_close(code, reason, &mut frame);
    // A fresh socket takes a frame of this size whole.
    if stream.try_write(&frame).is_err() || stream.shut().is_err() {
        return;
    }
    let mut cipher = vec![0; SCRATCH_BYTES];
    let mut plain = vec![0; SCRATCH_BYTES];
    let ended = poll_fn(|context| {
        loop {
            match std::task::ready!(stream.poll_read(context, &mut cipher, &mut plain)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    });
    if tokio::time::timeout(LINGER, ended).await.is_err() {
        stream.reset_on_drop();
    }
}

const LINGER: Duration = Duration::from_secs(1);
const SCRATCH_BYTES: usize = 4096;
