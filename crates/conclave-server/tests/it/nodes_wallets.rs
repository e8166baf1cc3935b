//! Wallets on two nodes of one system: what is linked on one is heard on both.

use serde_json::{Value, json};

use crate::client::Client;
use crate::nodes::Pair;
use crate::wallet::{follows, greeted, heard, socket};
use crate::wallet_links::{link, unlink};
use crate::world::Anvil;

fn begun(client: &mut Client, ask: &Value) -> Value {
    client.send(&ask.to_string());
    heard(client, "transaction_subscription")
}

fn addresses(client: &mut Client) -> Value {
    heard(client, "transaction_subscription")["addresses"].clone()
}

#[test]
fn a_wallet_that_is_linked_or_unlinked_on_one_node_is_on_the_other() {
    let chain = Anvil::start();
    let pair = Pair::with(|plan| follows(plan, &chain, &[]));
    let [one, two] = &pair.nodes;
    let accounts = chain.accounts();
    let mut here = greeted(socket(one, "alice"));
    let mut there = greeted(socket(two, "alice"));
    let all = json!({ "type": "subscribe_transactions" });
    for client in [&mut here, &mut there] {
        assert_eq!(begun(client, &all)["addresses"], json!([]));
    }
    link(one, "alice", &chain, &accounts[1]);
    link(one, "alice", &chain, &accounts[2]);
    for client in [&mut here, &mut there] {
        while addresses(client) != json!([accounts[1], accounts[2]]) {}
    }
    let named = json!({ "type": "subscribe_transactions", "address": accounts[1] });
    let named = begun(&mut there, &named)["subscription"].clone();
    assert_eq!(unlink(one, "alice", &accounts[1]), 204);
    assert_eq!(heard(&mut there, "unsubscribed")["subscription"], named);
    for client in [&mut here, &mut there] {
        assert_eq!(addresses(client), json!([accounts[2]]));
    }
    // What the unlinked one sends is told nobody.
    chain.send(&accounts[1], json!({ "to": accounts[3], "value": "0x1" }));
    let hash = chain.send(&accounts[2], json!({ "to": accounts[3], "value": "0x1" }));
    chain.mine();
    for client in [&mut here, &mut there] {
        assert_eq!(heard(client, "transaction")["transaction"]["hash"], hash);
    }
}

#[test]
fn what_was_unlinked_while_the_bus_was_away_is_heard_no_more_once_it_is_back() {
    let chain = Anvil::start();
    let mut pair = Pair::with(|plan| follows(plan, &chain, &[]));
    let accounts = chain.accounts();
    let mut there = greeted(socket(&pair.nodes[1], "alice"));
    link(&pair.nodes[0], "alice", &chain, &accounts[1]);
    let named = json!({ "type": "subscribe_transactions", "address": accounts[1] });
    let named = begun(&mut there, &named)["subscription"].clone();
    let mut all = begun(&mut there, &json!({ "type": "subscribe_transactions" }));
    while all["addresses"] != json!([accounts[1]]) {
        all = heard(&mut there, "transaction_subscription");
    }
    pair.kill_redis();
    assert_eq!(unlink(&pair.nodes[0], "alice", &accounts[1]), 204);
    pair.restart_redis();
    assert_eq!(heard(&mut there, "unsubscribed")["subscription"], named);
    assert_eq!(addresses(&mut there), json!([]));
}
