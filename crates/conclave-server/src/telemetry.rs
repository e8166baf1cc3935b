//! Logs: what is traced goes to stderr, as text for people or as JSON, one object a line.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::{Log, LogFormat, LogLevel};

/// Sends everything traced from now on to stderr.
///
/// # Errors
/// Something was installed before.
pub fn install(log: &Log) -> Result<(), SetGlobalDefaultError> {
    let colour = if std::io::stderr().is_terminal() {
        Colour::On
    } else {
        Colour::Off
    };
    let subscriber = subscriber(log, colour, std::io::stderr);
    tracing::subscriber::set_global_default(subscriber)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    Off,
    On,
}

fn subscriber<W>(log: &Log, colour: Colour, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match log.format {
        LogFormat::Human => lines.with_ansi(colour == Colour::On).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(OWN_TARGETS, level);
    tracing_subscriber::registry().with(lines.with_filter(filter))
}

/// Our crates' names all begin so.
const OWN_TARGETS: &str = "conclave";

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: Log) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(&log, Colour::Off, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(port = 8081, "listening");
            tracing::debug!("details");
            tracing::info!(target: "hyper", "noise");
            tracing::warn!(target: "hyper", "trouble");
        });
        let bytes = captured.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_carry_fields_by_name() {
        let text = logged(Log {
            format: LogFormat::Json,
            level: LogLevel::Info,
        });
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0]["message"], "listening");
        assert_eq!(lines[0]["port"], 8081);
        assert_eq!(lines[1]["target"], "hyper");
    }

    #[test]
    fn the_level_holds_for_own_lines_and_libraries_stay_quiet() {
        let text = logged(Log {
            format: LogFormat::Human,
            level: LogLevel::Debug,
        });
        assert!(
            text.contains("listening port=8081") && text.contains("details"),
            "{text}"
        );
        assert!(
            text.contains("trouble") && !text.contains("noise"),
            "{text}"
        );
        let text = logged(Log {
            format: LogFormat::Human,
            level: LogLevel::Error,
        });
        assert_eq!(text, "");
    }
}
