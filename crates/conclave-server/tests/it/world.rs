//! Servers of the real binary, each with a data folder and a port of its own.
//!
//! `anvil` is a node of an Ethereum chain, `plan` says what a server is started with, `token` signs what clients show, `key_server` serves
//! the keys of other issuers, `receiver` takes what webhooks post, `log` is what the server says; this file is the running server.

mod anvil;
mod key_server;
mod log;
mod plan;
mod receiver;
mod token;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use conclave_auth::Signer;
use conclave_protocol::Timestamp;
use conclave_store::{Store, StoreOptions};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub(crate) use anvil::Anvil;
pub(crate) use key_server::{KeyServer, Reply};
use log::Log;
pub(crate) use plan::{Folder, Plan};
pub(crate) use receiver::Receiver;
pub(crate) use token::{Token, signer};

use crate::client::{Client, Dial};

/// The key of every server's own tokens.
pub(crate) const SECRET: &str = "black-box tests sign with this key and nobody else does";

/// How long anything that must happen may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running server, killed when it is dropped.
pub(crate) struct World {
    child: Child,
    /// Where it listens, and whether by TLS, in the order of the configuration.
    pub(crate) addresses: Vec<(SocketAddr, bool)>,
    folder: Folder,
    log: Arc<Log>,
    signer: Signer,
}

impl World {
    /// A server as `Plan::new` says.
    pub(crate) fn start() -> Self {
        Plan::new().start()
    }

    /// The first address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0].0
    }

    /// Its data folder, for another server or another process.
    pub(crate) const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The path of its data folder.
    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(self.folder.path())
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A token of this user: role `user`, default session, an hour to live.
    pub(crate) fn token(&self, user: &str) -> String {
        Token::of(user).sign(&self.signer)
    }

    /// Signs a token.
    pub(crate) fn sign(&self, token: &Token) -> String {
        token.sign(&self.signer)
    }

    /// A handshake with this server, without a token.
    pub(crate) fn dial(&self) -> Dial {
        Dial::new(self.address())
    }

    /// A connection of this user, by a token in the query.
    pub(crate) fn connect(&self, user: &str) -> Client {
        self.dial().token(&self.token(user)).connect()
    }

    /// A connection of this user that has subscribed to a topic.
    pub(crate) fn subscriber(&self, user: &str, topic: &str) -> Client {
        let mut client = self.connect(user);
        client.send(&format!("subscribe:{topic}"));
        client.barrier();
        client
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a running server");
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn wait(&mut self, patience: Duration) -> ExitStatus {
        wait_for_exit(&mut self.child, patience).expect("the server ends in time")
    }

    /// Kills the process as a crash would and waits until it is gone.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("a running server");
        self.child.wait().expect("its end");
    }

    /// Waits for a log line that `look` finds, in those so far and those to come.
    pub(crate) fn wait_for_log<T>(&self, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        self.log
            .wait(PATIENCE, |lines| lines.iter().find_map(&mut look))
    }

    /// The log so far.
    pub(crate) fn log_text(&self) -> String {
        self.log.text()
    }

    /// Runs another command of the binary on this server's data folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_conclave"))
            .env_clear()
            .env("JWT_SECRET_KEY", SECRET)
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data_dir())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("a started process")
    }

    /// The audit lines so far, as JSON, oldest first.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.data_dir().join("audit.log")).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until the audit has a line that `look` finds. The writer syncs in batches, so the
    /// file is read again whenever something was added.
    pub(crate) fn wait_for_audit<T>(&self, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        eventually("an audit line", || self.audit().iter().find_map(&mut look))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log.text());
        }
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    Timestamp::from_millis(u64::try_from(since.as_millis()).expect("before the end of time"))
}

/// Opens the store below `data_dir`, as another process beside a running server does.
pub(crate) fn with_store<T>(data_dir: &Path, act: impl AsyncFnOnce(&Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let path = data_dir.join("conclave.db");
        let store = Store::open(&path, StoreOptions::default())
            .await
            .expect("a store");
        let result = act(&store).await;
        store.close().await.expect("closed");
        result
    })
}

/// Asks again and again until there is an answer; for what gives no event of its own.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "{what} in time");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn data_dir(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn wait_for_exit(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
