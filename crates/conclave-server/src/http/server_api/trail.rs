//! The audit, read and checked (docs/http.md, "What the console asks").

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use conclave_protocol::{Monitor, Refusal};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use utoipa::ToSchema;

use super::connections::{PAGE, PAGE_MAX, search};
use super::{Here, permit};
use crate::audit::{AuditError, AuditKey, Line, Report, Wanted, newest, verify};
use crate::config::stored_secret;
use crate::http::backend::Backend;
use crate::http::fields::QueryFields;
use crate::http::problem::Problem;
use crate::http::rfc3339_millis as date;
use crate::http::rooms::limit;
use crate::node::Node;

/// What bounds the work that reading an audit makes.
pub(crate) struct Trail {
    reading: Semaphore,
    /// The last check, and when it ended by the monotonic clock.
    checked: Arc<Mutex<Option<(Duration, AuditState)>>>,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            reading: Semaphore::new(READERS),
            checked: Arc::default(),
        }
    }
}

/// Lines of the audit.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AuditPage {
    /// Newest first; may be empty although there are older ones.
    lines: Vec<AuditLine>,
    /// What to look on with; `null` where the start was reached.
    before: Option<u64>,
}

/// A security event.
#[derive(Serialize, ToSchema)]
struct AuditLine {
    seq: u64,
    #[schema(format = "date-time")]
    ts: String,
    event: String,
    /// `info`, `warning` or `critical`.
    level: String,
    user: Option<String>,
    session: Option<String>,
    /// A decimal number as text.
    connection: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    path: Option<String>,
    /// Of any type.
    detail: Value,
}

/// Whether the chain holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct AuditState {
    verified: bool,
    /// When it was looked at.
    #[schema(format = "date-time")]
    at: String,
    /// `null`, as the others, where the chain does not hold.
    lines: Option<u64>,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
    /// The hash of the last line.
    head: Option<String>,
    /// Lines that say that an end was cut after a crash.
    recovered: Vec<u64>,
    /// What is wrong, for people.
    problem: Option<String>,
}

impl From<Line> for AuditLine {
    fn from(line: Line) -> Self {
        Self {
            seq: line.seq,
            ts: line.ts,
            event: line.event,
            level: line.level,
            user: line.user,
            session: line.session,
            connection: line.connection,
            ip: line.ip,
            user_agent: line.user_agent,
            path: line.path,
            detail: line.detail,
        }
    }
}

/// `GET /api/v1/audit?search=&event=&level=&user=&before=&limit=`: newest first.
pub(in crate::http) async fn lines(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Json<AuditPage>, Problem> {
    permit(&node, &backend, Monitor)?;
    let wanted = Wanted {
        before: query.optional_number("before")?,
        limit: usize::try_from(limit(&mut query, PAGE, PAGE_MAX)?).unwrap_or(usize::MAX),
        search: search(&mut query)?,
        event: query.optional_text("event")?,
        level: query.optional_text("level")?,
        user: query.optional_text("user")?,
    };
    query.end()?;
    check_enabled(&node)?;
    let _turn = node.trail.reading.acquire().await;
    let file = node.setup.config.audit_file();
    let found = tokio::task::spawn_blocking(move || newest(&file, &wanted)).await;
    let found = found.map_err(|_panic| Problem::internal())?;
    let found = found.map_err(|error| {
        tracing::error!(%error, "the audit cannot be read");
        Problem::refused(Refusal::Unavailable, "the audit cannot be read")
    })?;
    Ok(Json(AuditPage {
        lines: found.lines.into_iter().map(AuditLine::from).collect(),
        before: found.before,
    }))
}

/// `GET /api/v1/audit/state`: checks the chain, one check at a time; its result is the answer of
/// who asks meanwhile and for some seconds.
pub(in crate::http) async fn state(
    State(node): Here,
    backend: Backend,
) -> Result<Json<AuditState>, Problem> {
    permit(&node, &backend, Monitor)?;
    check_enabled(&node)?;
    let mut checked = Arc::clone(&node.trail.checked).lock_owned().await;
    if let Some((at, state)) = &*checked
        && node.clock.monotonic().saturating_sub(*at) < KEPT
    {
        return Ok(Json(state.clone()));
    }
    // A request may end before a long chain is read: the check goes on for the next one.
    let checking = tokio::spawn(async move {
        let config = &node.setup.config;
        let (file, key) = (config.audit_file(), config.audit_key_file());
        let report = tokio::task::spawn_blocking(move || report(&file, &key)).await;
        let report = report.unwrap_or_else(|_panic| Err("the check failed".to_owned()));
        let state = AuditState::new(date(node.clock.now()), report);
        *checked = Some((node.clock.monotonic(), state.clone()));
        state
    });
    let state = checking.await.map_err(|_panic| Problem::internal())?;
    Ok(Json(state))
}

fn check_enabled(node: &Node) -> Result<(), Problem> {
    if node.setup.config.audit.enabled {
        return Ok(());
    }
    Err(Problem::refused(Refusal::Unavailable, "the audit is off"))
}

fn report(file: &Path, key: &Path) -> Result<Report, String> {
    let secret = stored_secret(key).map_err(|_error| "the key cannot be read".to_owned())?;
    verify(file, &AuditKey::new(&secret), None).map_err(|error| match error {
        // Where files are is nobody's affair.
        AuditError::Io { source, .. } => format!("the file cannot be read: {source}"),
        other => other.to_string(),
    })
}

impl AuditState {
    fn new(at: String, report: Result<Report, String>) -> Self {
        let (report, problem) = match report {
            Ok(report) => (Some(report), None),
            Err(problem) => (None, Some(problem)),
        };
        let last = report.as_ref().map(|report| report.head.seq());
        let any = last.filter(|last| *last > 0);
        Self {
            verified: report.is_some(),
            at,
            lines: last,
            first_seq: any.map(|_| 1),
            last_seq: any,
            head: report.as_ref().map(|report| report.head.hash().to_owned()),
            recovered: report.map_or_else(Vec::new, |report| report.recovered),
            problem,
        }
    }
}

/// Who reads at once.
const READERS: usize = 2;
/// How long a check is the answer.
const KEPT: Duration = Duration::from_secs(10);
