//! A chain of a test's own making behind Ethereum JSON-RPC, as nodes speak it: what the feed asks
//! of a node is answered, and nothing else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use conclave_websocket::handshake::{AcceptOptions, accept};
use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode, encode_close,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// A running node, which goes on until the program ends.
pub(super) struct Chain {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Sockets that came.
    sockets: AtomicU64,
    /// What was subscribed to.
    subscriptions: AtomicU64,
    requests: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The newest block; 0 has nothing in it.
    number: u64,
    /// What each account has, as blocks have changed it.
    balances: Vec<u64>,
    /// From and to, of the newest block.
    transfers: Vec<(usize, usize)>,
    writer: Option<TcpStream>,
}

impl Chain {
    /// A node with so many accounts, which have a million wei each.
    ///
    /// # Errors
    /// No port is to be had.
    pub(super) fn start(accounts: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port for the chain")?;
        let shared = Arc::new(Shared::default());
        shared.state.lock().balances = vec![MILLION; accounts];
        let chain = Self {
            address: listener.local_addr()?,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for came in listener.incoming().flatten() {
                shared.sockets.fetch_add(1, Ordering::Relaxed);
                // The server ends, or is killed, without a word.
                serve(came, &shared).ok();
            }
        });
        Ok(chain)
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Sockets, subscriptions and questions that came.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Shared {
            sockets,
            subscriptions,
            requests,
            ..
        } = &*self.shared;
        (count(sockets), count(subscriptions), count(requests))
    }

    /// Waits until somebody follows the chain.
    ///
    /// # Errors
    /// Nobody does within ten seconds.
    pub(super) fn wait_for_follower(&self) -> Result<()> {
        for _ in 0..WAITS {
            thread::sleep(WAIT);
            if self.counts().1 == 2 {
                // The newest block was told before the second subscription was asked for.
                return Ok(());
            }
        }
        bail!("nobody follows the chain")
    }

    /// Makes a block of `transfers` of one wei, each between two accounts that no other of the
    /// block is about, and tells of it.
    ///
    /// # Errors
    /// Nobody listens.
    pub(super) fn mine(&self, transfers: usize) -> Result<()> {
        let mut state = self.shared.state.lock();
        state.number += 1;
        let accounts = state.balances.len();
        let begin = usize::try_from(state.number)? * transfers * 2;
        let pair = |each: usize| {
            let from = (begin + each * 2) % accounts;
            (from, (from + 1) % accounts)
        };
        state.transfers = (0..transfers).map(pair).collect();
        for (from, to) in state.transfers.clone() {
            for (account, change) in [(from, -1), (to, 1)] {
                if let Some(balance) = state.balances.get_mut(account) {
                    *balance = balance.saturating_add_signed(change);
                }
            }
        }
        let told = json!({
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": { "subscription": HEADS, "result": head(state.number) },
        });
        let mut writer = state.writer.take().context("nobody follows the chain")?;
        say(&mut writer, &told)?;
        state.writer = Some(writer);
        Ok(())
    }
}

/// The address of an account.
pub(super) fn account(number: usize) -> String {
    format!("0x{:040x}", number + 1)
}

fn serve(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    shake_hands(&mut stream)?;
    shared.state.lock().writer = Some(stream.try_clone()?);
    let (mut decoder, mut inflater) = (Decoder::new(Role::Server, false), Inflater::new());
    let limits = DecoderLimits {
        message_bytes: MESSAGE_BYTES,
        fragments: 16,
    };
    let (mut input, mut buffer) = (Vec::new(), vec![0; BUFFER_BYTES]);
    loop {
        let decoded = decoder.decode(&mut input, &limits, &mut inflater)?;
        let Decoded::Frame { consumed, event } = decoded else {
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                count => input.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            }
            continue;
        };
        let mut out = Vec::new();
        let mut ends = false;
        match event {
            Some(Event::Text(text)) => {
                let answer = answers(&serde_json::from_str(text)?, shared).to_string();
                encode(Opcode::Text, answer.as_bytes(), &mut out);
            }
            Some(Event::Ping(payload)) => encode(Opcode::Pong, payload, &mut out),
            Some(Event::Close(..)) => {
                encode_close(1000, "", &mut out);
                ends = true;
            }
            Some(Event::Binary(_) | Event::Pong(_)) | None => {}
        }
        input.drain(..consumed);
        // So that no notice comes into the middle of it.
        let _state = shared.state.lock();
        stream.write_all(&out)?;
        if ends {
            return Ok(());
        }
    }
}

