//! Everything that changes a user. Each is one transaction of the store and one line of the
//! audit.

use conclave_auth::{Password, PortError, SignInError, SignInPolicy, StoredUser, Users as _};
use conclave_protocol::UserId;
use serde_json::json;

use super::list::joined;
use super::{GrantArgs, NameArgs, PasswordArgs, UserAddArgs};
use crate::assistant;
use crate::audit::Kind;
use crate::cli::desk::Desk;
use crate::cli::keys::Missing;
use crate::cli::{Failure, PasswordSource};
use crate::config::{Config, Secret};

pub(super) async fn add(
    args: UserAddArgs,
    ask: impl FnOnce(PasswordSource) -> Result<Secret, Failure>,
) -> Result<String, Failure> {
    let name = named(&args.password.user.name)?;
    if name.as_str() == assistant::USER {
        return Err(Failure::usage(format!(
            "the name {name} is the server's own"
        )));
    }
    let desk = Desk::open(&args.password.user.location, Missing::Made).await?;
    let roles = if args.roles.is_empty() {
        vec![DEFAULT_ROLE.to_owned()]
    } else {
        args.roles
    };
    check_roles(&roles, &desk.keys.setup.config)?;
    check_permissions(&args.permissions)?;
    if desk.store.find(&name).await?.is_some() {
        return Err(taken(&name));
    }
    let password = password(&ask(args.password.source())?)?;
    let user = StoredUser {
        name,
        password_hash: desk
            .sign_in
            .hash_password(password)
            .await
            .map_err(refused)?,
        roles: sorted(roles),
        permissions: sorted(args.permissions),
        disabled: false,
    };
    match desk.store.add(&user, desk.now()).await {
        Err(PortError::Conflict) => return Err(taken(&user.name)),
        added => added?,
    }
    let detail = json!({ "roles": user.roles, "permissions": user.permissions });
    let event = desk
        .event(Kind::AdminAction, "user_add", detail)
        .user(user.name.as_str());
    desk.close(event).await?;
    Ok(format!(
        "{}: added, {}\n",
        user.name,
        granted(&user.roles, &user.permissions)
    ))
}

pub(super) async fn passwd(
    args: PasswordArgs,
    ask: impl FnOnce(PasswordSource) -> Result<Secret, Failure>,
) -> Result<String, Failure> {
    let name = named(&args.user.name)?;
    let desk = Desk::open(&args.user.location, Missing::Refused).await?;
    // Before anything is asked.
    stored(&desk, &name).await?;
    let password = password(&ask(args.source())?)?;
    let reset = desk
        .sign_in
        .reset_password(&name, password, desk.now())
        .await;
    reset.map_err(|error| match error {
        SignInError::NotFound => unknown(&name),
        error => refused(error),
    })?;
    let event = desk
        .event(Kind::AdminAction, "user_passwd", json!({}))
        .user(name.as_str());
    desk.close(event).await?;
    Ok(format!(
        "{name}: the password is changed; all sign-ins and tokens so far have ended\n"
    ))
}

pub(super) async fn grant(args: GrantArgs) -> Result<String, Failure> {
    let name = named(&args.user.name)?;
    let desk = Desk::open(&args.user.location, Missing::Refused).await?;
    check_roles(&args.roles, &desk.keys.setup.config)?;
    check_permissions(&args.permissions)?;
    let user = stored(&desk, &name).await?;
    let roles = changed(&user.roles, args.roles, &args.remove_roles);
    let permissions = changed(
        &user.permissions,
        args.permissions,
        &args.remove_permissions,
    );
    let set = desk
        .store
        .set_grants(&name, &roles, &permissions, desk.now())
        .await;
    set.map_err(|error| not_changed(error, &name))?;
    let detail = json!({
        "roles": roles,
        "permissions": permissions,
        "former_roles": user.roles,
        "former_permissions": user.permissions,
    });
    let event = desk
        .event(Kind::RoleChange, "user_grant", detail)
        .user(name.as_str());
    desk.close(event).await?;
    Ok(format!("{name}: {}\n", granted(&roles, &permissions)))
}

pub(super) async fn set_disabled(args: NameArgs, disabled: bool) -> Result<String, Failure> {
    let name = named(&args.name)?;
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    let set = desk.store.set_disabled(&name, disabled, desk.now()).await;
    set.map_err(|error| not_changed(error, &name))?;
    let (action, done) = if disabled {
        ("user_disable", "disabled")
    } else {
        ("user_enable", "enabled")
    };
    let event = desk
        .event(Kind::AdminAction, action, json!({}))
        .user(name.as_str());
    desk.close(event).await?;
    Ok(format!("{name}: {done}\n"))
}

pub(super) async fn remove(args: NameArgs) -> Result<String, Failure> {
    let name = named(&args.name)?;
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    let removed = desk.sign_in.remove_user(&name, desk.now()).await;
    removed.map_err(|error| match error {
        SignInError::NotFound => unknown(&name),
        error => refused(error),
    })?;
    let event = desk
        .event(Kind::AdminAction, "user_remove", json!({}))
        .user(name.as_str());
    desk.close(event).await?;
    Ok(format!(
        "{name}: removed; all sign-ins and tokens so far have ended\n"
    ))
}

fn named(name: &str) -> Result<UserId, Failure> {
    UserId::new(name).map_err(|error| Failure::usage(format!("the name {error}")))
}

async fn stored(desk: &Desk, name: &UserId) -> Result<StoredUser, Failure> {
    desk.store.find(name).await?.ok_or_else(|| unknown(name))
}

fn password(secret: &Secret) -> Result<Password, Failure> {
    let least = SignInPolicy::default().password_bytes_min;
    let password = Password::new(secret.reveal().to_owned());
    password
        .filter(|password| password.bytes() >= least)
        .ok_or_else(|| Failure::failed(format!("the password: expected {least} to 1024 bytes")))
}

/// A role that no configuration knows would grant nothing, silently.
fn check_roles(roles: &[String], config: &Config) -> Result<(), Failure> {
    let known = &config.auth.roles;
    let Some(unknown) = roles.iter().find(|role| !known.contains_key(*role)) else {
        return Ok(());
    };
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    let known = known.join(", ");
    Err(Failure::usage(format!(
        "--role: {unknown:?} given, expected one of [auth.roles]: {known}"
    )))
}

fn check_permissions(permissions: &[String]) -> Result<(), Failure> {
    // The bounds of names fit permissions too.
    for permission in permissions {
        UserId::new(permission)
            .map_err(|error| Failure::usage(format!("--permission: {permission:?} {error}")))?;
    }
    Ok(())
}

fn changed(before: &[String], given: Vec<String>, taken: &[String]) -> Vec<String> {
    let all = before.iter().cloned().chain(given);
    sorted(all.filter(|name| !taken.contains(name)).collect())
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

fn granted(roles: &[String], permissions: &[String]) -> String {
    format!(
        "roles {}, permissions {}",
        joined(roles),
        joined(permissions)
    )
}

fn taken(name: &UserId) -> Failure {
    Failure::failed(format!("{name}: there is such a user already"))
}

fn unknown(name: &UserId) -> Failure {
    Failure::failed(format!("{name}: there is no such user"))
}

fn not_changed(error: PortError, name: &UserId) -> Failure {
    match error {
        PortError::NotFound => unknown(name),
        error => error.into(),
    }
}

fn refused(error: SignInError) -> Failure {
    error.into()
}

const DEFAULT_ROLE: &str = "user";
