//! `conclave user …`. Passwords are asked for, or read from stdin; never arguments, which every
//! process can read.

mod change;
mod list;
#[cfg(test)]
mod tests;

use clap::{Args, Subcommand};

use super::password::{PasswordSource, read_password};
use super::{Failure, Location, print, runtime};
use crate::config::Secret;

/// What to do with the own users. Works beside a running server, which follows within 2 s.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum UserCommand {
    /// Add a user; the password is asked for
    Add(UserAddArgs),
    /// Set a user's password, which revokes all refresh tokens of the user
    Passwd(PasswordArgs),
    /// Give or take roles and permissions
    Grant(GrantArgs),
    /// Refuse a user's sign-ins and tokens, and close the user's connections
    Disable(NameArgs),
    /// Allow a disabled user again
    Enable(NameArgs),
    /// Remove a user, refuse the user's tokens and close the user's connections
    Remove(NameArgs),
    /// List users by name
    List(UserListArgs),
}

/// A user to add.
#[derive(Args, Clone, Debug)]
pub struct UserAddArgs {
    /// Name, password and place.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Role, a name of [auth.roles]; may be given several times [default: user]
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Permission besides those of the roles; may be given several times
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
}

/// A user and a password.
#[derive(Args, Clone, Debug)]
pub struct PasswordArgs {
    /// Name and place.
    #[command(flatten)]
    pub user: NameArgs,
    /// Read the password from the first line of stdin instead of asking
    #[arg(long)]
    pub password_stdin: bool,
}

impl PasswordArgs {
    /// Where the password comes from.
    #[must_use]
    pub const fn source(&self) -> PasswordSource {
        if self.password_stdin {
            PasswordSource::Stdin
        } else {
            PasswordSource::Prompt
        }
    }
}

/// A change of what a user may do.
#[derive(Args, Clone, Debug)]
#[group(id = "change", required = true, multiple = true, args = [
    "roles", "permissions", "remove_roles", "remove_permissions",
])]
pub struct GrantArgs {
    /// Name and place.
    #[command(flatten)]
    pub user: NameArgs,
    /// Role to give; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Permission to give; may be given several times
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// Role to take; may be given several times
    #[arg(long = "remove-role", value_name = "ROLE")]
    pub remove_roles: Vec<String>,
    /// Permission to take; may be given several times
    #[arg(long = "remove-permission", value_name = "PERMISSION")]
    pub remove_permissions: Vec<String>,
}

/// A user, and where the users are.
#[derive(Args, Clone, Debug)]
pub struct NameArgs {
    /// The user's name, the `sub` of the user's tokens
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where the users are.
    #[command(flatten)]
    pub location: Location,
}

/// How to list users.
#[derive(Args, Clone, Debug)]
pub struct UserListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Where the users are.
    #[command(flatten)]
    pub location: Location,
}

pub(super) fn run(command: UserCommand) -> Result<(), Failure> {
    let text = runtime()?.block_on(perform(command, read_password))?;
    print(text.as_bytes())
}

/// Does what the command says; what it prints. `ask` gives the password where one is needed.
pub(super) async fn perform(
    command: UserCommand,
    ask: impl FnOnce(PasswordSource) -> Result<Secret, Failure>,
) -> Result<String, Failure> {
    match command {
        UserCommand::Add(args) => change::add(args, ask).await,
        UserCommand::Passwd(args) => change::passwd(args, ask).await,
        UserCommand::Grant(args) => change::grant(args).await,
        UserCommand::Disable(args) => change::set_disabled(args, true).await,
        UserCommand::Enable(args) => change::set_disabled(args, false).await,
        UserCommand::Remove(args) => change::remove(args).await,
        UserCommand::List(args) => list::list(args).await,
    }
}

const EXAMPLES: &str = "\
Examples:
  conclave user add alice
  printf '%s\\n' \"$PASSWORD\" | conclave user add bob --password-stdin --role moderator
  conclave user grant bob --permission 'topic.publish:orders.*' --remove-role moderator
  conclave user list --json";
