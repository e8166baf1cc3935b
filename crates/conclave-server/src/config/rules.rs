//! What is refused, and what is warned of, whatever its source. The rules of `[[auth.issuers]]`
//! are in `issuer_rules`, those of `[assistant]` in `assistant_rules`, those of `[wallet]` in
//! `wallet_rules`, those of `[[webhooks]]` in `webhook_rules`, those of
//! `[store]` in `store_rules`.

use std::net::SocketAddr;

use conclave_redis::RedisOptions;

use super::fault::Place;
use super::value::{Inner, Value};
use super::{Config, Fault, Setup};

/// What the rules found.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<String>,
}

/// Applies every rule.
pub(crate) fn check(setup: &Setup) -> Findings {
    let mut findings = Findings::default();
    let config = &setup.config;
    findings.addresses(setup);
    findings.server(config);
    findings.own_key(setup);
    findings.tokens(config);
    findings.issuers(config);
    findings.limits(setup);
    findings.topics(config);
    findings.store(config);
    findings.bus(setup);
    findings.assistant(setup);
    findings.wallet(config);
    findings.webhooks(setup);
    findings
}

impl Findings {
    pub(super) fn refuse(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.faults.push(Place::rule(path).fault(problem));
    }

    pub(super) fn warn(&mut self, path: &str, text: &str) {
        self.warnings.push(format!("{path}: {text}"));
    }

    pub(super) fn range(&mut self, path: &str, given: u32, range: std::ops::RangeInclusive<u32>) {
        if !range.contains(&given) {
            let (start, end) = range.into_inner();
            self.refuse(path, format!("{given} given, expected {start} to {end}"));
        }
    }

    fn addresses(&mut self, setup: &Setup) {
        let server = &setup.config.server;
        let list = |key: &str, addresses: &[SocketAddr]| -> Vec<(String, SocketAddr)> {
            let named = addresses.iter().enumerate();
            named
                .map(|(index, address)| (format!("{key}[{index}]"), *address))
                .collect()
        };
        let plain = list("server.listen", &server.listen);
        let metrics = setup
            .config
            .metrics
            .listen
            .map(|address| ("metrics.listen".into(), address));
        let encrypted = list("server.tls.listen", &server.tls.listen);
        let local_only = setup.profile.dev || setup.profile.conformance;
        for (path, address) in plain.iter().cloned().chain(encrypted).chain(metrics) {
            if local_only && !address.ip().is_loopback() {
                let flag = if setup.profile.dev {
                    "--dev"
                } else {
                    "--conformance"
                };
                self.refuse(
                    path,
                    format!("{address} given, expected loopback with {flag}"),
                );
            }
        }
        let all_encrypted = server.tls.cert.is_some() && server.tls.listen.is_empty();
        for (path, address) in plain {
            let reachable = !address.ip().is_loopback();
            if reachable && !all_encrypted && server.trusted_proxies.is_empty() {
                self.warn(
                    &path,
                    &format!("{address} can be reached from elsewhere without TLS"),
                );
            }
        }
        if server.listen.is_empty() && server.tls.listen.is_empty() {
            self.refuse(
                "server.listen",
                "nothing given, expected at least one address",
            );
        }
    }

