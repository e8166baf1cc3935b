//! A node of an Ethereum chain with a real virtual machine, behind a door that can be shut. What it
//! needs is installed by `.ci/install wallet`.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Request;

/// A running node, which mines when it is told to; servers reach it by the door, tests directly.
pub(crate) struct Anvil {
    folder: TempDir,
    child: Child,
    port: u16,
    door: Arc<Door>,
}

struct Door {
    address: SocketAddr,
    state: Mutex<Ways>,
}

#[derive(Default)]
struct Ways {
    /// Where it leads; `None` while it is shut.
    behind: Option<u16>,
    open: Vec<TcpStream>,
}

impl Anvil {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let (child, port) = launch(folder.path());
        let door = Door::open_to(port);
        Self {
            folder,
            child,
            port,
            door,
        }
    }

    /// By the door, for a configuration.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.door.address)
    }

    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let answer = Request::post(address, "/", &ask).send().json();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The accounts whose keys it has.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let accounts = self.ask("eth_accounts", json!([]));
        let accounts = accounts.as_array().expect("a list").iter();
        accounts
            .map(|account| account.as_str().expect("a text").to_lowercase())
            .collect()
    }

    /// What this account signs, as wallets do (EIP-191).
    pub(crate) fn sign(&self, account: &str, text: &str) -> String {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let signature = self.ask("personal_sign", json!([format!("0x{hex}"), account]));
        signature.as_str().expect("a signature").to_owned()
    }

    pub(crate) fn send(&self, from: &str, mut transaction: Value) -> String {
        transaction["from"] = json!(from);
        transaction["gas"] = json!("0x2dc6c0");
        let hash = self.ask("eth_sendTransaction", json!([transaction]));
        hash.as_str().expect("a hash").to_owned()
    }

    pub(crate) fn mine(&self) {
        self.ask("anvil_mine", json!(["0x1"]));
    }

    /// Takes the newest blocks away; others are in their place, with none of their transactions.
    pub(crate) fn reorganise(&self, depth: u32) {
        self.ask("anvil_reorg", json!([depth, []]));
    }

    /// Makes the token, all of which the first account has.
    pub(crate) fn make_coin(&self) -> String {
        let first = &self.accounts()[0];
        let hash = self.send(first, json!({ "data": coin() }));
        self.mine();
        let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
        let address = receipt["contractAddress"].as_str().expect("an address");
        address.to_lowercase()
    }

    /// Sends `raw` of the token.
    pub(crate) fn pay(&self, coin: &str, (from, to): (&str, &str), raw: u64) -> String {
        let data = format!("0xa9059cbb{:0>64}{raw:064x}", &to[2..]);
        self.send(from, json!({ "to": coin, "data": data }))
    }

    /// Ends the node, which keeps its chain, and shuts the door.
    pub(crate) fn stop(&mut self) {
        self.door.shut();
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).expect("a running node");
        self.child.wait().expect("its end");
    }

    /// Starts it again with its chain; the door stays shut.
    pub(crate) fn restart(&mut self) {
        (self.child, self.port) = launch(self.folder.path());
    }

    /// Opens the door.
    pub(crate) fn open(&self) {
        let mut ways = self.door.state.lock().expect("no panic");
        ways.behind = Some(self.port);
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Door {
    fn open_to(port: u16) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let ways = Ways {
            behind: Some(port),
            open: Vec::new(),
        };
        let door = Arc::new(Self {
            address: listener.local_addr().expect("its address"),
            state: Mutex::new(ways),
        });
        let own = Arc::clone(&door);
        thread::spawn(move || {
            for came in listener.incoming().flatten() {
                own.let_in(came).ok();
            }
        });
        door
    }

    /// Who is not let in finds the connection closed.
    fn let_in(&self, came: TcpStream) -> io::Result<()> {
        let mut ways = self.state.lock().expect("no panic");
        let Some(port) = ways.behind else {
            return Ok(());
        };
        let on = TcpStream::connect(("127.0.0.1", port))?;
        for (mut from, mut to) in [
            (came.try_clone()?, on.try_clone()?),
            (on.try_clone()?, came.try_clone()?),
        ] {
            thread::spawn(move || {
                io::copy(&mut from, &mut to).ok();
                to.shutdown(Shutdown::Both).ok();
            });
        }
        ways.open.extend([came, on]);
        Ok(())
    }

    fn shut(&self) {
        let mut ways = self.state.lock().expect("no panic");
        ways.behind = None;
        for end in ways.open.drain(..) {
            end.shutdown(Shutdown::Both).ok();
        }
    }
}

fn launch(folder: &Path) -> (Child, u16) {
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
        .spawn()
        .expect("a node");
    let mut lines = BufReader::new(child.stdout.take().expect("its words")).lines();
    let named = |line: String| line.strip_prefix("Listening on 127.0.0.1:")?.parse().ok();
    let Some(port) = lines.by_ref().map_while(Result::ok).find_map(named) else {
        child.kill().ok();
        child.wait().ok();
        panic!("the node did not start");
    };
    // What it goes on to say must not fill the pipe.
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    (child, port)
}

/// What a transaction that makes the token carries.
fn coin() -> &'static str {
    static COIN: LazyLock<String> = LazyLock::new(|| {
        let mut node = Command::new("node");
        let output = node.arg(tree().join("compile.mjs")).output();
        let output = output.expect("node is there");
        assert!(output.status.success(), "{output:?}");
        let compiled: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        compiled["Coin"].as_str().expect("code").to_owned()
    });
    &COIN
}

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/wallet")
}
