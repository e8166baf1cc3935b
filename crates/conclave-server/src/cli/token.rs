//! `conclave token …`.

mod inspect;
mod mint;
mod revoke;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read as _};

use clap::{Args, Subcommand};

use super::{Failure, Location, print, runtime};

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
    /// Role; may be given several times [default: roles and permissions of the stored user, else
    /// those of tokens without any]
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Permission besides those of the roles; may be given several times
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
    /// All tokens of the user with this id so far, and all sign-ins
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// All tokens for the session of this name so far, and all sign-ins
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Where the store is.
    #[command(flatten)]
    pub location: Location,
}

pub(super) fn run(command: TokenCommand) -> Result<(), Failure> {
    runtime()?.block_on(async {
        match command {
            TokenCommand::Mint(args) => print(mint::mint(args).await?.as_bytes()),
            TokenCommand::Inspect { token, location } => {
                let token = given(token, &mut io::stdin().lock())?;
                let inspected = inspect::inspect(&token, &location).await?;
                print(inspected.text.as_bytes())?;
                inspected.refused.map_or(Ok(()), Err)
            }
            TokenCommand::Revoke(mut args) => {
                if let Some(token) = args.token {
                    args.token = Some(given(token, &mut io::stdin().lock())?);
                }
                print(revoke::revoke(args).await?.as_bytes())
            }
        }
    })
}

/// The token itself, or where `-` stands for it, the first line of `stdin`.
fn given(token: String, stdin: &mut impl BufRead) -> Result<String, Failure> {
    let mut token = token;
    if token == "-" {
        token.clear();
        stdin.take(LINE_BYTES_MAX).read_line(&mut token)?;
    }
    let token = token.trim();
    if token.is_empty() {
        Err(Failure::usage("no token given"))
    } else {
        Ok(token.to_owned())
    }
}

/// Far more than any token that is accepted.
const LINE_BYTES_MAX: u64 = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  conclave token mint --user alice --session standup --seconds 600
  conclave token mint --user alice | conclave token inspect -
  conclave token revoke --user alice";
