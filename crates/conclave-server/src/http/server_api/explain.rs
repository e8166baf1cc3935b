//! `GET /api/v1/explain?user=&permission=&channel=`: whether a user may do something, and by
//! which rule (identity.md, "Permissions").

use axum::Json;
use axum::extract::State;
use conclave_auth::StoredUser;
use conclave_protocol::{Grants, Monitor, Permission, RoomId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Here, permit};
use crate::http::backend::Backend;
use crate::http::fields::QueryFields;
use crate::http::problem::Problem;
use crate::http::rooms::user;
use crate::node::Node;

/// A decision and the rule it comes from.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Explanation {
    user: String,
    permission: String,
    channel: Option<String>,
    allowed: bool,
    rule: Rule,
    /// The role that grants it, where the rule is `role`.
    role: Option<String>,
    /// The string that grants it, as a token or the configuration has it.
    grant: Option<String>,
    /// Where being a member matters: `member`, `room.any` or `none`.
    membership: Option<&'static str>,
    /// `false` where the user is not stored here, so that only their token says what they may.
    certain: bool,
    /// For people.
    detail: String,
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Rule {
    /// The user is disabled.
    Disabled,
    /// A default of the issuer grants it to tokens that say nothing.
    IssuerDefault,
    /// It is granted, but the user is no member of the room.
    NotAMember,
    /// Nothing grants it.
    NotGranted,
    /// A permission of the user's own.
    Permission,
    /// A role of the user.
    Role,
}

/// What is asked.
struct Question {
    user: UserId,
    permission: String,
    channel: Option<String>,
    /// What a pattern of the permission is held against.
    subject: String,
    room: Option<RoomId>,
}

/// What a user has, by where it comes from.
struct Holding {
    by: Source,
    role: Option<String>,
    grant: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Account,
    Issuer,
}

pub(in crate::http) async fn explain(
    State(node): Here,
    backend: Backend,
    QueryFields(mut query): QueryFields,
) -> Result<Json<Explanation>, Problem> {
    let permit = permit(&node, &backend, Monitor)?;
    let name = query.text("user")?;
    let permission = query.text("permission")?;
    let channel = query.optional_text("channel")?;
    query.end()?;
    let (subject, room) = channel
        .as_deref()
        .map_or(Ok((String::new(), None)), subject)?;
    let question = Question {
        user: user("user", &name)?,
        permission,
        channel,
        subject,
        room,
    };
    let account = node.identity.account_of(&question.user).await?;
    if account.as_ref().is_some_and(|account| account.disabled) {
        return Ok(Json(
            question.denied(Rule::Disabled, "the user is disabled"),
        ));
    }
    let holdings = holdings(&node, &question.user, account.as_ref());
    let member = match &question.room {
        Some(room) if question.needs_membership() => {
            Some(node.rooms.is_member(permit, &question.user, room).await?)
        }
        Some(_) | None => None,
    };
    let mut explanation = question.decide(&holdings, member);
    explanation.certain = account.is_some();
    Ok(Json(explanation))
}

/// `room:ID`, `topic:NAME`, `user:ID`, `broadcast`; what is none of these is a room's id.
fn subject(channel: &str) -> Result<(String, Option<RoomId>), Problem> {
    if let Some(topic) = channel.strip_prefix("topic:") {
        return Ok((topic.to_owned(), None));
    }
    if channel == "broadcast" || channel.starts_with("user:") {
        return Ok((String::new(), None));
    }
    let id = channel.strip_prefix("room:").unwrap_or(channel);
    let unfit = |_unfit| {
        Problem::bad_request("channel: expected room:ID, topic:NAME, user:ID or broadcast")
    };
    let room = RoomId::new(id).map_err(unfit)?;
    Ok((id.to_owned(), Some(room)))
}

