use super::{check, faults, loaded};
use crate::config::*;
use crate::stored::Stored;

#[test]
fn a_wrong_url_of_the_store_names_its_key_and_is_not_shown() {
    const EXPECTED: &str = "expected postgres://user:password@host:port/database";
    for (url, problem) in [
        ("mysql://u:hunter2@h/db", "another scheme than postgres://"),
        ("postgres://u:hunter2@h:99999/db", "text that is no URL"),
        (
            "postgres://u:hunter2@h/",
            "the name of the database is missing",
        ),
        (
            "postgres://u:hunter2@h/db?sslmod=disable",
            "an unknown or wrong parameter after the '?'",
        ),
        (
            "postgres://u:hunter2@h/db?sslmode=hunter2",
            "an unknown or wrong parameter after the '?'",
        ),
        (
            "postgres://u:hunter2@h/db?sslrootcert=/no/such/file",
            "a file that sslrootcert, sslcert or sslkey names cannot be read",
        ),
    ] {
        let variables = [("CONCLAVE_STORE__URL", url)];
        check(
            "",
            &variables,
            &[&format!("store.url: {problem}, {EXPECTED}")],
        );
        let setup = loaded("", &[], Profile::default()).unwrap();
        let mut config = setup.config;
        config.store.url = Some(Secret::new(url.to_owned()));
        let error = format!("{:#}", Stored::of(&config).unwrap_err());
        assert_eq!(error, format!("store.url: {problem}"));
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let file = "[store]\npath = 'a.db'\nreaders = 0\nstatement_timeout_ms = 5";
    let variables = [("CONCLAVE_STORE__URL", "postgres://u:hunter2@h/db")];
    check(
        file,
        &variables,
        &[
            "store.path: given beside store.url, expected one of them",
            "store.readers: 0 given, expected 1 to 100",
            "store.statement_timeout_ms: 5 given, expected 100 to 600000",
        ],
    );
    let variables = [("CONCLAVE_STORE__REPLICA_URL", "postgres://u:hunter2@h/db")];
    check(
        "",
        &variables,
        &["store.replica_url: given without store.url"],
    );
}

#[test]
fn a_password_of_the_store_is_never_shown() {
    let url = "postgres://conclave:hunter2@db.example:5433/chat?application_name=hunter2";
    let variables = [
        ("CONCLAVE_STORE__URL", url),
        ("CONCLAVE_STORE__REPLICA_URL", url),
    ];
    let setup = loaded("", &variables, Profile::default()).unwrap();
    let stored = Stored::of(&setup.config).unwrap();
    assert_eq!(stored.to_string(), "postgres://db.example:5433/chat");
    for shown in [format!("{setup:?}"), format!("{stored:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn an_empty_url_is_none() {
    for file in ["[store]\nurl = ''", ""] {
        let variables = [("CONCLAVE_STORE__URL", "")];
        assert_eq!(faults(file, &[], Profile::default()), Vec::<String>::new());
        let setup = loaded(file, &variables, Profile::default()).unwrap();
        let stored = Stored::of(&setup.config).unwrap();
        assert_eq!(stored.file(), Some(&setup.config.store_path()));
    }
}
