//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use super::nearest::nearest;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A variable of this name.
    Environment(String),
    /// A file.
    File(PathBuf),
    /// The rules between values, whatever their source.
    Rules,
}

/// Where in the configuration a value stands.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    origin: Origin,
    path: String,
}

/// One thing that is wrong: shown as `origin: path: what was given, what is expected`. Never
/// repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    origin: Origin,
    path: String,
    problem: String,
}

/// Everything that is wrong, one a line; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Place {
    pub(crate) const fn root(origin: Origin) -> Self {
        Self {
            origin,
            path: String::new(),
        }
    }

    /// A place that a rule speaks of.
    pub(crate) fn rule(path: impl Into<String>) -> Self {
        Self {
            origin: Origin::Rules,
            path: path.into(),
        }
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        Self {
            origin: self.origin.clone(),
            path,
        }
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        Self {
            origin: self.origin.clone(),
            path: format!("{}[{index}]", self.path),
        }
    }

    pub(crate) fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault {
            origin: self.origin.clone(),
            path: self.path.clone(),
            problem: problem.into(),
        }
    }

    pub(crate) fn wrong(&self, given: &str, expected: &str) -> Fault {
        self.fault(format!("{given} given, expected {expected}"))
    }

    /// No such key; names the nearest there is, as the source would write it.
    pub(crate) fn unknown(&self) -> Fault {
        let Some(known) = nearest(&self.path) else {
            return self.fault("unknown key");
        };
        let known = match self.origin {
            Origin::Environment(_) => variable(&known),
            Origin::File(_) | Origin::Rules => known,
        };
        self.fault(format!("unknown key; the nearest known is {known}"))
    }
}

/// The environment's name of a key.
pub(crate) fn variable(path: &str) -> String {
    format!("CONCLAVE_{}", path.replace('.', "__").to_uppercase())
}

impl Fault {
    /// The key the fault is about, such as `limits.message_bytes` or `server.listen[0]`; empty
    /// where the whole file cannot be read.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Environment(name) => write!(f, "{name}: ")?,
            Origin::File(path) => write!(f, "{}: ", path.display())?,
            Origin::Rules => {}
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.problem)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
