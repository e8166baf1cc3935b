//! From sources to a configuration: defaults, file, environment, flags, each over the one before.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::fault::{Origin, Place};
use super::shown::{Source, Sources};
use super::value::{Input, Setting, Value};
use super::{Config, Fault, Faults, Limits, Secret, files, rules};

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The file to read instead of `./conclave.toml`; it must exist.
    pub config_file: Option<PathBuf>,
    /// What the defaults are made for.
    pub profile: Profile,
    /// Keys set by flags.
    pub flags: Flags,
}

/// What the defaults are made for, and which rules are loosened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Loopback only, known users, weak secrets allowed.
    pub dev: bool,
    /// Loopback only, `/echo`, limits raised to what Autobahn sends.
    pub conformance: bool,
}

/// Keys that have a flag.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `server.listen`; empty: not set by a flag.
    pub listen: Vec<SocketAddr>,
    /// `server.data_dir`.
    pub data_dir: Option<PathBuf>,
    /// `server.workers`.
    pub workers: Option<u16>,
}

/// A configuration and what else the sources said.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Every key.
    pub config: Config,
    /// As launched.
    pub profile: Profile,
    /// The own shared secret as configured, from `auth.secret` or read from
    /// `auth.secret_file`; `None` where the server keeps its own
    /// ([`own_secret`](super::own_secret)) or signs with a private key. [`read`] leaves it unset.
    pub secret: Option<Secret>,
    /// `WS_TEST_TOKEN`; dev mode only.
    pub test_token: Option<Secret>,
    /// What is allowed and yet worth a thought, each beginning with its key. [`read`] leaves it
    /// empty.
    pub warnings: Vec<String>,
    /// Where the values came from.
    pub(crate) sources: Sources,
}

/// Reads all sources and applies every rule; also reads the secret file and opens every key file
/// once, so that a start fails here and not later. `environment` is name and value of each
/// variable; others than ours are passed over.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(
    launch: &Launch,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Setup, Faults> {
    let mut setup = read(launch, environment)?;
    let mut faults = Vec::new();
    setup.secret = files::own_secret_text(&setup, &mut faults);
    faults.extend(files::unreadable(&setup.config));
    faults.extend(files::weak_issuer_secrets(&setup));
    let findings = rules::check(&setup);
    faults.extend(findings.faults);
    setup.warnings = findings.warnings;
    if faults.is_empty() {
        Ok(setup)
    } else {
        Err(Faults(faults))
    }
}

/// Reads all sources without applying the rules between values; for commands that only need to
/// know where files are.
///
/// # Errors
/// An unreadable file, unknown keys and values of a wrong type, all at once.
pub fn read(
    launch: &Launch,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Setup, Faults> {
    let mut faults = Vec::new();
    let mut setup = Setup {
        config: defaults(launch.profile),
        profile: launch.profile,
        secret: None,
        test_token: None,
        warnings: Vec::new(),
        sources: Sources::default(),
    };
    if let Some(path) = file(launch) {
        apply_file(&mut setup, path, &mut faults);
    }
    apply_environment(&mut setup, environment, &mut faults);
    apply_flags(&mut setup, &launch.flags);
    if faults.is_empty() {
        Ok(setup)
    } else {
        Err(Faults(faults))
    }
}

fn apply_flags(setup: &mut Setup, flags: &Flags) {
    let server = &mut setup.config.server;
    let mut note = |key: &str| setup.sources.note(key.to_owned(), Source::Flag);
    if !flags.listen.is_empty() {
        server.listen.clone_from(&flags.listen);
        note("server.listen");
    }
    if let Some(data_dir) = &flags.data_dir {
        server.data_dir.clone_from(data_dir);
        note("server.data_dir");
    }
    if let Some(workers) = flags.workers {
        server.workers = workers;
        note("server.workers");
    }
}

fn defaults(profile: Profile) -> Config {
    let mut config = Config::default();
    if profile.dev {
        let loopback = [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ];
        config.server.listen = DEV_PORTS
            .into_iter()
            .flat_map(|port| loopback.map(|address| SocketAddr::new(address, port)))
            .collect();
        config.topics.anonymous = true;
    }
    if profile.conformance {
        config.limits = Limits::conformance();
    }
    config
}

fn file(launch: &Launch) -> Option<PathBuf> {
    let usual = || Path::new(FILE).exists().then(|| PathBuf::from(FILE));
    launch.config_file.clone().or_else(usual)
}

fn apply_file(setup: &mut Setup, path: PathBuf, faults: &mut Vec<Fault>) {
    let place = Place::root(Origin::File(path.clone()));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            faults.push(place.fault(error.to_string()));
            return;
        }
    };
    match toml::from_str::<toml::Table>(&text) {
        Ok(table) => {
            setup.sources.note_table("", &table);
            setup.sources.file = Some(path);
            let table = toml::Value::Table(table);
            setup.config.assign(
                Setting {
                    path: &[],
                    input: Input::Toml(&table),
                },
                &place,
                faults,
            );
        }
        // Never the error's own text: it repeats the line, which may hold a secret.
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            faults.push(place.fault(format!("line {line}: {}", error.message())));
        }
    }
}

