//! `conclave token …`: its arguments.

use clap::{Args, Subcommand};

use super::Location;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum TokenCommand {
    /// Sign a token with the own key and print it
    Mint(MintArgs),
    /// Verify a token and show its claims and what they grant
    Inspect {
        /// The token; - reads the first line of stdin
        #[arg(value_name = "TOKEN")]
        token: String,
        /// Where the keys are.
        #[command(flatten)]
        location: Location,
    },
    /// Refuse tokens from now on; a running server closes their connections within 2 s
    Revoke(RevokeArgs),
}

/// A token to sign.
#[derive(Args, Clone, Debug)]
pub struct MintArgs {
    /// The user: sub
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// A named session: sid [default: the user's own]
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Display name: name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Role; may be given several times [default: those of the stored user]
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Permission; may be given several times [default: those of the stored user]
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// Seconds it lives [default: as /auth/token]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: Option<u32>,
    /// Where the keys are.
    #[command(flatten)]
    pub location: Location,
}

/// What to revoke: exactly one.
#[derive(Args, Clone, Debug)]
#[group(id = "what", required = true, multiple = false, args = ["token", "user", "session"])]
pub struct RevokeArgs {
    /// This token; - reads the first line of stdin
    #[arg(value_name = "TOKEN")]
    pub token: Option<String>,
    /// All tokens this user has so far
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// All tokens for this named session so far
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Where the store is.
    #[command(flatten)]
    pub location: Location,
}

const EXAMPLES: &str = "\
Examples:
  conclave token mint --user alice --session standup --seconds 600
  conclave token mint --user alice | conclave token inspect -
  conclave token revoke --user alice";