/// Everything the user has: of the account, or where there is none, of the issuers that could
/// speak of the user.
fn holdings(node: &Node, user: &UserId, account: Option<&StoredUser>) -> Vec<Holding> {
    let table = &node.setup.config.auth.roles;
    let mut holdings = Vec::new();
    let mut take = |by, roles: &[String], permissions: &[String]| {
        for role in roles {
            for grant in table.get(role).into_iter().flatten() {
                holdings.push(Holding {
                    by,
                    role: Some(role.clone()),
                    grant: grant.clone(),
                });
            }
        }
        for grant in permissions {
            holdings.push(Holding {
                by,
                role: None,
                grant: grant.clone(),
            });
        }
    };
    match account {
        Some(account) => take(Source::Account, &account.roles, &account.permissions),
        None => {
            let of = node.identity.issuers_of(user.as_str());
            let verifier = node.identity.verifier();
            for issuer in verifier.issuers().filter(|issuer| of.contains(&issuer.id)) {
                take(
                    Source::Issuer,
                    &issuer.default_roles,
                    &issuer.default_permissions,
                );
            }
        }
    }
    holdings
}

impl Question {
    /// Whether the permission is about being in a room.
    fn needs_membership(&self) -> bool {
        [
            Permission::ChatSend.name(),
            CHAT_SEND_TOO,
            Permission::ConversationRead.name(),
            Permission::RoomCreate.name(),
        ]
        .contains(&self.permission.as_str())
    }

    fn decide(self, holdings: &[Holding], member: Option<bool>) -> Explanation {
        let granting = holdings
            .iter()
            .find(|holding| allows(&holding.grant, &self.permission, &self.subject));
        let Some(holding) = granting else {
            return self.denied(Rule::NotGranted, "no role and no permission grants it");
        };
        let room_any = holdings
            .iter()
            .any(|holding| allows(&holding.grant, Permission::RoomAny.name(), ""));
        let membership = member.map(|member| match (member, room_any) {
            (true, _) => "member",
            (false, true) => "room.any",
            (false, false) => "none",
        });
        let allowed = membership != Some("none");
        let rule = match (allowed, holding.by, &holding.role) {
            (false, _, _) => Rule::NotAMember,
            (true, Source::Issuer, _) => Rule::IssuerDefault,
            (true, Source::Account, Some(_)) => Rule::Role,
            (true, Source::Account, None) => Rule::Permission,
        };
        let by = match &holding.role {
            Some(role) => format!("the role {role} grants {}", holding.grant),
            None => format!("{} is granted directly", holding.grant),
        };
        let of = match holding.by {
            Source::Account => "",
            Source::Issuer => ", as the issuer's default for tokens that say nothing",
        };
        let there = match membership {
            None => "",
            Some("member") => "; a member of the room",
            Some("room.any") => "; no member of the room, which room.any makes up for",
            Some(_) => "; but no member of the room",
        };
        Explanation {
            allowed,
            rule,
            role: holding.role.clone(),
            grant: Some(holding.grant.clone()),
            membership,
            certain: true,
            detail: format!("{by}{of}{there}"),
            user: self.user.as_str().to_owned(),
            permission: self.permission,
            channel: self.channel,
        }
    }

    fn denied(self, rule: Rule, detail: &str) -> Explanation {
        Explanation {
            user: self.user.as_str().to_owned(),
            permission: self.permission,
            channel: self.channel,
            allowed: false,
            rule,
            role: None,
            grant: None,
            membership: None,
            certain: true,
            detail: detail.to_owned(),
        }
    }
}

/// Whether one granted string covers a permission, by either name where it has two.
fn allows(grant: &str, permission: &str, subject: &str) -> bool {
    let grants = Grants::new([grant]);
    if permission == CHAT_SEND_TOO || permission == Permission::ChatSend.name() {
        return grants.allow(Permission::ChatSend, subject);
    }
    grants.allow_named(permission, subject)
}

/// The other name of [`Permission::ChatSend`].
const CHAT_SEND_TOO: &str = "conversation.write";
