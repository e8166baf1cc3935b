//! A local Ethereum node behind a door that can be shut.

use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::sync::LazyLock;

use conclave_client::{Address, Incoming, Socket};
use conclave_protocol::ChainHash;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// A node; feeds reach it by the door, tests directly.
pub(crate) struct Node {
    folder: TempDir,
    child: Child,
    own: Socket,
    door: u16,
    /// Where the door leads; `None` while it is shut.
    behind: watch::Sender<Option<u16>>,
    port: u16,
}

impl Node {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (child, port) = launch(folder.path()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = listener.local_addr().unwrap().port();
        let (behind, leads) = watch::channel(Some(port));
        tokio::spawn(keep_door(listener, leads));
        Self {
            folder,
            child,
            own: connect(port).await,
            door,
            behind,
            port,
        }
    }

    /// By the door.
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.door)
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.own.send(&ask.to_string()).await;
        let Incoming::Text(text) = self.own.receive().await.unwrap() else {
            panic!("no answer to {method}");
        };
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer.get("error").is_none(), "{method}: {text}");
        answer["result"].clone()
    }

    pub(crate) async fn newest(&mut self) -> ChainHash {
        let block = self
            .ask("eth_getBlockByNumber", json!(["latest", false]))
            .await;
        ChainHash::parse(block["hash"].as_str().unwrap()).unwrap()
    }

    /// Ends the node, which keeps its chain, and shuts the door.
    pub(crate) async fn stop(&mut self) {
        self.behind.send_replace(None);
        let pid = self.child.id().unwrap().to_string();
        Blocking::new("kill").args(["-INT", &pid]).status().unwrap();
        self.child.wait().await.unwrap();
    }

    /// Starts it again with its chain; the door stays shut.
    pub(crate) async fn restart(&mut self) {
        let (child, port) = launch(self.folder.path()).await;
        self.child = child;
        self.own = connect(port).await;
        self.port = port;
    }

    /// Opens the door.
    pub(crate) fn open(&mut self) {
        self.behind.send_replace(Some(self.port));
    }
}

async fn connect(port: u16) -> Socket {
    let address = Address::parse(&format!("ws://127.0.0.1:{port}"), &[]).unwrap();
    Socket::connect(&address, None, None).await.unwrap()
}

async fn launch(folder: &Path) -> (Child, u16) {
    let machine = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let program = format!("node_modules/@foundry-rs/anvil-linux-{machine}/bin/anvil");
    let program = tree().join(program);
    assert!(program.exists(), "no anvil: run .ci/install wallet");
    let mut child = Command::new(program)
        .args(["--port", "0", "--no-mining", "--state"])
        .arg(folder.join("state"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(port) = line.strip_prefix("Listening on 127.0.0.1:") {
            let port = port.parse().unwrap();
            // What it goes on to say must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, port);
        }
    }
    panic!("the node did not start");
}

/// Lets through what comes while the door is open; cuts it when it is shut.
async fn keep_door(listener: TcpListener, leads: watch::Receiver<Option<u16>>) {
    loop {
        let (mut outer, _) = listener.accept().await.unwrap();
        let mut leads = leads.clone();
        let behind = *leads.borrow();
        let Some(port) = behind else {
            continue;
        };
        tokio::spawn(async move {
            let Ok(mut inner) = TcpStream::connect(("127.0.0.1", port)).await else {
                return;
            };
            tokio::select! {
                _ = copy_bidirectional(&mut outer, &mut inner) => {}
                _ = leads.wait_for(|now| *now != Some(port)) => {}
            }
        });
    }
}

/// What a transaction that makes the token carries.
pub(crate) fn coin() -> &'static str {
    static COIN: LazyLock<String> = LazyLock::new(|| {
        let output = Blocking::new("node")
            .arg(tree().join("compile.mjs"))
            .output()
            .expect("node is there");
        assert!(output.status.success(), "{output:?}");
        let compiled: Value = serde_json::from_slice(&output.stdout).unwrap();
        compiled["Coin"].as_str().unwrap().to_owned()
    });
    &COIN
}

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/wallet")
}
