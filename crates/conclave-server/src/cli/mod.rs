//! The command line: what can be said, and where it goes.
//!
//! Exit codes: 0 done; 1 the command failed, or what it verified is not as it should be; 2 the
//! command line or the configuration is wrong. A failure is one line on stderr that begins with
//! `conclave:`, a wrong configuration one line for each fault.
//!
//! Reading order: this file, then one file per command; `location`, `password`, `keys` (who signs,
//! who verifies), `desk` (store and audit) and `table` are shared.

mod api_key;
mod asyncapi;
mod audit;
mod config;
mod demo;
mod desk;
mod health;
mod keys;
mod location;
mod password;
mod pubsub;
mod serve;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod token;
mod user;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

pub use api_key::{KeyAddArgs, KeyCommand, KeyListArgs, KeyRevokeArgs, Life};
pub use location::Location;
pub use password::{PasswordSource, read_password};
pub use pubsub::{Endpoint, PubArgs, SubArgs};
pub use serve::ServeArgs;
pub use store::{BackupArgs, CheckArgs, ExportArgs, StoreCommand};
pub use token::{MintArgs, RevokeArgs, TokenCommand};
pub use user::{GrantArgs, NameArgs, PasswordArgs, UserAddArgs, UserCommand, UserListArgs};

use crate::config::Faults;

/// Real-time messaging: authenticated topics and broadcast over WebSocket connections.
#[derive(Debug, Parser)]
#[command(
    name = "conclave",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
struct Cli {
    /// Serve in dev mode with the pages on port 8080 too: serve --dev --web
    #[arg(long)]
    web: bool,
    /// Without one: demo.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a document that describes a service
    #[command(subcommand)]
    Asyncapi(asyncapi::AsyncApiCommand),
    /// Verify the audit chain, or sign its head
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Measure this server against the kernel's floor and a usual server
    Bench(crate::bench::BenchArguments),
    /// Check the configuration, or show every key
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print a shell's completions
    #[command(
        after_help = "Example:\n  conclave completions bash > /etc/bash_completion.d/conclave"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Start a server of its own, let three clients talk through it, and check what they hear
    #[command(
        after_help = "Example:\n  conclave demo\n\nPorts are free ones of 127.0.0.1, data goes \
                      with the end. Exits with 0 where all was as it should be."
    )]
    Demo,
    /// Make a Rust crate of an AsyncAPI document
    Generate(asyncapi::GenerateArgs),
    /// Ask a server whether it may be sent clients
    Health(health::HealthArgs),
    /// Make, list or revoke keys of backends for the server API
    #[command(subcommand)]
    Key(KeyCommand),
    /// Publish to a topic, or broadcast, and wait until the server has accepted it
    Pub(PubArgs),
    /// Start the server
    Serve(ServeArgs),
    /// Check, copy or write out the store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print what is published to topics, or broadcast
    Sub(SubArgs),
    /// Sign, inspect or revoke tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage the own users
    #[command(subcommand)]
    User(UserCommand),
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// For stderr; each line gets `conclave: ` before it.
    pub message: String,
    /// How the process ends.
    pub exit: Exit,
}

/// How a process ends that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 1: the command failed, or what it verified is not as it should be.
    Failed,
    /// 2: the command line or the configuration is wrong.
    Usage,
}

/// Reads the command line, does what it says, and says how that ended.
#[must_use]
pub fn run() -> ExitCode {
    match dispatch(Cli::parse().chosen()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = io::stderr().lock();
            for line in failure.message.lines() {
                // Nobody is left to be told where stderr is closed.
                if writeln!(stderr, "conclave: {line}").is_err() {
                    break;
                }
            }
            failure.exit.into()
        }
    }
}

impl Cli {
    /// What is to be done.
    fn chosen(self) -> Command {
        let web = ServeArgs {
            dev: true,
            web: true,
            ..ServeArgs::default()
        };
        match self.command {
            Some(command) => command,
            None if self.web => Command::Serve(web),
            None => Command::Demo,
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Asyncapi(command) => asyncapi::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Bench(arguments) => match crate::bench::run(arguments)? {
            ExitCode::SUCCESS => Ok(()),
            _ => Err(Failure::failed("a figure missed its bound")),
        },
        Command::Config(command) => config::run(command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "conclave", &mut script);
            print(&script)
        }
        Command::Demo => demo::run(),
        Command::Generate(arguments) => asyncapi::generate(arguments),
        Command::Health(arguments) => health::run(arguments),
        Command::Key(command) => api_key::run(command),
        Command::Pub(arguments) => pubsub::run_pub(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Store(command) => store::run(command),
        Command::Sub(arguments) => pubsub::run_sub(&arguments),
        Command::Token(command) => token::run(command),
        Command::User(command) => user::run(command),
    }
}

/// For the commands that wait for a store or a socket.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// The environment, with what is not Unicode made visible.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect()
}

/// Writes to stdout. A reader that went away (`conclave config doc | head`) is no failure.
///
/// # Errors
/// Anything else that stdout says.
pub fn print(text: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Failure {
    /// The command failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::Failed,
        }
    }

    /// The command line or the configuration is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::Usage,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::usage(faults.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::failed(error.to_string())
    }
}

const EXAMPLES: &str = "\
Without a command: demo.

Examples:
  conclave
  conclave --web
  conclave serve --dev
  conclave user add alice
  conclave config check --config conclave.toml
  conclave audit verify --data-dir ./conclave-data

Exit codes:
  0  done
  1  the command failed, or what it verified is not as it should be
  2  the command line or the configuration is wrong";
