//! `conclave asyncapi check`, `conclave generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use conclave_asyncapi::command::{self, Order, Outcome};
use conclave_asyncapi::service::{Options, Side};

use super::{Exit, Failure, print};

/// What to do with an AsyncAPI document.
#[derive(Debug, Subcommand)]
pub(super) enum AsyncApiCommand {
    /// Say what is wrong with a document, and where
    #[command(after_help = "Example:\n  conclave asyncapi check asyncapi.yaml")]
    Check(DocumentArgs),
}

/// A document.
#[derive(Args, Clone, Debug)]
pub(super) struct DocumentArgs {
    /// The document, YAML or JSON
    #[arg(value_name = "FILE")]
    document: PathBuf,
    /// The folder that references may not leave [default: the document's own]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// What to generate.
#[derive(Args, Clone, Debug)]
#[command(after_help = GENERATE_EXAMPLES)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    document: DocumentArgs,
    /// Where the crate goes [default: test-output-FOLDER, of the folder the document is in]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The folder of the crate conclave-service [default: that of the checkout, else the registry's]
    #[arg(long, value_name = "DIR")]
    runtime: Option<PathBuf>,
    /// The server whose path and security count, by name [default: the first WebSocket server]
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// The document describes a client: make what that client talks to
    #[arg(long)]
    opposite: bool,
    /// Write nothing, and fail if something would change
    #[arg(long)]
    check: bool,
}

pub(super) fn run(command: AsyncApiCommand) -> Result<(), Failure> {
    let AsyncApiCommand::Check(DocumentArgs { document, root }) = command;
    told(&command::check(&document, root.as_deref()))
}

/// Makes a crate of a document.
pub(super) fn generate(arguments: GenerateArgs) -> Result<(), Failure> {
    let DocumentArgs { document, root } = arguments.document;
    told(&command::generate_crate(&Order {
        document,
        root,
        out: arguments.out,
        runtime: arguments.runtime,
        options: Options {
            server: arguments.server,
            side: if arguments.opposite {
                Side::Opposite
            } else {
                Side::Described
            },
        },
        check: arguments.check,
    }))
}

/// Findings belong to who asked for them, whatever the exit status.
fn told(outcome: &Outcome) -> Result<(), Failure> {
    let exit = match outcome.status {
        0 => return print(outcome.text.as_bytes()),
        1 => Exit::Failed,
        _ => Exit::Usage,
    };
    let message = outcome.text.trim_end().to_owned();
    Err(Failure { message, exit })
}

const GENERATE_EXAMPLES: &str = "\
Examples:
  conclave generate examples/websocket-secure/asyncapi.yaml
  conclave generate asyncapi.yaml --out services/chat
  conclave generate asyncapi.yaml --out services/chat --check

Files that were not generated are never written over.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{command, parsed};

    const DOCUMENT: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/websocket-secure/asyncapi.yaml"
    );

    #[test]
    fn a_document_is_generated_once_and_checked_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let line = format!("{DOCUMENT} --out {}", dir.path().join("chat").display());
        let generated = |line: &str| generate(parsed::<GenerateArgs>(line).unwrap());
        let missing = generated(&format!("{line} --check")).unwrap_err();
        assert!(missing.message.contains("Cargo.toml is missing"));
        generated(&line).unwrap();
        generated(&format!("{line} --check")).unwrap();
        std::fs::write(dir.path().join("chat/src/lib.rs"), "// mine").unwrap();
        let theirs = generated(&line).unwrap_err();
        assert!(theirs.message.contains("was not generated"), "{theirs:?}");
        assert_eq!(theirs.exit, Exit::Usage);
    }

    #[test]
    fn what_is_wrong_with_a_document_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yaml");
        std::fs::write(&file, "asyncapi: 9\n").unwrap();
        let line = format!("check {}", file.display());
        let found = run(command::<AsyncApiCommand>(&line).unwrap()).unwrap_err();
        assert!(
            found.message.starts_with("a.yaml:1:11: error: "),
            "{found:?}"
        );
        assert_eq!(found.exit, Exit::Failed);
        let line = format!("check {DOCUMENT}");
        run(command::<AsyncApiCommand>(&line).unwrap()).unwrap();
    }
}
