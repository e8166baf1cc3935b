//! `conclave serve`: its flags.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, environment};
use crate::config::{self, Flags, Launch, Profile};
use crate::telemetry;

/// How to start a server.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// For trying out: loopback only, known users with known passwords, anonymous clients
    #[arg(long)]
    pub dev: bool,
    /// Address to listen on, instead of the configured ones; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<SocketAddr>,
    /// Data folder, instead of the configured one [default: ./conclave-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: ./conclave.toml, where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Listen on port 8080 too, of each loopback address that is listened on
    #[arg(long)]
    pub web: bool,
    /// For conformance suites: loopback only, /echo, limits raised to what they send
    #[arg(long)]
    pub conformance: bool,
    /// Worker threads, instead of the configured number; 0 is one per core
    #[arg(long, value_name = "N")]
    pub workers: Option<u16>,
}

impl ServeArgs {
    /// The flags as a source of the configuration.
    #[must_use]
    pub fn launch(&self) -> Launch {
        Launch {
            config_file: self.config.clone(),
            profile: Profile {
                dev: self.dev,
                conformance: self.conformance,
            },
            flags: Flags {
                listen: self.listen.clone(),
                data_dir: self.data_dir.clone(),
                workers: self.workers,
            },
        }
    }
}

/// Serves until a signal ends it.
pub(super) fn run(arguments: &ServeArgs) -> Result<(), Failure> {
    let mut setup = config::load(&arguments.launch(), environment())?;
    if arguments.web {
        add_web_port(&mut setup.config.server.listen)?;
    }
    let failed = |error: anyhow::Error| Failure {
        message: format!("{error:#}").replace('\n', " "),
        exit: Exit::Failed,
    };
    telemetry::install(&setup.config.log).map_err(|error| failed(error.into()))?;
    crate::serve::run(setup).map_err(failed)
}

/// Port 8080 of each loopback address in the list, where it is not there.
fn add_web_port(listen: &mut Vec<SocketAddr>) -> Result<(), Failure> {
    let loopback = listen
        .iter()
        .map(SocketAddr::ip)
        .filter(IpAddr::is_loopback);
    let mut wanted: Vec<_> = loopback.map(|ip| SocketAddr::new(ip, WEB_PORT)).collect();
    if wanted.is_empty() {
        let expected = "--web: expected a loopback address among those to listen on";
        return Err(Failure::usage(expected));
    }
    wanted.retain(|address| !listen.contains(address));
    wanted.sort_unstable();
    wanted.dedup();
    listen.extend(wanted);
    Ok(())
}

const WEB_PORT: u16 = 8080;
const EXAMPLES: &str = "\
Examples:
  conclave serve --dev
  conclave serve --dev --web
  conclave serve --listen 0.0.0.0:8081 --listen '[::]:8081' --data-dir /var/lib/conclave
  JWT_SECRET_KEY=... conclave serve --config /etc/conclave.toml

SIGTERM stops it in order within server.drain_seconds, a second one at once; SIGHUP reads the
certificate again.";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &[&str], expected: Option<&[&str]>) {
        let parsed = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter()
                .map(|address| address.parse().unwrap())
                .collect()
        };
        let mut listen = parsed(listen);
        let added = add_web_port(&mut listen).map(|()| listen);
        assert_eq!(added.ok(), expected.map(parsed));
    }

    #[test]
    fn port_8080_is_added_to_loopback_addresses_only() {
        check(
            &["127.0.0.1:8081"],
            Some(&["127.0.0.1:8081", "127.0.0.1:8080"]),
        );
        check(&["127.0.0.1:8080"], Some(&["127.0.0.1:8080"]));
        check(
            &["127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "192.0.2.1:1"],
            Some(&[
                "127.0.0.1:1",
                "127.0.0.1:2",
                "[::1]:1",
                "192.0.2.1:1",
                "127.0.0.1:8080",
                "[::1]:8080",
            ]),
        );
        check(&["0.0.0.0:8081"], None);
    }
}
