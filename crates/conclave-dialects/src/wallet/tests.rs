//! Frames as conversation.md has them.

use std::sync::Arc;

use conclave_protocol::{
    Amount, Balance, Body, ChainHash, Channel, Command, ContractEvent, Dialect as _, DialectState,
    FeedStatus, Frame, Position, Publication, Received, Refusal, Reply, Timestamp, TokenBalance,
    Transaction, TransactionStatus, WalletAddress, WalletCommand, WalletEvent, WalletReply,
    WatchId,
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::checks::decode_wallet;

const ONE: WalletAddress = WalletAddress([0x11; 20]);

fn decoded(text: &str) -> Received<'_> {
    WALLET.decode(&mut DialectState::default(), Frame::Text(text))
}

#[track_caller]
fn takes(text: &str, command: WalletCommand) {
    let word = WALLET.word(&Command::Wallet(command.clone()));
    assert!(text.contains(word), "{word}");
    assert_eq!(decoded(text), Received::Command(Command::Wallet(command)));
}

#[track_caller]
fn refuses(text: &str, expected: Refusal, words: &str) {
    let Received::Refused(Reply::RoomRefused {
        refusal, message, ..
    }) = decoded(text)
    else {
        panic!("{text} is taken");
    };
    assert_eq!((refusal, &*message), (expected, words), "{text}");
}

