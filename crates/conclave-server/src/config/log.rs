//! `[log]`: what goes to stderr.

use super::section::{choice, section};

section! {
    /// `[log]`.
    pub struct Log {
        /// The form of a line.
        pub format: LogFormat = LogFormat::Human,
        /// The least level of Conclave's own lines; libraries speak from `warn` on.
        pub level: LogLevel = LogLevel::Info,
    }
}

choice! {
    /// The form of a log line.
    pub enum LogFormat {
        /// For people; in colour where stderr is a terminal.
        Human = "human",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// The least level that is logged.
    pub enum LogLevel {
        /// What needs somebody to act.
        Error = "error",
        /// What may need somebody to act.
        Warn = "warn",
        /// Starts, stops, changes.
        Info = "info",
        /// Each connection.
        Debug = "debug",
        /// Each step.
        Trace = "trace",
    }
}
