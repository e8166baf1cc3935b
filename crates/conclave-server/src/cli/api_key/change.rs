//! `conclave key add` and `conclave key revoke`. Each is one transaction of the store and one
//! line of the audit.

use conclave_auth::{ApiKey, ApiKeyId, ApiKeyName, ApiKeys as _, PortError, issue_key};
use conclave_protocol::UserId;
use serde_json::json;

use super::list::everything;
use super::{KeyAddArgs, KeyRevokeArgs, Life, Said};
use crate::audit::Kind;
use crate::cli::Failure;
use crate::cli::desk::Desk;
use crate::cli::keys::Missing;
use crate::http::rfc3339;
use crate::identity::SystemRandom;

pub(super) async fn add(args: KeyAddArgs) -> Result<Said, Failure> {
    let usage = |option: &str, problem: &dyn std::fmt::Display| {
        Failure::usage(format!("{option} {problem}"))
    };
    let name = ApiKeyName::new(&args.name).map_err(|error| usage("--name", &error))?;
    for permission in &args.permissions {
        // The bounds of names fit permissions too.
        UserId::new(permission).map_err(|error| usage("--permission", &error))?;
    }
    let desk = Desk::open(&args.location, Missing::Made).await?;
    let now = desk.now();
    let expires_at = match args.expires {
        Life::Endless => None,
        Life::For(life) => Some(now.plus(life)),
    };
    let issued = issue_key(name, args.permissions, expires_at, now, &SystemRandom);
    match desk.store.add_key(&issued.key, issued.hash).await {
        Err(PortError::Conflict) => {
            let problem = "there is a key in force with this name already";
            return Err(Failure::failed(format!("{}: {problem}", issued.key.name)));
        }
        added => added?,
    }
    let key = &issued.key;
    let detail = json!({
        "key": key.id.to_string(),
        "name": key.name.as_str(),
        "permissions": key.permissions,
        "expires_at": key.expires_at.map(rfc3339),
    });
    let event = desk.event(Kind::AdminAction, "key_add", detail);
    desk.close(event).await?;
    let end = key.expires_at.map_or("does not end".to_owned(), |end| {
        format!("ends {}", rfc3339(end))
    });
    Ok(Said {
        answer: format!("{}\n", issued.shown),
        note: format!(
            "conclave: key {} ({}) {end}; it is shown only this once\n",
            key.id, key.name
        ),
    })
}

pub(super) async fn revoke(args: KeyRevokeArgs) -> Result<String, Failure> {
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    let key = named(&desk, &args.key).await?;
    if key.revoked_at.is_some() {
        return Ok(format!("{}: the key is revoked already\n", key.id));
    }
    desk.store.revoke_key(key.id, desk.now()).await?;
    let detail = json!({ "key": key.id.to_string(), "name": key.name.as_str() });
    let event = desk.event(Kind::AdminAction, "key_revoke", detail);
    desk.close(event).await?;
    Ok(format!("{} ({}): the key is revoked\n", key.id, key.name))
}

/// The key with that id, else the one in force with that name.
async fn named(desk: &Desk, given: &str) -> Result<ApiKey, Failure> {
    let keys = everything(&desk.store).await?;
    let id = ApiKeyId::parse(given);
    let by_id = keys.iter().find(|key| Some(key.id) == id);
    let by_name = || {
        let mut live = keys.iter().filter(|key| key.revoked_at.is_none());
        live.find(|key| key.name.as_str() == given)
    };
    let found = by_id.or_else(by_name).cloned();
    found.ok_or_else(|| Failure::failed(format!("{given}: there is no such key")))
}