fn apply_environment(
    setup: &mut Setup,
    environment: impl IntoIterator<Item = (String, String)>,
    faults: &mut Vec<Fault>,
) {
    let mut variables: Vec<(String, String)> = environment.into_iter().collect();
    // Our own names last, hence over the adopted ones; lists in the order of their indices.
    variables.sort_by_key(|(name, _)| (name.starts_with(PREFIX), name.len(), name.clone()));
    for (name, value) in variables {
        if name == "WS_TEST_TOKEN" && !value.is_empty() {
            setup.test_token = Some(Secret::new(value));
            continue;
        }
        let Some(path) = key_of(&name, &value) else {
            continue;
        };
        let path: Vec<&str> = path.split("__").collect();
        setup.sources.note_variable(&path, &name);
        let auth = &mut setup.config.auth;
        match path.as_slice() {
            ["auth", "secret"] => auth.secret_file = None,
            ["auth", "secret_file"] => auth.secret = None,
            ["webhooks", index, "secret"] => {
                if let Some(webhook) = numbered(&mut setup.config.webhooks, index) {
                    webhook.secret_file = None;
                }
            }
            ["webhooks", index, "secret_file"] => {
                if let Some(webhook) = numbered(&mut setup.config.webhooks, index) {
                    webhook.secret = None;
                }
            }
            _ => {}
        }
        let setting = Setting {
            path: &path,
            input: Input::Text(&value),
        };
        let place = Place::root(Origin::Environment(name));
        setup.config.assign(setting, &place, faults);
    }
}

fn numbered<'a, T>(list: &'a mut [T], index: &str) -> Option<&'a mut T> {
    list.get_mut(index.parse::<usize>().ok()?)
}

/// The key a variable sets, in lower case and with `__` between its parts; `None` where the
/// variable is not one of ours.
fn key_of(name: &str, value: &str) -> Option<String> {
    if let Some((_, path)) = ADOPTED.iter().find(|(adopted, _)| *adopted == name) {
        return (!value.is_empty()).then(|| (*path).to_owned());
    }
    let rest = name.strip_prefix(PREFIX)?;
    let foreign = ["SERVICE_HOST", "SERVICE_PORT", "PORT"].iter().any(|word| {
        rest.strip_prefix(word)
            .is_some_and(|end| end.is_empty() || end.starts_with('_'))
    });
    let ours = !(foreign || CLIENT_VARIABLES.contains(&name)) || rest.contains("__");
    ours.then(|| rest.to_lowercase())
}

/// The names of variables that other programs made known, and the key each sets.
pub(crate) const ADOPTED: [(&str, &str); 3] = [
    ("ACCESS_TOKEN_EXPIRE_MINUTES", "auth__access_token_minutes"),
    ("JWT_EXPIRATION_SECONDS", "auth__jwt_expiration_seconds"),
    ("JWT_SECRET_KEY", "auth__secret"),
];
const PREFIX: &str = "CONCLAVE_";
/// Variables of the client commands.
const CLIENT_VARIABLES: [&str; 4] = [
    "CONCLAVE_PASSWORD",
    "CONCLAVE_TOKEN",
    "CONCLAVE_URL",
    "CONCLAVE_USER",
];
const FILE: &str = "conclave.toml";
const DEV_PORTS: [u16; 3] = [8081, 8000, 8080];
