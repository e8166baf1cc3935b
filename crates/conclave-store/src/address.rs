//! Where a PostgreSQL database is: a URL, whose password is never shown.

use std::fmt;
use std::path::Path;
use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The URL of a `PostgreSQL` database: `postgres://user:password@host:port/database`, with
/// `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host` (also a folder with its socket), `port`,
/// `dbname`, `user`, `password` or `application_name` after a `?`. Shown, by `Display` and
/// `Debug`, it is only host, port and database.
#[derive(Clone)]
pub struct Address(Box<PgConnectOptions>);

/// Why a text is no [`Address`]. Says nothing of what was given, since that may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressFault {
    /// The certificate or key that it names cannot be read.
    #[error("a file that sslrootcert, sslcert or sslkey names cannot be read")]
    Certificate,
    /// It names no database, and no user from whom the name follows.
    #[error("the name of the database is missing")]
    Database,
    /// It begins with neither `postgres://` nor `postgresql://`.
    #[error("another scheme than postgres://")]
    Scheme,
    /// After the `?` there is something unknown, or with a wrong value.
    #[error("an unknown or wrong parameter after the '?'")]
    Parameter,
    /// It is no URL.
    #[error("text that is no URL")]
    Url,
    /// The host must be verified, over a socket or without a name.
    #[error("sslmode without a host to verify")]
    Verification,
}

impl Address {
    /// Takes a URL. `sslmode` is that of libpq: `disable`, `allow`, `prefer` (the default),
    /// `require`, `verify-ca` or `verify-full`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or(AddressFault::Scheme)?;
        let parameters = rest.split_once('?').map_or("", |(_, after)| after);
        for parameter in parameters.split('&').filter(|text| !text.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            // What the driver does not know it would ignore, and log with its value.
            if !PARAMETERS.contains(&key) || value.is_empty() {
                return Err(AddressFault::Parameter);
            }
            if key.starts_with("ssl") && key != "sslmode" && !value.contains('%') {
                std::fs::File::open(Path::new(value)).or(Err(AddressFault::Certificate))?;
            }
        }
        let options = PgConnectOptions::from_str(text).map_err(|_may_hold_a_password| {
            if parameters.is_empty() {
                AddressFault::Url
            } else {
                AddressFault::Parameter
            }
        })?;
        if options.get_database().is_none() {
            return Err(AddressFault::Database);
        }
        let verifies = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
        if verifies && options.get_socket().is_some() {
            return Err(AddressFault::Verification);
        }
        Ok(Self(Box::new(options.disable_statement_logging())))
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (port, database) = (self.0.get_port(), self.0.get_database());
        let database = database.unwrap_or_default();
        match self.0.get_socket() {
            Some(folder) => write!(f, "postgres://{}:{port}/{database}", folder.display()),
            None => write!(f, "postgres://{}:{port}/{database}", self.0.get_host()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

const PARAMETERS: [&str; 11] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];
