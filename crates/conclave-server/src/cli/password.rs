//! Passwords from a terminal or from stdin.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use super::Failure;
use crate::config::Secret;

/// Where a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// Asked for twice on the terminal, without showing it.
    Prompt,
    /// The first line of stdin.
    Stdin,
}

/// A password of at least one character.
///
/// # Errors
/// An empty one, two that differ, or no terminal to ask on.
pub fn read_password(source: PasswordSource) -> Result<Secret, Failure> {
    let mut stdin = io::stdin().lock();
    match source {
        PasswordSource::Stdin => first_line(&mut stdin),
        PasswordSource::Prompt => {
            if !io::stdin().is_terminal() {
                let problem = "stdin is not a terminal; give the password by --password-stdin";
                return Err(Failure::usage(problem));
            }
            let hidden = Hidden::new()?;
            ask("Password: ")?;
            let password = first_line(&mut stdin)?;
            ask("\nThe same again: ")?;
            let again = first_line(&mut stdin)?;
            drop(hidden);
            ask("\n")?;
            if password == again {
                Ok(password)
            } else {
                Err(Failure::failed("the two passwords differ"))
            }
        }
    }
}

fn ask(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}

fn first_line(input: &mut impl io::BufRead) -> Result<Secret, Failure> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::failed("the password is empty"));
    }
    Ok(Secret::new(password.to_owned()))
}

/// While it lives, the terminal does not show what is typed.
struct Hidden;

impl Hidden {
    fn new() -> Result<Self, Failure> {
        if echo("-echo") {
            Ok(Self)
        } else {
            Err(Failure::failed(
                "the terminal cannot hide a password; use --password-stdin",
            ))
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if !echo("echo") {
            tracing::warn!("the terminal still hides what is typed; `stty echo` shows it again");
        }
    }
}

fn echo(mode: &str) -> bool {
    let done = Command::new("stty")
        .arg(mode)
        .stdin(Stdio::inherit())
        .status();
    done.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password() {
        let read = |text: &str| first_line(&mut text.as_bytes());
        assert_eq!(read("word\nmore\n").unwrap().reveal(), "word");
        assert_eq!(read(" two words \r\n").unwrap().reveal(), " two words ");
        assert_eq!(read("no newline").unwrap().reveal(), "no newline");
        assert!(read("\n").is_err());
        assert!(read("").is_err());
    }
}