    fn server(&mut self, config: &Config) {
        let server = &config.server;
        self.range(
            "server.handshake_seconds",
            server.handshake_seconds,
            1..=300,
        );
        self.range("server.drain_seconds", server.drain_seconds, 0..=3600);
        match (&server.tls.cert, &server.tls.key) {
            (Some(_), None) => self.refuse("server.tls.key", "nothing given, expected a path"),
            (None, Some(_)) => self.refuse("server.tls.cert", "nothing given, expected a path"),
            (None, None) if !server.tls.listen.is_empty() => {
                self.refuse("server.tls.cert", "nothing given, expected a path");
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        for (index, network) in server.trusted_proxies.iter().enumerate() {
            if network.prefix_len() == 0 {
                let path = format!("server.trusted_proxies[{index}]");
                self.warn(&path, "every client can choose its address");
            }
        }
        let audit = &config.audit;
        self.range("audit.queue", audit.queue, 64..=1_000_000);
        self.range(
            "audit.refusals_per_second",
            audit.refusals_per_second,
            1..=1_000_000,
        );
        self.range(
            "audit.usual_per_second",
            audit.usual_per_second,
            1..=1_000_000,
        );
        if !audit.enabled {
            self.warn("audit.enabled", "security events are not kept");
        }
    }

    fn own_key(&mut self, setup: &Setup) {
        let auth = &setup.config.auth;
        if auth.secret.is_some() && auth.secret_file.is_some() {
            self.refuse(
                "auth.secret_file",
                "given beside auth.secret, expected one of them",
            );
        }
        let symmetric = auth.algorithm.is_symmetric();
        let name = auth.algorithm.name();
        if symmetric && auth.private_key_file.is_some() {
            let problem = format!("a private key given, expected a secret for {name}");
            self.refuse("auth.private_key_file", problem);
        }
        if !symmetric && auth.private_key_file.is_none() {
            let problem = format!("nothing given, expected a private key for {name}");
            self.refuse("auth.private_key_file", problem);
        }
        if !symmetric && setup.secret.is_some() {
            self.refuse(
                "auth.secret",
                format!("given, but {name} signs with a private key"),
            );
        }
        let path = if auth.secret_file.is_some() {
            "auth.secret_file"
        } else {
            "auth.secret"
        };
        if let Some(weakness) = setup.secret.as_ref().and_then(|secret| secret.weakness()) {
            if setup.profile.dev {
                self.warn(path, &format!("{weakness}; allowed by --dev only"));
            } else {
                self.refuse(path, weakness);
            }
        }
        if setup.test_token.is_some() && !setup.profile.dev {
            self.refuse("WS_TEST_TOKEN", "given, but only --dev serves a test token");
        }
    }

    fn tokens(&mut self, config: &Config) {
        let auth = &config.auth;
        self.range(
            "auth.leeway_seconds",
            auth.leeway_seconds,
            0..=LEEWAY_SECONDS_MAX,
        );
        if let Some(minutes) = auth.access_token_minutes {
            self.range("auth.access_token_minutes", minutes, 1..=MINUTES_MAX);
        }
        if let Some(seconds) = auth.jwt_expiration_seconds {
            self.range("auth.jwt_expiration_seconds", seconds, 1..=MINUTES_MAX * 60);
        }
        self.range("auth.refresh_days", auth.refresh_days, 1..=3650);
        self.range("auth.ticket_seconds", auth.ticket_seconds, 1..=300);
        for (key, value) in [
            ("auth.issuer", &auth.issuer),
            ("auth.audience", &auth.audience),
        ] {
            match value.as_deref() {
                Some("") => self.refuse(key, "empty text given, expected a name"),
                Some(_) => {}
                None => self.warn(key, "unset: tokens signed with the own key need none"),
            }
        }
        if auth.insecure_http {
            self.warn(
                "auth.insecure_http",
                "passwords may cross the network unencrypted",
            );
        }
        for (index, origin) in auth.origins.iter().enumerate() {
            if !is_origin(origin) {
                let expected = "expected an origin such as https://app.example.com";
                let path = format!("auth.origins[{index}]");
                self.refuse(path, format!("{origin:?} given, {expected}"));
            }
        }
        for role in &auth.default_roles {
            self.role("auth.default_roles", role, config);
        }
    }

    pub(super) fn role(&mut self, path: &str, role: &str, config: &Config) {
        if !config.auth.roles.contains_key(role) {
            self.refuse(
                path,
                format!("{role:?} given, expected a name of [auth.roles]"),
            );
        }
    }

    fn limits(&mut self, setup: &Setup) {
        let limits = &setup.config.limits;
        if limits.messages_per_second > 0 && limits.messages_burst == 0 {
            let expected = "expected at least 1 beside messages_per_second";
            self.refuse("limits.messages_burst", format!("0 given, {expected}"));
        }
        let (ping, silence) = (limits.ping_seconds, limits.silence_seconds);
        if silence > 0 && ping >= silence {
            let problem = format!("{silence} given, expected more than ping_seconds ({ping})");
            self.refuse("limits.silence_seconds", problem);
        }
        if limits.outbox_bytes > 0 && limits.message_bytes > limits.outbox_bytes {
            self.warn("limits.outbox_bytes", "less than message_bytes");
        }
        let Inner::Table(entries) = limits.inner() else {
            return;
        };
        for entry in entries {
            // Who may edit for ever harms nobody.
            let harmless = entry.name == "edit_seconds";
            if entry.text.as_deref() == Some("0") && !harmless && !setup.profile.conformance {
                self.warn(&format!("limits.{}", entry.name), "0: no limit");
            }
        }
    }

    fn bus(&mut self, setup: &Setup) {
        let Config { auth, bus, .. } = &setup.config;
        let has_key =
            auth.secret.is_some() || auth.secret_file.is_some() || auth.private_key_file.is_some();
        if bus.url.is_some() && !has_key {
            let problem = "nothing given beside bus.url: all nodes have to sign with one key";
            if setup.profile.dev {
                self.warn("auth.secret", problem);
            } else {
                self.refuse("auth.secret", problem);
            }
        }
        if let Some(url) = &bus.url
            && let Err(error) = RedisOptions::new(url.reveal())
        {
            self.refuse("bus.url", error.to_string());
        }
        if bus.blacklist && bus.url.is_none() {
            self.refuse(
                "bus.blacklist",
                "true given, expected it beside bus.url only",
            );
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=64).contains(&bus.prefix.len()) || !bus.prefix.bytes().all(plain) {
            let expected = "expected 1 to 64 letters, digits, '-' and '_'";
            self.refuse("bus.prefix", format!("{:?} given, {expected}", bus.prefix));
        }
    }

    pub(super) fn path(&mut self, key: &str, path: &str, example: &str) {
        if !path.starts_with('/') || path.contains(['?', '#', '%', ' ']) {
            self.refuse(
                key,
                format!("{path:?} given, expected a path such as {example}"),
            );
        }
    }

    fn topics(&mut self, config: &Config) {
        let topics = &config.topics;
        self.path("topics.path", &topics.path, "/ws");
        self.path("conversation.path", &config.conversation.path, "/ws");
        self.path("service.path", &config.service.path, "/chat");
        self.path("socketio.path", &config.socketio.path, "/socket.io/");
        if topics.history_messages > 0 && topics.history_topics == 0 {
            let expected = "expected at least 1 beside history_messages";
            self.refuse("topics.history_topics", format!("0 given, {expected}"));
        }
        if topics.history_messages > 0 && topics.history_seconds == 0 {
            let expected = "expected at least 1 beside history_messages";
            self.refuse("topics.history_seconds", format!("0 given, {expected}"));
        }
    }
}

/// Whether a text is what browsers send as `Origin`: a scheme, a host, perhaps a port.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let foreign = |letter: char| {
            letter.is_ascii_uppercase() || letter.is_whitespace() || "/?#@*".contains(letter)
        };
        !host.is_empty() && !host.contains(foreign)
    })
}

pub(crate) const LEEWAY_SECONDS_MAX: u32 = 60;
/// Ten years.
const MINUTES_MAX: u32 = 10 * 366 * 24 * 60;
