//! The `wallet` dialect over a real Ethereum node, with a real ERC-20 token.

use serde_json::{Value, json};

use crate::client::{Client, Dial};
use crate::http::Request;
use crate::wallet_links::link;
use crate::world::{Anvil, Plan, Token, World, eventually};

/// A server that follows this node. Everybody may hear of these contracts.
pub(crate) fn following(chain: &Anvil, contracts: &[&str]) -> Plan {
    follows(Plan::new(), chain, contracts)
}

pub(crate) fn follows(plan: Plan, chain: &Anvil, contracts: &[&str]) -> Plan {
    plan.set("wallet.enabled", true)
        .set("wallet.rpc_url", chain.url())
        .set("wallet.domains", "app.example.com")
        .set("wallet.contracts", contracts.join(","))
        .set("wallet.confirmations", 3)
}

pub(crate) fn socket(world: &World, user: &str) -> Dial {
    let path = format!("/api/v1/web3/ws/{user}");
    world.dial().path(&path).token(&world.token(user))
}

/// Of somebody who may hear of any wallet.
fn any(world: &World, user: &str) -> Client {
    let grants = ["wallet.read", "wallet.read.any"];
    let token = world.sign(&Token::of(user).permissions(&grants));
    let path = format!("/api/v1/web3/ws/{user}");
    greeted(world.dial().path(&path).token(&token))
}

