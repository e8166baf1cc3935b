use serde_json::json;

use crate::packet::{AckId, Address, Outgoing, encode_connect, encode_connect_error};

#[test]
fn answers_are_written_in_place() {
    let mut out = b"4".to_vec();
    encode_connect(&mut out, "/", &json!({"sid": "x"})).unwrap();
    assert_eq!(out, br#"40{"sid":"x"}"#);
    out.truncate(1);
    encode_connect_error(
        &mut out,
        "/random",
        &json!({"message": "Invalid namespace"}),
    )
    .unwrap();
    assert_eq!(out, br#"44/random,{"message":"Invalid namespace"}"#);
    out.truncate(1);
    let address = Address::default();
    let event = Outgoing::event(&mut out, &address, "message.created");
    event
        .json(&json!({"seq": 1}))
        .raw("\"offset\"")
        .finish()
        .unwrap();
    assert_eq!(out, br#"42["message.created",{"seq":1},"offset"]"#);
    out.truncate(1);
    let id = AckId::new(7).unwrap();
    Outgoing::ack(&mut out, "/", id, 0)
        .json(&true)
        .finish()
        .unwrap();
    assert_eq!(out, b"437[true]");
    out.truncate(1);
    Outgoing::ack(&mut out, "/custom", id, 2).finish().unwrap();
    assert_eq!(out, b"462-/custom,7[]");
}

#[test]
fn what_cannot_be_written_leaves_the_buffer_as_it_was() {
    let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
    let mut out = b"kept".to_vec();
    let address = Address::default();
    let event = Outgoing::event(&mut out, &address, "a")
        .json(&unwritable)
        .json(&1);
    assert!(event.finish().is_err());
    assert!(encode_connect(&mut out, "/", &unwritable).is_err());
    assert_eq!(out, b"kept");
}
