use super::{DEV, check, faults, loaded};
use crate::config::*;

#[test]
fn a_test_token_stops_the_start_outside_dev_mode() {
    let variables = [("WS_TEST_TOKEN", "x")];
    check(
        "",
        &variables,
        &["WS_TEST_TOKEN: given, but only --dev serves a test token"],
    );
    assert_eq!(
        loaded("", &variables, DEV)
            .unwrap()
            .test_token
            .unwrap()
            .reveal(),
        "x"
    );
}

#[test]
fn dev_and_conformance_listen_on_loopback_only() {
    let text = "[server]\nlisten = ['127.0.0.1:1', '0.0.0.0:1']\n[server.tls]\n\
                listen = ['[::]:1']\ncert = '/dev/null'\nkey = '/dev/null'\n\
                [metrics]\nlisten = '10.0.0.1:1'";
    for (profile, flag) in [
        (DEV, "--dev"),
        (
            Profile {
                dev: false,
                conformance: true,
            },
            "--conformance",
        ),
    ] {
        assert_eq!(
            faults(text, &[], profile),
            [
                ("server.listen[1]", "0.0.0.0:1"),
                ("server.tls.listen[0]", "[::]:1"),
                ("metrics.listen", "10.0.0.1:1")
            ]
            .map(|(path, address)| format!(
                "{path}: {address} given, expected loopback with {flag}"
            ))
        );
    }
    assert_eq!(faults(text, &[], Profile::default()), Vec::<String>::new());
}

#[test]
fn dev_mode_listens_where_the_documented_clients_look() {
    let config = loaded("", &[], DEV).unwrap().config;
    let ports: Vec<String> = config
        .server
        .listen
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = "127.0.0.1:8081 [::1]:8081 127.0.0.1:8000 [::1]:8000 127.0.0.1:8080 [::1]:8080";
    assert_eq!(ports.join(" "), expected);
    assert!(config.topics.anonymous);
    assert!(!Config::default().topics.anonymous);
}

#[test]
fn warnings_name_what_is_worth_a_thought() {
    let text = "[server]\nlisten = ['0.0.0.0:1']\n[limits]\nmessages_per_second = 0\n\
                [auth]\ninsecure_http = true\n[audit]\nenabled = false";
    let warnings = loaded(text, &[], Profile::default()).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "server.listen[0]: 0.0.0.0:1 can be reached from elsewhere without TLS",
            "audit.enabled: security events are not kept",
            "auth.issuer: unset: tokens signed with the own key need none",
            "auth.audience: unset: tokens signed with the own key need none",
            "auth.insecure_http: passwords may cross the network unencrypted",
            "limits.messages_per_second: 0: no limit",
        ]
    );
    let quiet = "[auth]\nissuer = 'https://chat.example'\naudience = 'chat'";
    assert!(
        loaded(quiet, &[], Profile::default())
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    check(
        "[server]\nhandshake_seconds = 0\n[server.tls]\ncert = '/dev/null'\n\
         [auth]\nleeway_seconds = 61\ndefault_roles = ['usr']\n\
         origins = ['*', 'https://a.example/', 'https://a.example', 'http://b.example:1']\n\
         algorithm = 'ES256'\n\
         [limits]\nmessages_burst = 0\nping_seconds = 60\n\
         [topics]\npath = 'ws'\nhistory_messages = 1\nhistory_topics = 0",
        &[],
        &[
            "server.handshake_seconds: 0 given, expected 1 to 300",
            "server.tls.key: nothing given, expected a path",
            "auth.private_key_file: nothing given, expected a private key for ES256",
            "auth.leeway_seconds: 61 given, expected 0 to 60",
            "auth.origins[0]: \"*\" given, expected an origin such as https://app.example.com",
            "auth.origins[1]: \"https://a.example/\" given, expected an origin such as \
             https://app.example.com",
            "auth.default_roles: \"usr\" given, expected a name of [auth.roles]",
            "limits.messages_burst: 0 given, expected at least 1 beside messages_per_second",
            "limits.silence_seconds: 60 given, expected more than ping_seconds (60)",
            "topics.path: \"ws\" given, expected a path such as /ws",
            "topics.history_topics: 0 given, expected at least 1 beside history_messages",
        ],
    );
}

fn issuer(rest: &str) -> String {
    format!(
        "[[auth.issuers]]\nname = 'other'\niss = 'https://other.example'\naud = ['chat']\n\
         algorithms = ['RS256']\njwks_url = 'https://other.example/jwks'\n{rest}\n"
    )
}

#[test]
fn equal_prefixes_are_refused_unless_both_share_users() {
    let twin = "is the prefix of the own issuer too, expected another one, or shared_users = true \
                for both";
    let refused = format!("auth.issuers[0].user_prefix: \"\" {twin}");
    check(&issuer(""), &[], &[&refused]);
    check(&issuer("shared_users = true"), &[], &[&refused]);
    check(&issuer("user_prefix = 'other:'"), &[], &[]);
    check(
        &format!(
            "[auth]\nshared_users = true\n{}",
            issuer("shared_users = true")
        ),
        &[],
        &[],
    );
    check(
        &format!("[auth]\nuser_prefix = 'own:'\n{}", issuer("")),
        &[],
        &[],
    );
    let second = issuer("").replace("other", "third");
    check(
        &format!("{}{second}", issuer("user_prefix = 'o:'")),
        &[],
        &[&refused.replace("[0]", "[1]")],
    );
    check(
        &format!(
            "[auth]\nuser_prefix = 'own:'\n{}{second}",
            issuer("user_prefix = 'o:'")
        ),
        &[],
        &["auth.issuers[1].user_prefix: nothing given, expected a prefix of its own"],
    );
}

