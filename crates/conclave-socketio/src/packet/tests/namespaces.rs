use super::decode;
use crate::Violation;
use crate::packet::{NAMESPACES_MAX, Namespaces};

#[test]
fn a_packet_before_connect_is_refused() {
    for text in [r#"2["a"]"#, "31[]", "1", r#"2/custom,["a"]"#] {
        let mut namespaces = Namespaces::new();
        let packet = decode(text).unwrap();
        assert_eq!(
            namespaces.admit(&packet),
            Err(Violation::NamespaceUnconnected),
            "{text}"
        );
    }
}

#[test]
fn a_packet_before_the_answer_to_connect_is_refused() {
    let mut namespaces = Namespaces::new();
    assert_eq!(namespaces.admit(&decode("0").unwrap()), Ok(()));
    assert!(namespaces.is_empty());
    let event = decode(r#"2["a"]"#).unwrap();
    assert_eq!(
        namespaces.admit(&event),
        Err(Violation::NamespaceUnconnected)
    );
    namespaces.connect("/");
    assert_eq!(namespaces.admit(&event), Ok(()));
    assert!(namespaces.is_connected("/") && !namespaces.is_empty());
}

#[test]
fn a_second_connect_is_refused() {
    for namespace in ["/", "/custom"] {
        let text = format!("0{namespace},");
        let connect = decode(&text).unwrap();
        let mut namespaces = Namespaces::new();
        assert_eq!(namespaces.admit(&connect), Ok(()));
        assert_eq!(namespaces.admit(&connect), Err(Violation::ConnectRepeated));
        namespaces.connect(namespace);
        assert_eq!(namespaces.admit(&connect), Err(Violation::ConnectRepeated));
    }
}

#[test]
fn who_left_may_connect_again() {
    let mut namespaces = Namespaces::new();
    for text in ["0", "0/custom"] {
        let connect = decode(text).unwrap();
        assert_eq!(namespaces.admit(&connect), Ok(()));
        namespaces.connect(connect.namespace());
    }
    assert_eq!(namespaces.admit(&decode("1/custom").unwrap()), Ok(()));
    assert!(namespaces.is_connected("/") && !namespaces.is_connected("/custom"));
    assert_eq!(namespaces.admit(&decode("0/custom").unwrap()), Ok(()));
    namespaces.leave("/custom");
    assert_eq!(namespaces.admit(&decode("0/custom").unwrap()), Ok(()));
    namespaces.leave("/");
    namespaces.connect("/");
    assert!(
        namespaces.is_empty(),
        "an answer without a question connects nobody"
    );
}

#[test]
fn a_client_sends_no_connect_error() {
    let mut namespaces = Namespaces::new();
    let error = decode("4{}").unwrap();
    assert_eq!(
        namespaces.admit(&error),
        Err(Violation::ConnectErrorFromClient)
    );
}

#[test]
fn namespaces_are_bounded() {
    let mut namespaces = Namespaces::new();
    for n in 0..=NAMESPACES_MAX {
        let text = format!("0/{n},");
        let admitted = namespaces.admit(&decode(&text).unwrap());
        assert_eq!(admitted.is_ok(), n < NAMESPACES_MAX);
    }
    assert_eq!(namespaces.admit(&decode("0").unwrap()), Ok(()));
}
