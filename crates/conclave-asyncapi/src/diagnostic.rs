//! What is wrong with a document, and where.

use std::fmt;

/// A position in a file; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl Place {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document is not valid, or asks for what cannot be done.
    Error,
    /// The document can be used, but probably means something else.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding: `asyncapi.yaml:12:5: error: … (at /channels/chat)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file's path, relative to the folder that references may not leave.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// The JSON pointer of the value that is meant; empty for the whole file.
    pub pointer: String,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong and what was expected, as a sentence.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        let Self {
            file,
            pointer,
            severity,
            message,
            ..
        } = self;
        write!(formatter, "{file}:{line}:{column}: {severity}: {message}")?;
        if pointer.is_empty() {
            return Ok(());
        }
        write!(formatter, " (at {pointer})")
    }
}

/// Whether any finding is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    diagnostics.iter().any(is_error)
}
