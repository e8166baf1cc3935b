//! Wallets: many subscriptions over few addresses, of one chain.

mod chain;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::bed::{Bed, Setting};
use super::super::crowd::{Arrival, Crowd, Guest, Manner, Waiting};
use super::super::frame;
use super::super::latency::Samples;
use super::super::machine::SERVER_CORE;
use super::super::measurement::{Case, Measurement};
use super::super::subject::{Launch, Process, Subject};
use chain::{Chain, account};

/// Half of the subscriptions are to balances, half to transactions. Each block has transfers between
/// watched accounts; the next one is made when everybody has heard of the last. All of the server's
/// CPU counts: following the chain, balances of every account, deliveries.
pub(super) fn run(bed: &Bed) -> Result<Vec<Measurement>> {
    if !bed.subjects.contains(&Subject::Conclave) {
        return Ok(Vec::new());
    }
    let connections = bed.sizes.wallet_connections;
    bed.machine.ensure_room(connections)?;
    let chain = Chain::start(ACCOUNTS)?;
    let process = conclave(bed, &chain)?;
    chain.wait_for_follower()?;
    let mut crowd = Crowd::new(connections, Waiting::Awake)?;
    let guests = (0..connections).map(|number| guest(bed, number));
    crowd.join(&bed.door(&process, Setting::PLAIN), guests)?;
    for index in 0..connections {
        crowd.send(index, &subscriptions(index))?;
    }
    let asked = connections * PER_CONNECTION;
    wait_for(&mut crowd, &process, (asked, "_subscription"))?;
    let told = connections * PER_CONNECTION / ACCOUNTS * TRANSFERS * 2;
    let mut samples = Samples::default();
    for _ in 0..WARM_UP {
        block(&chain, &mut crowd, (&process, told))?;
    }
    let (cpu, wall) = (process.cpu()?, Instant::now());
    for _ in 0..bed.sizes.wallet_blocks {
        samples.push(block(&chain, &mut crowd, (&process, told))?);
    }
    let blocks = u64::try_from(bed.sizes.wallet_blocks)?;
    let cpu = process.cpu()?.saturating_sub(cpu);
    let row = Measurement::new(Case::WalletBlock, Subject::Conclave);
    let mut row = row.cost(blocks, cpu, wall.elapsed());
    row.latency = samples.percentiles();
    let (sockets, subscribed, _) = chain.counts();
    ensure!(
        (sockets, subscribed) == (1, 2),
        "{sockets} sockets and {subscribed} subscriptions at the chain, expected 1 and 2"
    );
    Ok(vec![row])
}

/// From a block's making to the last delivery of it.
fn block(chain: &Chain, crowd: &mut Crowd, (process, told): (&Process, usize)) -> Result<Duration> {
    let made = Instant::now();
    chain.mine(TRANSFERS)?;
    wait_for(crowd, process, (told, "balance_update\" transaction\""))?;
    Ok(made.elapsed())
}

/// Waits for so many frames of these types, a part of a type's name each.
fn wait_for(crowd: &mut Crowd, process: &Process, (count, kinds): (usize, &str)) -> Result<()> {
    let mut heard = 0;
    while heard < count {
        let mut strange = None;
        let wakes = crowd.poll(PATIENCE, &mut |_, arrival, _| match arrival {
            Arrival::Text(text) => {
                let kind = text.get(..KIND_BYTES).unwrap_or(text);
                let kind = String::from_utf8_lossy(kind);
                if kinds.split(' ').any(|wanted| kind.contains(wanted)) {
                    heard += 1;
                } else if kind.contains("\"error\"") {
                    strange = Some(String::from_utf8_lossy(text).into_owned());
                }
            }
            Arrival::Closed => strange = Some("closed".to_owned()),
            Arrival::Ready(_) => {}
        })?;
        ensure!(strange.is_none(), "{}", strange.unwrap_or_default());
        let tail = || process.log_tail();
        ensure!(wakes > 0, "{heard} of {count} frames came:\n{}", tail());
    }
    Ok(())
}

/// The frames by which a connection asks for what it hears.
fn subscriptions(index: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for place in 0..PER_CONNECTION {
        let kind = match place % 2 {
            0 => "subscribe_balance",
            _ => "subscribe_transactions",
        };
        // Of each account as many balances as transactions.
        let number =
            (index * PER_CONNECTION + place + index * PER_CONNECTION / ACCOUNTS) % ACCOUNTS;
        let ask = format!(r#"{{"type":"{kind}","address":"{}"}}"#, account(number));
        frame::text(ask.as_bytes(), &mut out);
    }
    out
}

fn guest(bed: &Bed, number: usize) -> Guest {
    let token = bed.mint.wallet_token(number);
    Guest {
        number,
        head: Some(format!(
            "GET /api/v1/web3/ws/u{number}?token={token} HTTP/1.1\r\nHost: localhost\r\n\
             Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUser-Agent: conclave-bench\r\n\r\n"
        )),
        extension: "",
        command: None,
        manner: Manner::Conversation,
    }
}

fn conclave(bed: &Bed, chain: &Chain) -> Result<Process> {
    let arguments = [
        "serve",
        "--listen",
        "{address}",
        "--workers",
        "1",
        "--data-dir",
        "{folder}",
    ];
    let mut environment = vec![
        ("JWT_SECRET_KEY", bed.mint.secret().to_owned()),
        ("CONCLAVE_WALLET__RPC_URL", chain.url()),
    ];
    environment.extend(SETTINGS.map(|(name, value)| (name, value.to_owned())));
    Process::start(&Launch {
        program: bed.programs.conclave.clone(),
        arguments: arguments.map(str::to_owned).into(),
        environment,
        cores: vec![SERVER_CORE],
    })
}

const ACCOUNTS: usize = 1_000;
const PER_CONNECTION: usize = 100;
const TRANSFERS: usize = 20;
const WARM_UP: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);
/// `{"type":"transaction_subscription"` and the like.
const KIND_BYTES: usize = 40;
const SETTINGS: [(&str, &str); 6] = [
    ("CONCLAVE_WALLET__ENABLED", "true"),
    ("CONCLAVE_WALLET__DOMAINS", "localhost"),
    ("CONCLAVE_WALLET__CONFIRMATIONS", "1"),
    ("CONCLAVE_WALLET__SUBSCRIPTIONS_PER_CONNECTION", "100"),
    ("CONCLAVE_LIMITS__HANDSHAKES_PER_SECOND", "0"),
    ("CONCLAVE_LIMITS__MESSAGES_PER_SECOND", "0"),
];
