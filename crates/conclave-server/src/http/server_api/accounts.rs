//! Users of the own issuer: `/api/v1/users…`. A change reaches open connections within 2 s.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use conclave_auth::{Password, PortError, SignInError, StoredUser};
use conclave_core::Notice;
use conclave_protocol::{Permission, Refusal, UserId};
use serde_json::{Value, json};

use super::Here;
use super::shapes::Account;
use crate::audit::Kind;
use crate::http::backend::Backend;
use crate::http::fields::{Fields, JsonFields, QueryFields};
use crate::http::flow::{revoking, whole};
use crate::http::problem::Problem;
use crate::http::rooms::shapes::all;
use crate::http::rooms::{cut, encoded, limit, link, user};
use crate::http::sessions::{Named, named};
use crate::node::Node;

/// `GET /api/v1/users?after=&limit=`: by name.
pub(in crate::http) async fn list(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Response, Problem> {
    backend.check(&node, Permission::Admin, "")?;
    let after = query.optional_text("after")?;
    let after = after.map(|name| user("after", &name)).transpose()?;
    let limit = limit(&mut query, PAGE, PAGE_MAX)?;
    query.end()?;
    let mut users = node
        .identity
        .users()
        .list(after.as_ref(), limit + 1)
        .await?;
    let mut headers = HeaderMap::new();
    if cut(&mut users, limit)
        && let Some(last) = users.last()
    {
        let last = encoded(last.name.as_str());
        let target = format!("/api/v1/users?limit={limit}&after={last}");
        link(&mut headers, &target, "next");
    }
    Ok((headers, Json(all::<_, Account>(users))).into_response())
}

/// `POST /api/v1/users`: `{"name","password","roles"?,"permissions"?}`; without `roles` the one
/// of `user`. 201, or 409 where the name is taken.
pub(in crate::http) async fn add(
    State(node): Here,
    backend: Backend,
    JsonFields(mut fields): JsonFields,
) -> Result<Response, Problem> {
    backend.check(&node, Permission::Admin, "")?;
    backend.client.check_channel(&node)?;
    let name = user("name", &fields.text("name")?)?;
    let password = fields.text("password")?;
    let grants = Grants::take(&node, &mut fields)?;
    fields.end()?;
    let password = Password::new(password).ok_or_else(unfit_password)?;
    whole(async move {
        let hashed = node.identity.sign_in().hash_password(password).await;
        let user = StoredUser {
            name,
            password_hash: hashed.map_err(about_password)?,
            roles: grants.roles.unwrap_or_else(|| vec!["user".to_owned()]),
            permissions: grants.permissions.unwrap_or_default(),
            disabled: false,
        };
        match node.identity.users().add(&user, node.clock.now()).await {
            Err(PortError::Conflict) => {
                let detail = "name: there is such a user already";
                return Err(Problem::refused(Refusal::Conflict, detail));
            }
            added => added?,
        }
        let detail = json!({ "roles": user.roles, "permissions": user.permissions });
        note(&node, &backend, "user_add", &user.name, detail).await;
        let location = format!("/api/v1/users/{}", encoded(user.name.as_str()));
        let mut response = (StatusCode::CREATED, Json(Account::from(user))).into_response();
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    })
    .await
}

/// `PUT /api/v1/users/{name}`: `{"password"?,"roles"?,"permissions"?,"disabled"?}`; what is
/// missing stays. Another password ends all sign-ins and tokens of the user.
pub(in crate::http) async fn change(
    State(node): Here,
    backend: Backend,
    name: Named<String>,
    JsonFields(mut fields): JsonFields,
) -> Result<Json<Account>, Problem> {
    backend.check(&node, Permission::Admin, "")?;
    let name = own_name(&named(name)?)?;
    let password = fields.optional_text("password")?;
    if password.is_some() {
        backend.client.check_channel(&node)?;
    }
    let password = password.map(|text| Password::new(text).ok_or_else(unfit_password));
    let change = Change {
        password: password.transpose()?,
        grants: Grants::take(&node, &mut fields)?,
        disabled: fields.optional_flag("disabled")?,
    };
    fields.end()?;
    if change.is_empty() {
        return Err(Problem::bad_request(
            "expected one of password, roles, permissions, disabled",
        ));
    }
    whole(async move {
        let before = node.identity.users().find(&name).await?;
        let before = before.ok_or_else(no_user)?;
        let changed = change.apply(&node, &backend, before).await;
        // Also where it failed half-way.
        node.nodes.tell(Notice::Changed);
        changed?;
        let after = node.identity.users().find(&name).await?;
        Ok(Json(after.ok_or_else(no_user)?.into()))
    })
    .await
}

/// `DELETE /api/v1/users/{name}`: its sign-ins and tokens end, its connections close.
pub(in crate::http) async fn remove(
    State(node): Here,
    backend: Backend,
    name: Named<String>,
) -> Result<StatusCode, Problem> {
    backend.check(&node, Permission::Admin, "")?;
    let name = own_name(&named(name)?)?;
    whole(async move {
        let removed = node.identity.sign_in().remove_user(&name, node.clock.now());
        revoking(&node, removed).await.map_err(about_user)?;
        note(&node, &backend, "user_remove", &name, json!({})).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Roles and permissions that were given, sorted.
struct Grants {
    roles: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
}

/// What is to be another way.
struct Change {
    password: Option<Password>,
    grants: Grants,
    disabled: Option<bool>,
}

impl Grants {
    fn take(node: &Node, fields: &mut Fields) -> Result<Self, Problem> {
        let roles = fields.texts("roles")?.map(sorted);
        let known = &node.setup.config.auth.roles;
        if let Some(unknown) = roles
            .iter()
            .flatten()
            .find(|role| !known.contains_key(*role))
        {
            let shown: String = unknown.chars().take(40).collect();
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(Problem::bad_request(format!(
                "roles: {shown:?} given, expected some of {}",
                known.join(", ")
            )));
        }
        let permissions = fields.texts("permissions")?.map(sorted);
        for permission in permissions.iter().flatten() {
            // The bounds of names fit permissions too.
            user("permissions", permission)?;
        }
        Ok(Self { roles, permissions })
    }
}

impl Change {
    const fn is_empty(&self) -> bool {
        self.password.is_none()
            && self.grants.roles.is_none()
            && self.grants.permissions.is_none()
            && self.disabled.is_none()
    }

    async fn apply(
        self,
        node: &std::sync::Arc<Node>,
        backend: &Backend,
        before: StoredUser,
    ) -> Result<(), Problem> {
        let users = node.identity.users();
        let name = &before.name;
        if let Some(password) = self.password {
            let sign_in = node.identity.sign_in();
            let reset = sign_in.reset_password(name, password, node.clock.now());
            revoking(node, reset).await.map_err(about_password)?;
            note(node, backend, "user_passwd", name, json!({})).await;
        }
        let Grants { roles, permissions } = self.grants;
        if roles.is_some() || permissions.is_some() {
            let roles = roles.unwrap_or_else(|| before.roles.clone());
            let permissions = permissions.unwrap_or_else(|| before.permissions.clone());
            users
                .set_grants(name, &roles, &permissions, node.clock.now())
                .await?;
            let detail = json!({
                "roles": roles,
                "permissions": permissions,
                "former_roles": before.roles,
                "former_permissions": before.permissions,
            });
            note(node, backend, "user_grant", name, detail).await;
        }
        if let Some(disabled) = self.disabled {
            users.set_disabled(name, disabled, node.clock.now()).await?;
            let action = if disabled {
                "user_disable"
            } else {
                "user_enable"
            };
            note(node, backend, action, name, json!({})).await;
        }
        Ok(())
    }
}

/// Writes down what was done to a user, and waits until that is durable.
async fn note(node: &Node, backend: &Backend, action: &str, name: &UserId, mut detail: Value) {
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("action".to_owned(), action.into());
        detail.insert("name".to_owned(), name.as_str().into());
    }
    let kind = if action == "user_grant" {
        Kind::RoleChange
    } else {
        Kind::AdminAction
    };
    let event = backend.event(node, kind);
    node.audit.record_waiting(event.detail(detail)).await;
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

fn own_name(name: &str) -> Result<UserId, Problem> {
    UserId::new(name).map_err(|_unfit| no_user())
}

fn no_user() -> Problem {
    Problem::refused(Refusal::NotFound, "no such user")
}

fn unfit_password() -> Problem {
    Problem::bad_request("password: empty, or over 1024 bytes")
}

fn about_password(error: SignInError) -> Problem {
    match error {
        SignInError::BadRequest(detail) => Problem::bad_request(format!("password: {detail}")),
        error => about_user(error),
    }
}

fn about_user(error: SignInError) -> Problem {
    match error {
        SignInError::NotFound => no_user(),
        error => error.into(),
    }
}

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;