fn told(event: WalletEvent) -> String {
    let channel = Arc::new(Channel::Watch(WatchId(1)));
    let body = Body::Wallet(Arc::new(event));
    let at = Timestamp::from_millis(1_700_000_000_123);
    let publication = Publication::new(channel, Position::default(), at, body, 0);
    let mut out = Vec::new();
    WALLET
        .encode_publication(SHARED, &publication, &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

fn answer(reply: &Reply<'_>) -> String {
    let mut out = Vec::new();
    let at = Timestamp::from_seconds(1_700_000_000);
    WALLET
        .encode_reply(&DialectState::default(), reply, at, &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn frames_are_commands() {
    takes(
        r#"{"type":"subscribe_balance"}"#,
        WalletCommand::Balance {
            address: None,
            tokens: [].into(),
        },
    );
    let (one, two) = (
        format!("0x{}", "11".repeat(20)),
        format!("0x{}", "22".repeat(20)),
    );
    takes(
        &format!(
            r#"{{"type":"subscribe_balance","address":"{one}","tokens":["{two}","{one}","{two}"]}}"#
        ),
        WalletCommand::Balance {
            address: Some(ONE),
            tokens: [ONE, WalletAddress([0x22; 20])].into(),
        },
    );
    takes(
        r#"{"type":"subscribe_transactions","address":null}"#,
        WalletCommand::Transactions { address: None },
    );
    takes(
        &format!(
            r#"{{"type":"subscribe_contract","address":"{one}","events":["B()","A()","B()"]}}"#
        ),
        WalletCommand::Contract {
            address: ONE,
            events: ["A()".into(), "B()".into()].into(),
        },
    );
    takes(
        r#"{"type":"unsubscribe","subscription":"7"}"#,
        WalletCommand::Unwatch { subscription: 7 },
    );
    assert_eq!(
        decoded(r#"{"type":"ping"}"#),
        Received::Command(Command::Ping)
    );
    let renewed = Received::Command(Command::Renew("T".into()));
    assert_eq!(decoded(r#"{"type":"auth","token":"T"}"#), renewed);
}

#[test]
fn what_is_wrong_is_said() {
    let hex = "address must be 0x and hexadecimal digits, 40 for an address";
    let bad = Refusal::BadRequest;
    refuses("[]", bad, "expected a JSON object");
    refuses("{}", bad, "type is missing");
    refuses(r#"{"type":"subscribe_balance","address":"0x1"}"#, bad, hex);
    refuses(
        r#"{"type":"subscribe_balance","address":1}"#,
        bad,
        "address must be a string",
    );
    let tokens = "tokens must be an array of strings";
    refuses(r#"{"type":"subscribe_balance","tokens":"0x"}"#, bad, tokens);
    let one = format!("0x{}", "11".repeat(20));
    let many = vec![one.as_str(); 17].join("\",\"");
    let many = format!(r#"{{"type":"subscribe_balance","tokens":["{many}"]}}"#);
    refuses(&many, bad, "tokens must not be more than 16");
    refuses(
        r#"{"type":"subscribe_contract","events":["A()"]}"#,
        bad,
        "address is missing",
    );
    let none = format!(r#"{{"type":"subscribe_contract","address":"{one}","events":[]}}"#);
    refuses(&none, bad, "events must name at least one event");
    let unknown = "no such subscription";
    refuses(
        r#"{"type":"unsubscribe","subscription":"x"}"#,
        Refusal::NotFound,
        unknown,
    );
    refuses(
        r#"{"type":"unsubscribe","subscription":"+1"}"#,
        Refusal::NotFound,
        unknown,
    );
    let odd = "Unknown message type: odd";
    refuses(r#"{"type":"odd"}"#, Refusal::UnknownCommand, odd);
}

#[test]
fn a_subscription_is_answered_by_its_kind() {
    for (command, kind, message) in [
        (
            BALANCE,
            "balance_subscription",
            "Balance monitoring enabled",
        ),
        (
            TRANSACTIONS,
            "transaction_subscription",
            "Transaction monitoring enabled",
        ),
        (
            CONTRACT,
            "contract_subscription",
            "Contract monitoring enabled",
        ),
    ] {
        let reply = WalletReply {
            subscription: 3,
            addresses: vec![ONE],
        };
        let answer = answer(&Reply::Wallet {
            command,
            answer: &reply,
        });
        let expected = format!(
            r#"{{"type":"{kind}","subscription":"3","status":"active","message":"{message}","addresses":["{ONE}"]}}"#
        );
        assert_eq!(answer, expected);
    }
    let reply = WalletReply {
        subscription: 3,
        addresses: Vec::new(),
    };
    let answer = answer(&Reply::Wallet {
        command: UNSUBSCRIBE,
        answer: &reply,
    });
    assert_eq!(answer, r#"{"type":"unsubscribed","subscription":"3"}"#);
}

#[test]
fn a_missing_permission_is_said_as_the_contract_has_it() {
    let refused = answer(&Reply::Refused {
        refusal: Refusal::Forbidden,
        message: "Permission denied: wallet.read required".into(),
        command: BALANCE,
        topic: None,
    });
    assert_eq!(
        refused,
        r#"{"type":"error","code":"forbidden","message":"Permission denied: wallet.read required for balance monitoring","in_reply_to":"subscribe_balance","timestamp":"2023-11-14T22:13:20.000Z"}"#
    );
}

#[test]
fn amounts_are_texts() {
    let balance = Balance {
        address: ONE,
        native: Amount::from(1_500_000_000_000_000_000),
        tokens: [TokenBalance {
            token: ONE,
            symbol: "US\"D".into(),
            decimals: 6,
            raw: Amount::from(2_500_000),
        }]
        .into(),
        block: 7,
        block_hash: ChainHash([0xab; 32]),
    };
    let hash = ChainHash([0xab; 32]);
    let expected = format!(
        r#"{{"type":"balance_update","address":"{ONE}","native":{{"wei":"1500000000000000000","ether":"1.5"}},"tokens":[{{"address":"{ONE}","symbol":"US\"D","decimals":6,"raw":"2500000","amount":"2.5"}}],"block_number":7,"block_hash":"{hash}","timestamp":"2023-11-14T22:13:20.123Z"}}"#
    );
    assert_eq!(told(WalletEvent::Balance(balance)), expected);
}

#[test]
fn transactions_events_and_the_feed_itself_are_told() {
    let hash = ChainHash([0xcd; 32]);
    let pending = Transaction {
        hash,
        from: ONE,
        to: None,
        value: Amount::from(5),
        status: TransactionStatus::Pending,
        block: None,
        confirmations: 0,
        gas_used: None,
    };
    let expected = format!(
        r#"{{"type":"transaction","transaction":{{"hash":"{hash}","from":"{ONE}","to":null,"value":"5","status":"pending","block_number":null,"confirmations":0,"gas_used":null}},"timestamp":"2023-11-14T22:13:20.123Z"}}"#
    );
    assert_eq!(told(WalletEvent::Transaction(pending)), expected);
    let event = ContractEvent {
        address: ONE,
        event: "Transfer".into(),
        args: r#"{"value":"5"}"#.into(),
        transaction: hash,
        log_index: 2,
        block: 7,
        removed: true,
    };
    let expected = format!(
        r#"{{"type":"contract_event","address":"{ONE}","event":"Transfer","args":{{"value":"5"}},"transaction_hash":"{hash}","log_index":2,"block_number":7,"removed":true,"timestamp":"2023-11-14T22:13:20.123Z"}}"#
    );
    assert_eq!(told(WalletEvent::Contract(event)), expected);
    assert_eq!(
        told(WalletEvent::Status(FeedStatus::Degraded)),
        r#"{"type":"feed_status","status":"degraded","timestamp":"2023-11-14T22:13:20.123Z"}"#
    );
}

#[test]
fn an_unknown_type_is_repeated() {
    let Received::Refused(reply) = decoded(r#"{"type":"o\u0064d\""}"#) else {
        panic!("it is taken");
    };
    let expected = r#"{"type":"error","code":"unknown_command","message":"Unknown message type: odd\"","in_reply_to":"odd\"","timestamp":"2023-11-14T22:13:20.000Z"}"#;
    assert_eq!(answer(&reply), expected);
}

fn any_value() -> impl Strategy<Value = Value> {
    let address = format!("0x{}", "1a".repeat(20));
    prop_oneof![
        Just(Value::Null),
        Just(json!(address)),
        Just(json!([address, "0xzz"])),
        Just(json!(["Transfer(address)", {}])),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_wallet(&bytes);
    }

    #[test]
    fn any_members_are_survived(
        kind in prop::sample::select(vec![AUTH, BALANCE, CONTRACT, PING, TRANSACTIONS, UNSUBSCRIBE, "other"]),
        names in prop::collection::vec(
            prop::sample::select(vec!["address", "events", "subscription", "token", "tokens"]), 0..5),
        values in prop::collection::vec(any_value(), 5),
    ) {
        let mut frame = json!({ "type": kind });
        for (name, value) in names.iter().zip(values) {
            frame[*name] = value;
        }
        decode_wallet(frame.to_string().as_bytes());
    }
}

#[test]
fn seeds_of_the_fuzz_target_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/wallet");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert!(seeds.len() > 2, "too few seeds");
    for seed in seeds {
        decode_wallet(&std::fs::read(seed.unwrap().path()).unwrap());
    }
}
