use super::{confirm, negotiate};

const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The window agreed on, 0 where there is no deflate; `None` where the header is malformed.
fn window(lines: &[&str]) -> Option<u8> {
    let agreed = negotiate(lines.iter().map(|line| line.as_bytes()))?;
    Some(agreed.map_or(0, |agreed| agreed.window_bits_max))
}

#[test]
fn acceptable_offers() {
    for (offer, bits) in [
        ("permessage-deflate", 15),
        ("permessage-deflate; client_max_window_bits", 15),
        ("permessage-deflate;client_max_window_bits=8", 15),
        (
            "permessage-deflate ; server_no_context_takeover ; client_no_context_takeover",
            15,
        ),
        ("permessage-deflate; server_max_window_bits=9", 9),
        ("permessage-deflate; server_max_window_bits = \"15\"", 15),
        ("permessage-deflate; server_max_window_bits=\"1\\0\"", 10),
        ("x-webkit-deflate-frame, permessage-deflate", 15),
        (",, permessage-deflate ,", 15),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            15,
        ),
        (
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            10,
        ),
        ("other; a=\"token\"; b=c, permessage-deflate", 15),
    ] {
        assert_eq!(window(&[offer]), Some(bits), "{offer}");
    }
    assert_eq!(window(&["foo", "permessage-deflate"]), Some(15));
}

#[test]
fn declined_offers() {
    for offer in [
        "",
        "permessage-bzip2",
        "permessage-deflate2",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=1000000000000000000000",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=\"0\"",
    ] {
        assert_eq!(window(&[offer]), Some(0), "{offer}");
    }
}

#[test]
fn malformed_headers() {
    let many_offers = "a,".repeat(17);
    let many_parameters = format!("a{}", ";b".repeat(17));
    for line in [
        "permessage-deflate;",
        "permessage-deflate; =1",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=\"10",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"1 0\"",
        "permessage-deflate; client_max_window_bits=\"10\\",
        "permessage-deflate client_max_window_bits",
        "permessage-deflate, ;",
        "a/b",
        "gr\u{fc}n",
        &many_offers,
        &many_parameters,
    ] {
        assert_eq!(window(&[line]), None, "{line}");
        assert_eq!(window(&["permessage-deflate", line]), None, "{line}");
    }
    assert_eq!(window(&["a"; 17]), None);
}

#[test]
fn answer_echoes_a_named_window() {
    for bits in 9..=15 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let agreed = negotiate([offer.as_bytes()].into_iter())
            .flatten()
            .expect("agreed");
        assert_eq!(
            agreed.header_value(),
            format!("{ANSWER}; server_max_window_bits={bits}")
        );
    }
    let agreed = negotiate([b"permessage-deflate".as_slice()].into_iter()).flatten();
    assert_eq!(agreed.expect("agreed").header_value(), ANSWER);
}

#[test]
fn client_takes_only_what_it_offered() {
    for (answer, confirmed) in [
        (ANSWER, Some(true)),
        ("", Some(false)),
        ("permessage-deflate; server_no_context_takeover", Some(true)),
        (
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
            Some(true),
        ),
        ("permessage-deflate", None),
        (
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
            None,
        ),
        ("permessage-deflate; server_no_context_takeover; x", None),
        ("permessage-deflate; server_no_context_takeover;", None),
        ("other", None),
    ] {
        assert_eq!(
            confirm([answer.as_bytes()].into_iter()),
            confirmed,
            "{answer}"
        );
    }
    assert_eq!(
        confirm([ANSWER.as_bytes(), ANSWER.as_bytes()].into_iter()),
        None
    );
}
