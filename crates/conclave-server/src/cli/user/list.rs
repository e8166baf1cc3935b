//! `conclave user list`.

use conclave_auth::{StoredUser, Users as _};
use conclave_store::Store;
use serde::Serialize;

use super::UserListArgs;
use crate::cli::Failure;
use crate::cli::keys::store_if_there;
use crate::cli::table::table;
use crate::stored::Stored;

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    disabled: bool,
    roles: &'a [String],
    permissions: &'a [String],
}

pub(super) async fn list(args: UserListArgs) -> Result<String, Failure> {
    let stored = Stored::of(&args.location.setup()?.config)?;
    let Some(store) = store_if_there(&stored).await? else {
        let problem = format!("{stored}: there is no store; is --data-dir right?");
        return Err(Failure::failed(problem));
    };
    let users = everyone(&store).await?;
    store.close().await.map_err(anyhow::Error::from)?;
    if args.json {
        lines(&users)
    } else {
        Ok(table(HEAD, rows(&users)))
    }
}

async fn everyone(store: &Store) -> Result<Vec<StoredUser>, Failure> {
    let mut users: Vec<StoredUser> = Vec::new();
    loop {
        let page = store
            .list(users.last().map(|user| &user.name), PAGE)
            .await?;
        if page.is_empty() {
            return Ok(users);
        }
        users.extend(page);
    }
}

fn lines(users: &[StoredUser]) -> Result<String, Failure> {
    let mut text = String::new();
    for user in users {
        let line = Line {
            name: user.name.as_str(),
            disabled: user.disabled,
            roles: &user.roles,
            permissions: &user.permissions,
        };
        text.push_str(&serde_json::to_string(&line).map_err(std::io::Error::from)?);
        text.push('\n');
    }
    Ok(text)
}

fn rows(users: &[StoredUser]) -> impl Iterator<Item = [String; 4]> {
    users.iter().map(|user| {
        let state = if user.disabled { "disabled" } else { "active" };
        [
            user.name.to_string(),
            state.to_owned(),
            joined(&user.roles),
            joined(&user.permissions),
        ]
    })
}

/// Names with commas between; a dash where there are none.
pub(super) fn joined(names: &[String]) -> String {
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(",")
    }
}

const HEAD: [&str; 4] = ["NAME", "STATE", "ROLES", "PERMISSIONS"];
const PAGE: u32 = 1000;
