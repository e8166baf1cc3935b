//! Linking wallets by what they sign (EIP-4361), with real signatures.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::wallet::{following, greeted, heard, socket};
use crate::world::{Anvil, Token, World};

/// A message to be signed, as wallets show it.
struct Message {
    domain: &'static str,
    uri: &'static str,
    address: String,
    chain_id: u64,
    nonce: String,
    issued_at: String,
    more: String,
}

impl Message {
    fn of(chain: &Anvil, address: &str, nonce: &str) -> Self {
        Self {
            domain: "app.example.com",
            uri: "https://app.example.com/wallet",
            address: checksummed(chain, address),
            chain_id: 31_337,
            nonce: nonce.to_owned(),
            issued_at: moment(0),
            more: String::new(),
        }
    }

    fn text(&self) -> String {
        let Self {
            domain,
            uri,
            address,
            chain_id,
            nonce,
            issued_at,
            more,
        } = self;
        format!(
            "{domain} wants you to sign in with your Ethereum account:\n{address}\n\nLink my wallet.\n\n\
             URI: {uri}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}\nIssued At: {issued_at}{more}"
        )
    }
}

fn moment(seconds_ago: i64) -> String {
    let now = jiff::Timestamp::now();
    (now - jiff::SignedDuration::from_secs(seconds_ago)).to_string()
}

/// The address in the case of EIP-55, by the node's own hash.
fn checksummed(chain: &Anvil, address: &str) -> String {
    let digits = address[2..].to_lowercase();
    let hex: String = digits.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hash = chain.ask("web3_sha3", json!([format!("0x{hex}")]));
    let hash = hash.as_str().expect("a hash")[2..].to_owned();
    let letters = digits.chars().zip(hash.chars());
    let cased = letters.map(|(letter, by)| match by.to_digit(16) {
        Some(8..) => letter.to_ascii_uppercase(),
        _ => letter,
    });
    format!("0x{}", cased.collect::<String>())
}

fn nonce(world: &World, user: &str) -> String {
    let request = Request::new(world.address(), "GET", "/api/v1/web3/nonce");
    let answer = request.bearer(&world.token(user)).send();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["expires_in"], 300);
    answer.json()["nonce"].as_str().expect("a nonce").to_owned()
}

fn post(world: &World, user: &str, message: &str, signature: &str) -> Answer {
    let body = json!({ "message": message, "signature": signature });
    let request = Request::post(world.address(), "/api/v1/web3/link", &body);
    request.bearer(&world.token(user)).send()
}

fn wallets(world: &World, user: &str) -> Vec<Value> {
    let request = Request::new(world.address(), "GET", "/api/v1/web3/wallets");
    let answer = request.bearer(&world.token(user)).send();
    answer.json().as_array().expect("a list").clone()
}

/// Links an account of the node to a user.
pub(crate) fn link(world: &World, user: &str, chain: &Anvil, account: &str) {
    let message = Message::of(chain, account, &nonce(world, user)).text();
    let signature = chain.sign(account, &message);
    let answer = post(world, user, &message, &signature);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let expected = json!({ "address": checksummed(chain, account), "chain_id": 31_337 });
    assert_eq!(answer.json(), expected);
}

pub(crate) fn unlink(world: &World, user: &str, account: &str) -> u16 {
    let path = format!("/api/v1/web3/link/{account}");
    let request = Request::new(world.address(), "DELETE", &path);
    request.bearer(&world.token(user)).send().status
}

#[test]
fn a_wallet_is_linked_once_by_its_signature_and_unlinked() {
    let chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let account = &chain.accounts()[1];
    let mut alice = greeted(socket(&world, "alice"));
    let message = Message::of(&chain, account, &nonce(&world, "alice")).text();
    let signature = chain.sign(account, &message);
    assert_eq!(post(&world, "alice", &message, &signature).status, 201);
    let replayed = post(&world, "alice", &message, &signature);
    assert_eq!(
        (replayed.status, &replayed.json()["code"]),
        (403, &json!("forbidden"))
    );
    let linked = wallets(&world, "alice");
    assert_eq!(linked[0]["address"], checksummed(&chain, account));
    assert_eq!(wallets(&world, "bob"), Vec::<Value>::new());
    alice.send(&json!({ "type": "subscribe_transactions", "address": account }).to_string());
    let begun = heard(&mut alice, "transaction_subscription");
    assert_eq!(unlink(&world, "bob", account), 404);
    assert_eq!(unlink(&world, "alice", account), 204);
    assert_eq!(
        heard(&mut alice, "unsubscribed")["subscription"],
        begun["subscription"]
    );
    assert_eq!(unlink(&world, "alice", account), 404);
    assert_eq!(wallets(&world, "alice"), Vec::<Value>::new());
    let changes = world.wait_for_audit(|line| {
        (line["detail"]["wallet_unlinked"] == checksummed(&chain, account)).then(|| line.clone())
    });
    assert_eq!(
        (&changes["event"], &changes["user"]),
        (&json!("wallet_change"), &json!("alice"))
    );
}

