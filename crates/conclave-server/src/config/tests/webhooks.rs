use std::fs;

use tempfile::TempDir;

use super::{DEV, SECRET, faults, loaded};
use crate::config::*;

/// What is refused of a webhook with each of these texts.
fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        let given = faults(&format!("[[webhooks]]\n{text}"), &[], Profile::default());
        let expected = expected.iter().map(|text| format!("webhooks[0].{text}"));
        assert_eq!(given, expected.collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn a_webhook_needs_a_url_events_and_a_secret() {
    let url = "url = 'https://hooks.example.com/x?token=hunter2'";
    let rest = format!("events = ['message']\nsecret = '{SECRET}'");
    check(&[
        (
            "",
            &[
                "url: nothing given, expected https://…",
                "events: nothing given, expected at least one",
                "secret: nothing given, expected a secret",
            ],
        ),
        (&format!("{url}\n{rest}"), &[]),
        (
            &format!("url = 'http://hooks.example.com/'\n{rest}"),
            &["url: http given, expected https, or allow_private = true"],
        ),
        (
            &format!("url = 'http://hooks.example.com/'\nallow_private = true\n{rest}"),
            &[],
        ),
        (
            &format!("url = 'https://10.0.0.1/'\n{rest}"),
            &["url: 10.0.0.1 given, expected a public address, or allow_private = true"],
        ),
        (
            &format!("{url}\nevents = ['connect']\nsecret = 'short'"),
            &["secret: 5 bytes given, expected at least 32"],
        ),
        (
            &format!("{url}\n{rest}\ntimeout_seconds = 61\nbatch = 0"),
            &[
                "timeout_seconds: 61 given, expected 1 to 60",
                "batch: 0 given, expected 1 to 1000",
            ],
        ),
    ]);
    let twice = format!("[[webhooks]]\n{url}\n{rest}\n[[webhooks]]\n{url}\n{rest}");
    assert_eq!(
        faults(&twice, &[], Profile::default()),
        ["webhooks[1].name: expected a name of at most 200 bytes that no other webhook has"]
    );
    let setup = loaded(&format!("[[webhooks]]\n{url}\n{rest}"), &[], DEV).unwrap();
    let shown = setup.config.webhooks[0].shown_name();
    assert_eq!(shown, "https://hooks.example.com/x");
    assert!(!format!("{:?}", setup.config.webhooks[0].secret).contains(SECRET));
}

#[test]
fn a_webhook_secret_comes_from_a_file_or_the_environment_too() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("key");
    fs::write(&file, format!("{SECRET}-file\n")).unwrap();
    let text = format!(
        "[[webhooks]]\nurl = 'https://hooks.example.com'\nevents = ['connect', 'disconnect']\n\
         secret_file = '{}'",
        file.display()
    );
    let secret = |text: &str, variables: &[(&str, &str)]| {
        let setup = loaded(text, variables, Profile::default()).unwrap();
        let secret = webhook_secret(&setup.config.webhooks[0]).unwrap();
        secret.reveal().to_owned()
    };
    assert_eq!(secret(&text, &[]), format!("{SECRET}-file"));
    let variable = ("CONCLAVE_WEBHOOKS__0__SECRET", SECRET);
    assert_eq!(secret(&text, &[variable]), SECRET);
    let whole = [
        ("CONCLAVE_WEBHOOKS__0__URL", "https://hooks.example.com"),
        ("CONCLAVE_WEBHOOKS__0__EVENTS", "message,message_offline"),
        variable,
    ];
    assert_eq!(secret("", &whole), SECRET);
    let both = format!("{text}\nsecret = '{SECRET}'");
    let given = faults(&both, &[], Profile::default());
    assert_eq!(
        given,
        ["webhooks[0].secret_file: given beside secret, expected one of them"]
    );
    fs::remove_file(&file).unwrap();
    let given = faults(&text, &[], Profile::default());
    assert!(
        given[0].starts_with("webhooks[0].secret_file: "),
        "{given:?}"
    );
}
