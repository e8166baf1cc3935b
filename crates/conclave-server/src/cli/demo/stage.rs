//! The server that a demo is played on: this program again, in dev mode, on a free port, with a
//! data folder that goes with it.

use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A running server, ended with this.
pub(super) struct Stage {
    child: Child,
    address: String,
    folder: TempDir,
    reader: tokio::task::JoinHandle<()>,
}

impl Stage {
    /// Starts it, and waits until it says where it listens.
    pub(super) async fn open() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("conclave-demo-").context("no temporary folder")?;
        let program = std::env::current_exe().context("where this program is")?;
        let mut child = Command::new(program)
            .args([
                "serve",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--workers",
                "1",
            ])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            // No configuration of whoever plays it: neither a file here nor the environment.
            .current_dir(folder.path())
            .env_clear()
            .env("CONCLAVE_LOG__FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a server")?;
        let stderr = child.stderr.take().context("no log")?;
        let mut log = BufReader::new(stderr).lines();
        let address = listening(&mut log).await?;
        // It must not wait for somebody who reads its log.
        let reader = tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Ok(Self {
            child,
            address,
            folder,
            reader,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it and removes its folder.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the server does not end")?;
        self.reader.abort();
        self.folder.close().context("the temporary folder")
    }
}

async fn listening(log: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<String> {
    let mut said = String::from("nothing");
    while let Some(line) = log.next_line().await.context("the server's log")? {
        let Ok(entry) = serde_json::from_str::<Value>(&line) else {
            said = line;
            continue;
        };
        let member = |name: &str| entry.get(name).and_then(Value::as_str);
        if let (Some("listening"), Some(address)) = (member("message"), member("address")) {
            return Ok(address.to_owned());
        }
    }
    bail!("the server did not start; it said: {said}")
}
