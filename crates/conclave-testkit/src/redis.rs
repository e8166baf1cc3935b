//! A Redis of a test's own, on a socket in a folder of its own, ended with it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a tool of tests fails by panicking, as a test does"
)]

mod cluster;
mod ports;
mod sentinel;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::Detour;

pub use cluster::RedisCluster;
pub use ports::free_port;
pub use sentinel::RedisSentinel;

/// A running Redis that keeps nothing on disk.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// Where there is no `redis-server`, or it does not answer.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments of `redis-server`.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self {
            folder: TempDir::new().expect("a folder"),
            arguments: ["--port", "0", "--save", "", "--appendonly", "no"]
                .iter()
                .chain(arguments)
                .map(|&text| text.to_owned())
                .collect(),
            child: None,
        };
        server.restart();
        server
    }

    /// A sentinel with these lines of configuration.
    fn start_sentinel(config: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("sentinel.conf");
        std::fs::write(&path, config).expect("its file");
        let path = path.display().to_string();
        let mut server = Self {
            folder,
            arguments: vec![path, "--sentinel".to_owned()],
            child: None,
        };
        server.restart();
        server
    }

    /// Where it is, for a configuration.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// A way to it of somebody's own.
    #[must_use]
    pub fn detour(&self) -> Detour {
        Detour::to(self.socket())
    }

    /// Kills it as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a running redis-server");
            child.wait().expect("its end");
        }
    }

    /// Starts it again at the same place, with nothing in it.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn restart(&mut self) {
        self.kill();
        std::fs::remove_file(self.socket()).ok();
        let child = Command::new("redis-server")
            .args(&self.arguments)
            .arg("--dir")
            .arg(self.folder.path())
            .arg("--unixsocket")
            .arg(self.socket())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("cannot start redis-server ({error}): `.ci/install redis` installs it")
        });
        self.child = Some(child);
        wait_until("redis-server answers", || self.ask("PING").is_some());
    }

    /// Stops it in its tracks: it answers nothing, and no connection ends.
    ///
    /// # Panics
    /// Where it cannot be stopped.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// Where it cannot.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// What it answers to one command in a line, as it comes; `None` where it does not.
    #[must_use]
    pub fn ask(&self, command: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(command.as_bytes()).ok()?;
        stream.write_all(b"\r\n").ok()?;
        let mut answer = vec![0; 64 * 1024];
        let length = stream.read(&mut answer).ok().filter(|length| *length > 0)?;
        answer.truncate(length);
        String::from_utf8(answer).ok()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("a running redis-server").id();
        let sent = Command::new("kill")
            .arg(signal)
            .arg(id.to_string())
            .status();
        assert!(sent.expect("kill").success(), "{signal} is sent");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Asks again and again, for at least as long as anything takes on a busy machine.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut tries = 0..TRIES;
    while !holds() {
        assert!(tries.next().is_some(), "{what} in time");
        std::thread::park_timeout(PATIENCE / TRIES);
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
const TRIES: u32 = 6000;
