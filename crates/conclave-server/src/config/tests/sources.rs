use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use conclave_auth::Algorithm;
use tempfile::TempDir;

use super::{check, environment, faults, launch, loaded};
use crate::config::value::{Entry, Inner, Value as _};
use crate::config::*;

#[test]
fn every_plain_key_can_be_set_by_the_environment() {
    fn walk(entries: &[Entry], path: &str, variables: &mut Vec<(String, String)>) {
        for entry in entries {
            let path = format!("{path}__{}", entry.name.to_uppercase());
            match (&entry.inner, &entry.text) {
                (Inner::Table(inner), _) => walk(inner, &path, variables),
                (Inner::Plain, Some(text)) => {
                    let value = text.trim_matches(['[', ']']).replace(['"', ' '], "");
                    variables.push((format!("CONCLAVE{}", &path[1..]), value));
                }
                (Inner::Plain, None) => {
                    variables.push((format!("CONCLAVE{}", &path[1..]), String::new()));
                }
                (Inner::List(_) | Inner::Map(_), _) => {}
            }
        }
    }
    let Inner::Table(entries) = Config::default().inner() else {
        panic!("no table")
    };
    let mut variables = Vec::new();
    walk(&entries, "", &mut variables);
    assert!(variables.len() > 60, "{} variables", variables.len());
    let setup = read(&Launch::default(), variables).unwrap();
    assert_eq!(setup.config, Config::default());
}

