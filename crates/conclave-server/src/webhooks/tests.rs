//! Signatures, addresses, batches, and what the sender does with time.

mod addresses;
mod batches;
mod sending;

use conclave_protocol::Timestamp;

use super::signature::Signer;

#[test]
fn signatures_are_those_of_others_implementations() {
    for (secret, seconds, body, expected) in [
        (
            "black-box tests sign with this key and nobody else does",
            1_700_000_000,
            "[]",
            "945dd3ce6e3db5d1eec81956dbf3974b38255ebaadfb1351a28cb8c357b4d35d",
        ),
        (
            "s",
            1,
            "[{\"id\":\"event-1\",\"data\":\"\u{e9}\"}]",
            "ecf36497dbee2f6b93dda864ed4e44278579e4359abf6fe6978478ac9a50f67a",
        ),
    ] {
        let at = Timestamp::from_millis(seconds * 1000 + 999);
        assert_eq!(
            Signer::new(secret).sign(at, body.as_bytes()),
            format!("t={seconds},v1={expected}")
        );
    }
}
