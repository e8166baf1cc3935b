//! A way of one node's own to a Redis, which can be cut while the others have theirs.

#![expect(
    clippy::expect_used,
    reason = "a tool of tests fails by panicking, as a test does"
)]

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes bytes from a port of loopback on to a socket, until it is cut.
#[derive(Debug)]
pub struct Detour {
    address: SocketAddr,
    ways: Arc<Mutex<Ways>>,
}

#[derive(Debug, Default)]
struct Ways {
    cut: bool,
    ended: bool,
    open: Vec<(TcpStream, UnixStream)>,
}

impl Detour {
    /// To the server that listens on this socket.
    ///
    /// # Panics
    /// Where no port is to be had.
    #[must_use]
    pub fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let ways = Arc::new(Mutex::new(Ways::default()));
        let all = Arc::clone(&ways);
        thread::spawn(move || {
            for came in listener.incoming() {
                let mut ways = all.lock().unwrap_or_else(PoisonError::into_inner);
                if ways.ended {
                    return;
                }
                // Who is not let on finds the connection closed.
                if let (false, Ok(came)) = (ways.cut, came) {
                    ways.open.extend(pass_on(came, &socket).ok());
                }
            }
        });
        Self { address, ways }
    }

    /// Where it is, for a configuration.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Ends all connections and lets nobody on.
    pub fn cut(&self) {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.cut = true;
        for (came, on) in ways.open.drain(..) {
            // They may have ended already.
            came.shutdown(Shutdown::Both).ok();
            on.shutdown(Shutdown::Both).ok();
        }
    }

    /// Lets everybody on again.
    pub fn mend(&self) {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).cut = false;
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        self.cut();
        self.ways
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ended = true;
        // Its thread looks up.
        TcpStream::connect(self.address).ok();
    }
}

fn pass_on(came: TcpStream, socket: &PathBuf) -> io::Result<(TcpStream, UnixStream)> {
    let on = UnixStream::connect(socket)?;
    let ends = (came.try_clone()?, on.try_clone()?);
    let (mut from, mut to) = (came.try_clone()?, on.try_clone()?);
    thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Both).ok();
    });
    let (mut from, mut to) = (on, came);
    thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Both).ok();
    });
    Ok(ends)
}