#[test]
fn later_sources_win() {
    let text = "[server]\nlisten = ['127.0.0.1:1']\nworkers = 1\n[limits]\nmessage_bytes = 1";
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("conclave.toml");
    fs::write(&file, text).unwrap();
    let mut launch = launch(&file);
    let variables = environment(&[
        ("CONCLAVE_SERVER__LISTEN", "127.0.0.1:2,[::1]:2"),
        ("CONCLAVE_SERVER__WORKERS", " 2 "),
        ("PATH", "/bin"),
    ]);
    let config = load(&launch, variables.clone()).unwrap().config;
    let listen: Vec<String> = config
        .server
        .listen
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        (listen.join(" ").as_str(), config.server.workers),
        ("127.0.0.1:2 [::1]:2", 2)
    );
    assert_eq!(
        (config.limits.message_bytes, config.limits.messages_burst),
        (1, 100)
    );

    launch.flags.listen = vec!["127.0.0.1:3".parse().unwrap()];
    launch.flags.workers = Some(3);
    let server = load(&launch, variables).unwrap().config.server;
    assert_eq!(
        (server.listen.as_slice(), server.workers),
        (launch.flags.listen.as_slice(), 3)
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known() {
    check(
        "mesage_bytes = 1\n[limits]\nmesages_burst = 1\n[limit]\nx = 1\n[zzzzzz]",
        &[
            ("CONCLAVE_LIMITS__MESAGES_BURST", "1"),
            ("CONCLAVE_LISTEN", "1"),
        ],
        &[
            "limit: unknown key; the nearest known is limits",
            "limits.mesages_burst: unknown key; the nearest known is limits.messages_burst",
            "mesage_bytes: unknown key; the nearest known is limits.message_bytes",
            "zzzzzz: unknown key",
            "CONCLAVE_LISTEN: listen: unknown key; the nearest known is CONCLAVE_SERVER__LISTEN",
            "CONCLAVE_LIMITS__MESAGES_BURST: limits.mesages_burst: unknown key; \
             the nearest known is CONCLAVE_LIMITS__MESSAGES_BURST",
        ],
    );
    check(
        "[[auth.issuers]]\nalgorithm = 'RS256'",
        &[
            ("CONCLAVE_SERVER__WORKERS__X", "1"),
            ("CONCLAVE_SERVER__LISTEN__0", "1"),
        ],
        &[
            "auth.issuers[0].algorithm: unknown key; the nearest known is auth.issuers.algorithms",
            "CONCLAVE_SERVER__LISTEN__0: server.listen[0]: unknown key; \
             the nearest known is CONCLAVE_SERVER__LISTEN",
            "CONCLAVE_SERVER__WORKERS__X: server.workers.x: unknown key; \
             the nearest known is CONCLAVE_SERVER__WORKERS",
        ],
    );
}

#[test]
fn variables_of_others_are_passed_over() {
    let variables = [
        ("CONCLAVE_SERVICE_HOST", "10.0.0.1"),
        ("CONCLAVE_PORT_8081_TCP", "tcp://10.0.0.1:8081"),
        ("CONCLAVE_PORT", "tcp://10.0.0.1:8081"),
        ("CONCLAVE_TOKEN", "x"),
        ("JWT_SECRET_KEY", ""),
        ("WS_TEST_TOKEN", ""),
    ];
    check("", &variables, &[]);
}

#[test]
fn wrong_values_are_named_with_what_was_expected() {
    check(
        "[server]\nlisten = ['localhost:1']\ntrusted_proxies = ['10.0.0.0/99']\nworkers = -1\n\
         [auth]\nreject = 'no'\nroles = 1\norigins = 'x'\n[limits]\nmessage_bytes = 'many'\n\
         [topics]\nbroadcast = 'yes'\n[log]\nlevel = []",
        &[
            ("CONCLAVE_TOPICS__ANONYMOUS", "1"),
            ("CONCLAVE_AUTH__ROLES", "user"),
        ],
        &[
            "auth.origins: another type given, expected list of text",
            "auth.reject: \"no\" given, expected one of close, http",
            "auth.roles: another type given, expected a table",
            "limits.message_bytes: \"many\" given, expected a whole number from 0 to 4294967295",
            "log.level: a list given, expected one of error, warn, info, debug, trace",
            "server.listen[0]: \"localhost:1\" given, expected an address and a port, such as \
             127.0.0.1:8081 or [::1]:8081",
            "server.trusted_proxies[0]: \"10.0.0.0/99\" given, expected an address or a network, \
             such as 10.0.0.0/8",
            "server.workers: -1 given, expected a whole number from 0 to 65535",
            "topics.broadcast: \"yes\" given, expected true or false",
            "CONCLAVE_AUTH__ROLES: auth.roles: another type given, expected a table",
            "CONCLAVE_TOPICS__ANONYMOUS: topics.anonymous: \"1\" given, expected true or false",
        ],
    );
}

#[test]
fn a_broken_file_names_the_line_and_shows_none_of_it() {
    let text = "[auth]\nsecret = \"hunter2-hunter2\nreject = 1";
    let faults = faults(text, &[], Profile::default());
    assert!(faults[0].starts_with("line 2: "), "{faults:?}");
    assert!(!faults[0].contains("hunter2"), "{faults:?}");
}

#[test]
fn one_variable_governs_both_lives_and_two_govern_one_each() {
    let minutes = ("ACCESS_TOKEN_EXPIRE_MINUTES", "10");
    let seconds = ("JWT_EXPIRATION_SECONDS", "90");
    for (variables, form, json) in [
        (&[][..], 1800, 3600),
        (&[minutes], 600, 600),
        (&[seconds], 90, 90),
        (&[minutes, seconds], 600, 90),
        (
            &[minutes, ("CONCLAVE_AUTH__ACCESS_TOKEN_MINUTES", "1")],
            60,
            60,
        ),
    ] {
        let auth = loaded("", variables, Profile::default())
            .unwrap()
            .config
            .auth;
        let lives = (auth.form_token_life(), auth.json_token_life());
        let expected = (Duration::from_secs(form), Duration::from_secs(json));
        assert_eq!(lives, expected, "{variables:?}");
    }
    check(
        "[auth]\njwt_expiration_seconds = 0",
        &[],
        &["auth.jwt_expiration_seconds: 0 given, expected 1 to 316224000"],
    );
}

#[test]
fn issuers_can_be_set_by_the_environment() {
    let setup = loaded(
        "",
        &[
            ("CONCLAVE_AUTH__ISSUERS__0__NAME", "clerk"),
            ("CONCLAVE_AUTH__ISSUERS__0__PRESET", "clerk"),
            ("CONCLAVE_AUTH__ISSUERS__0__ISS", "https://c.example"),
            (
                "CONCLAVE_AUTH__ISSUERS__0__AZP",
                "https://a.example,https://b.example",
            ),
            (
                "CONCLAVE_AUTH__ISSUERS__0__JWKS_URL",
                "https://c.example/jwks",
            ),
            ("CONCLAVE_AUTH__ISSUERS__0__USER_PREFIX", "clerk:"),
            ("CONCLAVE_AUTH__ISSUERS__0__CLAIMS__SESSION", "sess"),
            ("CONCLAVE_AUTH__ROLES__GUEST", "topic.subscribe"),
        ],
        Profile::default(),
    );
    let auth = setup.unwrap().config.auth;
    assert_eq!(auth.issuers[0].azp.len(), 2);
    assert_eq!(auth.issuers[0].claims.session.as_deref(), Some("sess"));
    assert_eq!(auth.issuers[0].accepted_algorithms(), [Algorithm::Rs256]);
    assert_eq!(auth.roles["guest"], ["topic.subscribe"]);
}

#[test]
fn a_role_in_the_file_replaces_that_role_only() {
    let roles = loaded(
        "[auth.roles]\nuser = ['chat:send']",
        &[],
        Profile::default(),
    );
    let roles = roles.unwrap().config.auth.roles;
    assert_eq!(roles["user"], ["chat:send"]);
    assert_eq!(roles["admin"], ["admin"]);
    assert!(roles["moderator"].contains(&"system.monitor".to_owned()));
    assert!(!roles["moderator"].contains(&"wallet.read".to_owned()));
}

#[test]
fn default_bounds_are_those_of_the_protocol() {
    assert_eq!(
        Config::default().bounds(),
        conclave_protocol::Limits::default()
    );
}

#[test]
fn files_are_in_the_data_folder_unless_named() {
    let mut config = Config::default();
    config.server.data_dir = PathBuf::from("/data");
    let files = |config: &Config| {
        [
            config.audit_file(),
            config.audit_key_file(),
            config.store_path(),
        ]
        .map(|path| path.display().to_string())
    };
    assert_eq!(
        files(&config),
        ["/data/audit.log", "/data/audit.key", "/data/conclave.db"]
    );
    config.audit.file = Some(PathBuf::from("/else/a"));
    config.audit.key_file = Some(PathBuf::from("/else/k"));
    config.store.path = Some(PathBuf::from("/else/s"));
    assert_eq!(files(&config), ["/else/a", "/else/k", "/else/s"]);
}

#[test]
fn each_key_says_where_its_value_came_from() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("some.toml");
    let text = "[limits]\nmessage_bytes = 65536\n[auth]\nsecret_file = \"key\"\n[auth.roles]\n\
                user = [\"chat:send\"]\n[[auth.issuers]]\nname = \"one\"\n[auth.issuers.claims]\n\
                user = \"id\"\n[[auth.issuers]]\nname = \"two\"\n";
    fs::write(&file, text).unwrap();
    let launch = Launch {
        config_file: Some(file.clone()),
        flags: Flags {
            workers: Some(3),
            ..Flags::default()
        },
        ..Launch::default()
    };
    let variables = environment(&[
        ("JWT_SECRET_KEY", "never shown"),
        ("CONCLAVE_AUTH__ISSUERS__1__NAME", "three"),
    ]);
    let setup = read(&launch, variables).unwrap();
    let keys = shown(&setup.config);
    let of = |key: &str| {
        let found: Vec<_> = keys.iter().filter(|shown| shown.key == key).collect();
        assert_eq!(found.len(), 1, "{key}");
        (found[0].text.as_deref(), setup.sources.of(key).cloned())
    };
    let by = |name: &str| Some(Source::Environment(name.to_owned()));
    assert_eq!(
        of("limits.message_bytes"),
        (Some("65536"), Some(Source::File))
    );
    assert_eq!(of("limits.messages_burst").1, None);
    assert_eq!(of("auth.secret"), (None, by("JWT_SECRET_KEY")));
    assert_eq!(of("auth.secret_file"), (None, None), "put out of force");
    assert_eq!(
        of("auth.roles.user"),
        (Some("[\"chat:send\"]"), Some(Source::File))
    );
    assert_eq!(of("auth.roles.admin").1, None);
    assert_eq!(
        of("auth.issuers[0].name"),
        (Some("\"one\""), Some(Source::File))
    );
    assert_eq!(of("auth.issuers[0].claims.user").1, Some(Source::File));
    let three = by("CONCLAVE_AUTH__ISSUERS__1__NAME");
    assert_eq!(of("auth.issuers[1].name"), (Some("\"three\""), three));
    assert_eq!(of("server.workers"), (Some("3"), Some(Source::Flag)));
    assert_eq!(of("webhooks"), (Some("[]"), None));
    assert_eq!(setup.sources.file, Some(file));
    assert!(!format!("{keys:?}").contains("never shown"));
}
