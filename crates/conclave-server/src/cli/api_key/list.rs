//! `conclave key list`.

use conclave_auth::{ApiKey, ApiKeys as _};
use conclave_protocol::{Clock as _, Timestamp};
use conclave_store::Store;
use serde::Serialize;

use super::KeyListArgs;
use crate::cli::Failure;
use crate::cli::keys::store_if_there;
use crate::cli::table::table;
use crate::clock::WallClock;
use crate::http::rfc3339;
use crate::stored::Stored;

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    name: &'a str,
    state: &'static str,
    permissions: &'a [String],
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used: Option<String>,
}

pub(super) async fn list(args: KeyListArgs) -> Result<String, Failure> {
    let stored = Stored::of(&args.location.setup()?.config)?;
    let Some(store) = store_if_there(&stored).await? else {
        let problem = format!("{stored}: there is no store; is --data-dir right?");
        return Err(Failure::failed(problem));
    };
    let keys = everything(&store).await?;
    store.close().await.map_err(anyhow::Error::from)?;
    let now = WallClock::new().now();
    if args.json {
        return lines(&keys, now);
    }
    let moment = |at: Option<Timestamp>| at.map_or("-".to_owned(), rfc3339);
    let rows = keys.iter().map(|key| {
        [
            key.id.to_string(),
            key.name.to_string(),
            state(key, now).to_owned(),
            key.permissions.join(","),
            moment(key.expires_at),
            moment(key.last_used),
        ]
    });
    Ok(table(HEAD, rows))
}

/// Every key, by id.
pub(super) async fn everything(store: &Store) -> Result<Vec<ApiKey>, Failure> {
    let mut keys: Vec<ApiKey> = Vec::new();
    loop {
        let page = store.list_keys(keys.last().map(|key| key.id), PAGE).await?;
        if page.is_empty() {
            return Ok(keys);
        }
        keys.extend(page);
    }
}

fn lines(keys: &[ApiKey], now: Timestamp) -> Result<String, Failure> {
    let mut text = String::new();
    for key in keys {
        let line = Line {
            id: key.id.to_string(),
            name: key.name.as_str(),
            state: state(key, now),
            permissions: &key.permissions,
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            last_used: key.last_used.map(rfc3339),
        };
        text.push_str(&serde_json::to_string(&line).map_err(std::io::Error::from)?);
        text.push('\n');
    }
    Ok(text)
}

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.counts(now) {
        "active"
    } else {
        "expired"
    }
}

const HEAD: [&str; 6] = ["ID", "NAME", "STATE", "PERMISSIONS", "EXPIRES", "LAST USED"];
const PAGE: u32 = 1000;