#[test]
fn what_is_about_all_wallets_hears_those_that_are_linked_later_and_no_more_than_it_may() {
    let chain = Anvil::start();
    let coin = chain.make_coin();
    let plan = following(&chain, &[&coin]).set("wallet.subscriptions_per_connection", 1);
    let world = plan.start();
    let accounts = chain.accounts();
    let mut alice = greeted(socket(&world, "alice"));
    alice.send(&json!({ "type": "subscribe_balance", "tokens": [coin] }).to_string());
    let begun = heard(&mut alice, "balance_subscription");
    assert_eq!(
        (&begun["status"], &begun["addresses"]),
        (&json!("active"), &json!([]))
    );
    link(&world, "alice", &chain, &accounts[1]);
    let joined = heard(&mut alice, "balance_subscription");
    assert_eq!(joined["subscription"], begun["subscription"]);
    assert_eq!(joined["addresses"], json!([accounts[1]]));
    let told = heard(&mut alice, "balance_update");
    assert_eq!(
        (&told["address"], &told["tokens"][0]["symbol"]),
        (&json!(accounts[1]), &json!("COIN"))
    );
    link(&world, "alice", &chain, &accounts[2]);
    let error = alice.json();
    assert_eq!(
        (&error["code"], &error["in_reply_to"]),
        (&json!("too_large"), &Value::Null)
    );
    assert_eq!(unlink(&world, "alice", &accounts[1]), 204);
    let fewer = heard(&mut alice, "balance_subscription");
    assert_eq!(fewer["addresses"], json!([]));
    // The other one has room now.
    let joined = heard(&mut alice, "balance_subscription");
    assert_eq!(joined["addresses"], json!([accounts[2]]));
    assert_eq!(heard(&mut alice, "balance_update")["address"], accounts[2]);
    chain.send(&accounts[0], json!({ "to": accounts[1], "value": "0x1" }));
    chain.pay(&coin, (&accounts[0], &accounts[2]), 500_000);
    chain.mine();
    let told = heard(&mut alice, "balance_update");
    assert_eq!(
        (&told["address"], &told["tokens"][0]["amount"]),
        (&json!(accounts[2]), &json!("0.5"))
    );
}

#[test]
fn what_was_signed_for_somebody_or_something_else_links_nothing() {
    let chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let accounts = chain.accounts();
    let account = &accounts[1];
    // A user may ask so many times a second.
    let users = ["alice", "bob", "carol", "dave"];
    let turn = Cell::new(0);
    let check = |status: u16, words: &str, change: &dyn Fn(&mut Message)| {
        let user = users[turn.replace(turn.get() + 1) % users.len()];
        let mut message = Message::of(&chain, account, &nonce(&world, user));
        change(&mut message);
        let text = message.text();
        let answer = post(&world, user, &text, &chain.sign(account, &text));
        assert_eq!(answer.status, status, "{}", answer.body);
        let detail = answer.json()["detail"].clone();
        assert!(
            detail.as_str().is_some_and(|detail| detail.contains(words)),
            "{detail}"
        );
    };
    // It has to have said which chain it is.
    drop(greeted(socket(&world, "alice")));
    check(403, "another domain", &|message| {
        message.domain = "evil.example.com"
    });
    check(403, "another URI", &|message| {
        message.uri = "https://evil.example.com/"
    });
    check(403, "another chain", &|message| message.chain_id = 1);
    check(403, "expired", &|message| message.issued_at = moment(301));
    check(403, "expired", &|message| {
        message.more = format!("\nExpiration Time: {}", moment(1));
    });
    check(403, "not valid yet", &|message| {
        message.issued_at = moment(-120)
    });
    check(403, "not that of the address", &|message| {
        message.address = checksummed(&chain, &accounts[2])
    });
    check(403, "nonce", &|message| {
        message.nonce = "0123456789abcdef".to_owned()
    });
    check(403, "nonce", &|message| {
        message.nonce = nonce(&world, "eve")
    });
    check(400, "EIP-4361", &|message| {
        message.address = account.clone()
    });
    check(400, "EIP-4361", &|message| {
        message.more = "\nmore".to_owned()
    });
    let junk = post(&world, "alice", "sign here", "0x00");
    assert_eq!(junk.status, 400);
    for user in users {
        assert_eq!(wallets(&world, user), Vec::<Value>::new());
    }
}

#[test]
fn a_contract_wallet_says_itself_whose_signature_counts() {
    let chain = Anvil::start();
    let coin = chain.make_coin();
    let world = following(&chain, &[]).start();
    drop(greeted(socket(&world, "alice")));
    let accounts = chain.accounts();
    let message = Message::of(&chain, &coin, &nonce(&world, "alice")).text();
    let other = post(
        &world,
        "alice",
        &message,
        &chain.sign(&accounts[1], &message),
    );
    assert_eq!(other.status, 403, "{}", other.body);
    let owner = post(
        &world,
        "alice",
        &message,
        &chain.sign(&accounts[0], &message),
    );
    assert_eq!(owner.status, 201, "{}", owner.body);
    assert_eq!(
        wallets(&world, "alice")[0]["address"],
        checksummed(&chain, &coin)
    );
}

#[test]
fn without_wallet_read_nothing_is_linked() {
    let chain = Anvil::start();
    let world = following(&chain, &[]).start();
    let token = world.sign(&Token::of("mod").permissions(&["chat:send"]));
    for (method, path) in [
        ("GET", "/api/v1/web3/nonce"),
        ("GET", "/api/v1/web3/wallets"),
        ("GET", "/api/v1/web3/tokens"),
        ("DELETE", "/api/v1/web3/link/0x00"),
    ] {
        let answer = Request::new(world.address(), method, path)
            .bearer(&token)
            .send();
        assert_eq!(answer.status, 403, "{path}");
        let nobody = Request::new(world.address(), method, path).send();
        assert_eq!(nobody.status, 401, "{path}");
    }
}