#[test]
fn issuers_without_what_verifies_their_tokens_are_refused() {
    check(
        "[[auth.issuers]]\nuser_prefix = 'x'",
        &[],
        &[
            "auth.issuers[0].name: expected a name that no other issuer has",
            "auth.issuers[0].iss: expected an iss that no other issuer has",
            "auth.issuers[0].aud: nothing given, expected at least one audience",
            "auth.issuers[0].algorithms: nothing given, expected at least one",
        ],
    );
    check_issuer(&[
        (
            "aud = ['a']\nalgorithms = ['HS256']",
            vec!["secret_file: nothing given, expected a path for HS…"],
        ),
        (
            "aud = ['a']\nalgorithms = ['RS256']",
            vec!["jwks_url: no public key given, expected one of jwks_url, jwks_file, pem_files"],
        ),
        (
            "aud = ['a']\nalgorithms = ['RS256']\njwks_url = 'http://c.example/j'",
            vec!["jwks_url: \"http://c.example/j\" given, expected https://…"],
        ),
        (
            "aud = ['a']\nalgorithms = ['RS256']\njwks_url = 'http://127.0.0.1.evil.example/j'",
            vec!["jwks_url: \"http://127.0.0.1.evil.example/j\" given, expected https://…"],
        ),
        (
            "aud = ['a']\nalgorithms = ['EdDSA']\njwks_url = 'http://127.0.0.1:9/j'",
            vec![],
        ),
        (
            "aud = ['a']\nalgorithms = ['RS256']\npem_files = ['/nowhere/p']",
            vec!["pem_files[0]: /nowhere/p: No such file or directory (os error 2)"],
        ),
    ]);
}

#[test]
fn clerk_needs_parties_and_https_and_takes_rs256_alone() {
    check_issuer(&[
        (
            "preset = 'clerk'",
            vec![
                "azp: nothing given, expected the origins of the own pages",
                "jwks_url: \"i/.well-known/jwks.json\" given, expected https://…",
            ],
        ),
        (
            "preset = 'clerk'\nazp = ['a', '']\njwks_url = 'https://c.example/j'\n\
             algorithms = ['RS256', 'PS256']",
            vec!["algorithms: given, expected RS256 or nothing"],
        ),
        (
            "preset = 'clerk'\nazp = ['https://a.example']\njwks_url = 'https://c.example/j'",
            vec![],
        ),
    ]);
}

/// What is refused of an issuer `n` with each of these texts.
fn check_issuer(cases: &[(&str, Vec<&str>)]) {
    let base = "[[auth.issuers]]\nuser_prefix = 'x'\nname = 'n'\niss = 'i'\n";
    for (rest, expected) in cases {
        let given = faults(&format!("{base}{rest}"), &[], Profile::default());
        let expected = expected.iter();
        let expected = expected.map(|text| format!("auth.issuers[0].{text}"));
        assert_eq!(given, expected.collect::<Vec<_>>(), "{rest}");
    }
}

#[test]
fn clerk_keys_are_fetched_below_its_iss_unless_said_otherwise() {
    let url = |rest: &str| {
        let text = format!(
            "[[auth.issuers]]\nname = 'n'\npreset = 'clerk'\niss = 'https://c.example'\n\
             azp = ['https://a.example']\nuser_prefix = 'c:'\n{rest}"
        );
        let setup = loaded(&text, &[], Profile::default()).unwrap();
        setup.config.auth.issuers[0].keys_url()
    };
    let derived = "https://c.example/.well-known/jwks.json";
    assert_eq!(url("").as_deref(), Some(derived));
    assert_eq!(
        url("jwks_url = 'https://x.example'").as_deref(),
        Some("https://x.example")
    );
    assert_eq!(url("jwks_file = '/dev/null'"), None);
}

#[test]
fn an_address_of_a_bus_that_is_none_is_refused_and_not_shown() {
    let key = "[auth]\nsecret = 'a secret of these tests, long enough to sign'\n";
    for url in [
        "http://user:hidden@host",
        "redis://user:hidden@host:port",
        "redis+sentinel://user:hidden@host",
        "redis+cluster://user:hidden@host/3",
        "hidden",
    ] {
        let expected = "bus.url: expected an address such as redis://user:password@host:6379, \
            redis+sentinel://user:password@host:26379,host:26379/mymaster or \
            redis+cluster://user:password@host:6379,host:6379";
        check(&format!("{key}[bus]\nurl = '{url}'"), &[], &[expected]);
    }
    for url in [
        "redis://host",
        "rediss://user:password@host:6380/3",
        "redis+unix:///run/redis.sock",
        "rediss+sentinel://user:password@one,two:26380/main/3",
        "redis+cluster://user:password@one,two:6380",
    ] {
        check(&format!("{key}[bus]\nurl = '{url}'"), &[], &[]);
    }
    let expected = "bus.prefix: \"a:b\" given, expected 1 to 64 letters, digits, '-' and '_'";
    check("[bus]\nprefix = 'a:b'", &[], &[expected]);
    let expected = "bus.blacklist: true given, expected it beside bus.url only";
    check("[bus]\nblacklist = true", &[], &[expected]);
}

#[test]
fn nodes_of_a_bus_have_to_sign_with_one_key() {
    let text = "[bus]\nurl = 'redis://host'";
    let expected = "auth.secret: nothing given beside bus.url: all nodes have to sign with one key";
    check(text, &[], &[expected]);
    let setup = loaded(text, &[], DEV).unwrap();
    assert!(setup.warnings.iter().any(|warning| warning == expected));
    assert!(!format!("{:?}", setup.config.bus).contains("host"));
}
