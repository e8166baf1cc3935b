//! `conclave config …`.

use clap::Subcommand;

use super::serve::ServeArgs;
use super::{Failure, environment, print};
use crate::config::{default_file, load, manual};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum ConfigCommand {
    /// Say what `serve` with the same flags would refuse, and what is worth a thought
    Check(ServeArgs),
    /// Print a file of every key with its default
    Default,
    /// Print the manual of every key, as Markdown
    Doc,
}

pub(super) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(flags) => {
            let setup = load(&flags.launch(), environment())?;
            let warnings = setup
                .warnings
                .iter()
                .map(|warning| format!("warning: {warning}\n"));
            let mut report: String = warnings.collect();
            report.push_str("ok\n");
            print(report.as_bytes())
        }
        ConfigCommand::Default => print(default_file().as_bytes()),
        ConfigCommand::Doc => print(manual().as_bytes()),
    }
}

const EXAMPLES: &str = "\
Examples:
  conclave config check --config conclave.toml
  conclave config check --dev
  conclave config default > conclave.toml

`check` prints warnings and `ok` and exits with 0, or prints every fault and exits with 2.";