/// A connection once the chain is followed.
pub(crate) fn greeted(dial: Dial) -> Client {
    let mut client = dial.connect();
    let first = client.json();
    assert_eq!(first["type"], "connected", "{first}");
    assert_eq!(first["message"], "Secure Web3 WebSocket connected");
    client.send(r#"{"type":"ping"}"#);
    let (mut is_live, mut answered) = (true, false);
    while !is_live || !answered {
        let frame = client.json();
        if frame["type"] == "feed_status" {
            is_live = frame["status"] == "live";
        } else {
            assert_eq!(frame["type"], "pong", "{frame}");
            answered = true;
        }
    }
    client
}

/// The next frame of this type; those before it are passed over.
pub(crate) fn heard(client: &mut Client, kind: &str) -> Value {
    loop {
        let frame = client.json();
        if frame["type"] == kind {
            return frame;
        }
        assert_ne!(frame["type"], "error", "{frame}");
    }
}

fn transaction(client: &mut Client, hash: &str, status: &str) -> Value {
    loop {
        let told = heard(client, "transaction")["transaction"].clone();
        if told["hash"] == hash && told["status"] == status {
            return told;
        }
    }
}

/// Waits for a balance.
fn ether(client: &mut Client, address: &str, expected: &str) -> Value {
    loop {
        let told = heard(client, "balance_update");
        if told["address"] == address && told["native"]["ether"] == expected {
            return told;
        }
    }
}

pub(crate) fn error(client: &mut Client, ask: &Value) -> (String, String) {
    client.send(&ask.to_string());
    let frame = client.json();
    assert_eq!(frame["type"], "error", "{frame}");
    assert_eq!(frame["in_reply_to"], ask["type"]);
    let text = |name: &str| frame[name].as_str().expect("a text").to_owned();
    (text("code"), text("message"))
}

const FORBIDDEN: &str = "forbidden";

#[test]
fn a_transfer_is_pending_confirmed_and_reorganised_away_and_the_balance_follows() {
    let chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let accounts = chain.accounts();
    let (from, to) = (&accounts[1], &accounts[2]);
    let mut alice = greeted(socket(&world, "alice"));
    link(&world, "alice", &chain, to);
    chain.mine();
    alice.send(r#"{"type":"subscribe_balance"}"#);
    let begun = heard(&mut alice, "balance_subscription");
    assert_eq!(begun["addresses"], json!([to]));
    assert_eq!(begun["status"], "active");
    ether(&mut alice, to, "10000");
    alice.send(r#"{"type":"subscribe_transactions"}"#);
    let begun = heard(&mut alice, "transaction_subscription");
    assert_eq!(begun["addresses"], json!([to]));
    let hash = chain.send(from, json!({ "to": to, "value": "0xde0b6b3a7640000" }));
    let pending = transaction(&mut alice, &hash, "pending");
    assert_eq!(pending["block_number"], Value::Null);
    assert_eq!(pending["value"], "1000000000000000000");
    assert_eq!(
        (&pending["from"], &pending["to"]),
        (&json!(from), &json!(to))
    );
    chain.mine();
    let confirmed = transaction(&mut alice, &hash, "confirmed");
    assert_eq!(
        (&confirmed["confirmations"], &confirmed["gas_used"]),
        (&json!(1), &json!(21_000))
    );
    let after = ether(&mut alice, to, "10001");
    assert_eq!(after["block_number"], confirmed["block_number"]);
    chain.reorganise(1);
    let reorged = transaction(&mut alice, &hash, "reorged");
    assert_eq!(reorged["confirmations"], 0);
    ether(&mut alice, to, "10000");
}

#[test]
fn a_transaction_is_told_again_when_enough_blocks_say_so() {
    let chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let accounts = chain.accounts();
    let mut alice = any(&world, "alice");
    alice.send(&json!({ "type": "subscribe_transactions", "address": accounts[1] }).to_string());
    heard(&mut alice, "transaction_subscription");
    let hash = chain.send(&accounts[1], json!({ "to": accounts[2], "value": "0x5" }));
    (0..3).for_each(|_| chain.mine());
    assert_eq!(
        transaction(&mut alice, &hash, "confirmed")["confirmations"],
        1
    );
    assert_eq!(
        transaction(&mut alice, &hash, "confirmed")["confirmations"],
        3
    );
}

#[test]
fn tokens_and_contract_events_follow_the_chain_both_ways() {
    let chain = Anvil::start();
    let coin = chain.make_coin();
    let accounts = chain.accounts();
    let world = following(&chain, &[&accounts[5], &coin]).start();
    let (from, to) = (&accounts[0], &accounts[3]);
    let mut alice = greeted(socket(&world, "alice"));
    let listed = Request::new(world.address(), "GET", "/api/v1/web3/tokens");
    let listed = listed.bearer(&world.token("alice")).send().json();
    // The other address is no contract.
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(
        (&listed[0]["symbol"], &listed[0]["decimals"]),
        (&json!("COIN"), &json!(6))
    );
    link(&world, "alice", &chain, to);
    alice.send(&json!({ "type": "subscribe_balance", "tokens": [coin] }).to_string());
    let first = heard(&mut alice, "balance_update");
    let token =
        json!({ "address": coin, "symbol": "COIN", "decimals": 6, "raw": "0", "amount": "0" });
    assert_eq!(first["tokens"], json!([token]));
    let event = "Transfer(address indexed from, address indexed to, uint256 value)";
    let ask = json!({ "type": "subscribe_contract", "address": coin, "events": [event] });
    alice.send(&ask.to_string());
    let begun = heard(&mut alice, "contract_subscription");
    assert_eq!(begun["addresses"], json!([coin]));
    let hash = chain.pay(&coin, (from, to), 2_500_000);
    chain.mine();
    let told = heard(&mut alice, "contract_event");
    assert_eq!(
        told["args"],
        json!({ "from": from, "to": to, "value": "2500000" })
    );
    assert_eq!(
        (&told["event"], &told["removed"]),
        (&json!("Transfer"), &json!(false))
    );
    assert_eq!(told["transaction_hash"], hash);
    let after = heard(&mut alice, "balance_update");
    assert_eq!(after["tokens"][0]["amount"], "2.5");
    chain.reorganise(1);
    let removed = heard(&mut alice, "contract_event");
    assert_eq!(
        (&removed["removed"], &removed["transaction_hash"]),
        (&json!(true), &json!(hash))
    );
    let back = heard(&mut alice, "balance_update");
    assert_eq!(back["tokens"][0]["amount"], "0");
}

#[test]
fn a_transaction_that_fails_is_told_as_failed() {
    let chain = Anvil::start();
    let coin = chain.make_coin();
    let world = following(&chain, &[]).start();
    let accounts = chain.accounts();
    let mut alice = any(&world, "alice");
    alice.send(&json!({ "type": "subscribe_transactions", "address": accounts[3] }).to_string());
    heard(&mut alice, "transaction_subscription");
    // It has none of the token.
    let hash = chain.pay(&coin, (&accounts[3], &accounts[0]), 5);
    chain.mine();
    let failed = transaction(&mut alice, &hash, "failed");
    assert_eq!(
        (&failed["to"], &failed["confirmations"]),
        (&json!(coin), &json!(1))
    );
}

#[test]
fn a_node_that_restarts_is_followed_on_and_nothing_is_missed() {
    let mut chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let accounts = chain.accounts();
    let mut alice = any(&world, "alice");
    alice.send(&json!({ "type": "subscribe_transactions", "address": accounts[5] }).to_string());
    heard(&mut alice, "transaction_subscription");
    chain.mine();
    chain.stop();
    assert_eq!(heard(&mut alice, "feed_status")["status"], "degraded");
    let ask = json!({ "type": "subscribe_balance", "address": accounts[4] });
    assert_eq!(error(&mut alice, &ask).0, "unavailable");
    let mut late = socket(&world, "bob").connect();
    assert_eq!(late.json()["type"], "connected");
    assert_eq!(late.json()["status"], "degraded");
    // The blocks of meanwhile are made before the server can hear of any.
    chain.restart();
    let hash = chain.send(&accounts[1], json!({ "to": accounts[5], "value": "0x1" }));
    (0..2).for_each(|_| chain.mine());
    chain.open();
    transaction(&mut alice, &hash, "confirmed");
    assert_eq!(heard(&mut alice, "feed_status")["status"], "live");
    assert_eq!(heard(&mut late, "feed_status")["status"], "live");
}

#[test]
fn others_wallets_and_unlisted_contracts_need_a_permission() {
    let chain = Anvil::start();
    let coin = chain.make_coin();
    let world = following(&chain, &[]).start();
    let accounts = chain.accounts();
    let mut alice = greeted(socket(&world, "alice"));
    let denied = (
        FORBIDDEN.to_owned(),
        "Permission denied: wallet.read.any required".to_owned(),
    );
    let balance = json!({ "type": "subscribe_balance", "address": accounts[1] });
    assert_eq!(error(&mut alice, &balance), denied);
    let events = ["Transfer(address indexed,address indexed,uint256)"];
    let contract = json!({ "type": "subscribe_contract", "address": coin, "events": events });
    assert_eq!(error(&mut alice, &contract), denied);
    link(&world, "alice", &chain, &accounts[1]);
    let tokens = json!({ "type": "subscribe_balance", "tokens": [coin] });
    assert_eq!(error(&mut alice, &tokens), denied);
    let token = world.sign(&Token::of("mod").permissions(&["chat:send"]));
    let mut moderator = world
        .dial()
        .path("/api/v1/web3/ws/mod")
        .token(&token)
        .connect();
    assert_eq!(moderator.json()["permissions"], json!(["chat:send"]));
    let text = "Permission denied: wallet.read required for balance monitoring";
    let refused = error(&mut moderator, &json!({ "type": "subscribe_balance" }));
    assert_eq!(refused, (FORBIDDEN.to_owned(), text.to_owned()));
    eventually("four audit lines", || {
        let lines = world.audit();
        let denials = lines
            .iter()
            .filter(|line| line["event"] == "permission_denied");
        (denials.count() >= 4).then_some(())
    });
}

#[test]
fn who_may_hear_of_any_is_audited_once_for_each_subscription_to_what_is_not_theirs() {
    let chain = Anvil::start();
    let (coin, other) = (chain.make_coin(), chain.make_coin());
    let world = following(&chain, &[&coin]).start();
    let accounts = chain.accounts();
    let mut any = any(&world, "any");
    link(&world, "any", &chain, &accounts[1]);
    let events = ["Transfer(address indexed,address indexed,uint256)"];
    let begin = |any: &mut Client, ask: Value| {
        any.send(&ask.to_string());
        while any.json()["status"] != "active" {}
    };
    let balance = "subscribe_balance";
    begin(
        &mut any,
        json!({ "type": balance, "address": accounts[1], "tokens": [coin] }),
    );
    begin(
        &mut any,
        json!({ "type": "subscribe_contract", "address": coin, "events": events }),
    );
    begin(
        &mut any,
        json!({ "type": balance, "address": accounts[2], "tokens": [coin] }),
    );
    begin(
        &mut any,
        json!({ "type": balance, "address": accounts[1], "tokens": [coin, other] }),
    );
    begin(
        &mut any,
        json!({ "type": "subscribe_transactions", "address": accounts[2] }),
    );
    chain.send(&accounts[2], json!({ "to": accounts[1], "value": "0x1" }));
    chain.mine();
    heard(&mut any, "transaction");
    begin(
        &mut any,
        json!({ "type": "subscribe_contract", "address": other, "events": events }),
    );
    let line = |word: &str, of: &str| format!("{word} by wallet.read.any: {of}");
    let expected = [
        line(balance, &accounts[2]),
        line(balance, &other),
        line("subscribe_transactions", &accounts[2]),
        line("subscribe_contract", &other),
    ];
    let lines = eventually("four audit lines", || {
        let mut lines = world.audit();
        lines.retain(|line| line["event"] == "power_used");
        (lines.len() >= expected.len()).then_some(lines)
    });
    let details: Vec<_> = lines.iter().map(|line| line["detail"].clone()).collect();
    assert_eq!(details, expected);
    assert!(lines.iter().all(|line| line["user"] == "any"));
}

#[test]
fn nobody_comes_in_by_the_path_of_another() {
    let chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let token = world.token("alice");
    let closed = world
        .dial()
        .path("/api/v1/web3/ws/bob")
        .token(&token)
        .connect()
        .closed();
    assert_eq!(closed.0, 4003);
    let admin = world.sign(&Token::of("root").permissions(&["admin"]));
    let closed = world
        .dial()
        .path("/api/v1/web3/ws/bob")
        .token(&admin)
        .connect()
        .closed();
    assert_eq!(closed.0, 4003);
}

#[test]
fn a_lost_permission_ends_subscriptions_and_a_renewal_keeps_the_others() {
    let chain = Anvil::start();
    let coin = chain.make_coin();
    let world = following(&chain, &[&coin]).start();
    let accounts = chain.accounts();
    let mut alice = any(&world, "alice");
    alice.send(&json!({ "type": "subscribe_transactions", "address": accounts[1] }).to_string());
    let of_any = heard(&mut alice, "transaction_subscription")["subscription"].clone();
    let events = ["Transfer(address indexed,address indexed,uint256)"];
    let contract = json!({ "type": "subscribe_contract", "address": coin, "events": events });
    alice.send(&contract.to_string());
    let listed = heard(&mut alice, "contract_subscription")["subscription"].clone();
    let renew = |alice: &mut Client, grants: &[&str]| {
        let token = world.sign(&Token::of("alice").permissions(grants));
        alice.send(&json!({ "type": "auth", "token": token }).to_string());
    };
    renew(&mut alice, &["wallet.read"]);
    let ended = alice.json();
    assert_eq!(
        (&ended["type"], &ended["subscription"]),
        (&json!("unsubscribed"), &of_any)
    );
    assert_eq!(alice.json()["type"], "auth_success");
    chain.pay(&coin, (&accounts[0], &accounts[1]), 7);
    chain.mine();
    assert_eq!(heard(&mut alice, "contract_event")["args"]["2"], "7");
    renew(&mut alice, &["chat:send"]);
    assert_eq!(heard(&mut alice, "unsubscribed")["subscription"], listed);
    assert_eq!(alice.json()["type"], "auth_success");
    assert_eq!(error(&mut alice, &contract).0, FORBIDDEN);
    let gone = json!({ "type": "unsubscribe", "subscription": listed });
    assert_eq!(error(&mut alice, &gone).0, "not_found");
}

#[test]
fn a_connection_hears_of_no_more_than_it_may_and_shares_what_others_hear() {
    let chain = Anvil::start();
    let plan = following(&chain, &[]).set("wallet.subscriptions_per_connection", 2);
    let world = plan.set("wallet.watches", 3).start();
    let accounts = chain.accounts();
    let mut first = any(&world, "first");
    let mut second = any(&world, "second");
    let ask =
        |place: usize| json!({ "type": "subscribe_transactions", "address": accounts[place] });
    for place in [1, 2] {
        first.send(&ask(place).to_string());
        heard(&mut first, "transaction_subscription");
    }
    assert_eq!(error(&mut first, &ask(3)).0, "too_large");
    first.send(r#"{"type":"unsubscribe","subscription":"1"}"#);
    assert_eq!(
        first.json(),
        json!({ "type": "unsubscribed", "subscription": "1" })
    );
    for place in [2, 3] {
        second.send(&ask(place).to_string());
        heard(&mut second, "transaction_subscription");
    }
    first.send(&ask(1).to_string());
    heard(&mut first, "transaction_subscription");
    let mut third = any(&world, "third");
    assert_eq!(error(&mut third, &ask(4)).0, "too_large");
    third.send(&ask(2).to_string());
    heard(&mut third, "transaction_subscription");
    let hash = chain.send(&accounts[2], json!({ "to": accounts[5], "value": "0x5" }));
    chain.mine();
    for client in [&mut first, &mut second, &mut third] {
        transaction(client, &hash, "confirmed");
    }
    let token = world.sign(&Token::of("op").permissions(&["system.monitor"]));
    let shown = eventually("the chain's id", || {
        let request = Request::new(world.address(), "GET", "/api/v1/wallet");
        let shown = request.bearer(&token).send().json();
        (shown["chain_id"] == 31_337).then_some(shown)
    });
    assert_eq!(shown["subscriptions"]["transactions"], 5, "{shown}");
    assert_eq!(shown["addresses"], 3);
    assert_eq!(shown["status"], "live");
    let metrics = Request::new(world.address(), "GET", "/metrics").send().body;
    assert!(
        metrics.contains("\nconclave_wallet_watches 3\n"),
        "{metrics}"
    );
}

#[test]
fn nothing_is_there_where_wallets_are_off() {
    let world = World::start();
    let answer = |method, path| {
        let request = Request::new(world.address(), method, path).bearer(&world.token("alice"));
        request.send().status
    };
    assert_eq!(answer("GET", "/api/v1/web3/nonce"), 404);
    assert_eq!(answer("GET", "/api/v1/web3/wallets"), 404);
    assert_eq!(answer("GET", "/api/v1/web3/ws/alice"), 404);
    let token = world.sign(&Token::of("op").permissions(&["system.monitor"]));
    let shown = Request::new(world.address(), "GET", "/api/v1/wallet")
        .bearer(&token)
        .send();
    assert_eq!(shown.json(), json!({ "enabled": false }));
}