fn shake_hands(stream: &mut TcpStream) -> Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head)?;
    let lines = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    let headers = lines.map(|(name, value)| (name, value.as_bytes()));
    let accepted = accept("GET", true, headers, &AcceptOptions::default())?;
    let proof = std::str::from_utf8(&accepted.accept)?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {proof}\r\n\r\n"
    );
    Ok(stream.write_all(answer.as_bytes())?)
}

fn say(stream: &mut TcpStream, said: &Value) -> Result<()> {
    let mut out = Vec::new();
    encode(Opcode::Text, said.to_string().as_bytes(), &mut out);
    Ok(stream.write_all(&out)?)
}

/// To one question, or to a batch of them.
fn answers(asked: &Value, shared: &Shared) -> Value {
    match asked {
        Value::Array(batch) => batch.iter().map(|asked| answer(asked, shared)).collect(),
        asked => answer(asked, shared),
    }
}

fn answer(asked: &Value, shared: &Shared) -> Value {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let part = |pointer: &str| asked.pointer(pointer).cloned().unwrap_or_default();
    let method = part("/method");
    let state = shared.state.lock();
    let result = match method.as_str().unwrap_or_default() {
        "eth_chainId" => json!("0x7a69"),
        "eth_subscribe" => {
            shared.subscriptions.fetch_add(1, Ordering::Relaxed);
            match part("/params/0").as_str() {
                Some("newHeads") => json!(HEADS),
                _ => json!("0x2"),
            }
        }
        "eth_getBlockByNumber" => head(state.number),
        "eth_getBlockByHash" => block(&state, &part("/params/0")),
        "eth_getTransactionReceipt" => json!({
            "blockHash": hash(state.number), "status": "0x1", "gasUsed": "0x5208",
        }),
        "eth_getBalance" => {
            let balance = part("/params/0").as_str().and_then(number_of);
            let balance = balance.and_then(|account| state.balances.get(account));
            json!(format!("0x{:x}", balance.copied().unwrap_or(0)))
        }
        _ => {
            let error = json!({ "code": -32601, "message": "no such method" });
            return json!({ "jsonrpc": "2.0", "id": part("/id"), "error": error });
        }
    };
    json!({ "jsonrpc": "2.0", "id": part("/id"), "result": result })
}

fn number_of(address: &str) -> Option<usize> {
    let number = usize::from_str_radix(address.strip_prefix("0x")?, 16).ok()?;
    number.checked_sub(1)
}

/// The newest block; `null` for any other.
fn block(state: &State, wanted: &Value) -> Value {
    if *wanted != json!(hash(state.number)) {
        return Value::Null;
    }
    let transfers = state.transfers.iter().enumerate();
    let transfers = transfers.map(|(place, (from, to))| {
        json!({
            "hash": format!("0x{:032x}{place:032x}", state.number),
            "from": account(*from), "to": account(*to), "value": "0x1",
        })
    });
    let mut block = head(state.number);
    if let Some(block) = block.as_object_mut() {
        block.insert("transactions".to_owned(), transfers.collect());
    }
    block
}

fn head(number: u64) -> Value {
    json!({
        "number": format!("0x{number:x}"),
        "hash": hash(number),
        "parentHash": hash(number.wrapping_sub(1)),
        "timestamp": format!("0x{:x}", 1_700_000_000 + number),
    })
}

fn hash(number: u64) -> String {
    format!("0x{number:064x}")
}

const HEADS: &str = "0x1";
const WAITS: u32 = 100;
const WAIT: Duration = Duration::from_millis(100);
const MILLION: u64 = 1_000_000;
const MESSAGE_BYTES: usize = 1 << 22;
const BUFFER_BYTES: usize = 1 << 16;
