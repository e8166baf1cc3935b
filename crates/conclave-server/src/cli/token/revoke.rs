//! `conclave token revoke`.

use conclave_auth::{RevokeTarget, TokenError};
use conclave_protocol::{SessionName, UserId};
use serde_json::json;

use super::RevokeArgs;
use super::inspect::reason;
use crate::audit::{Event, Kind};
use crate::cli::Failure;
use crate::cli::desk::Desk;
use crate::cli::keys::Missing;

/// Stores the revocation; says what is revoked.
pub(super) async fn revoke(args: RevokeArgs) -> Result<String, Failure> {
    match (&args.token, &args.user, &args.session) {
        (Some(token), _, _) => one_token(token, &args).await,
        (None, Some(user), _) => {
            UserId::new(user).map_err(|error| usage("--user", &error))?;
            let target = RevokeTarget::User(user);
            stored(target, &args, |event| event.user(user)).await?;
            Ok(format!(
                "{user}: all sign-ins and tokens so far are revoked\n"
            ))
        }
        (None, None, Some(session)) => {
            SessionName::new(session).map_err(|error| usage("--session", &error))?;
            let target = RevokeTarget::Session(session);
            stored(target, &args, |event| event.session(session)).await?;
            Ok(format!(
                "{session}: all sign-ins and tokens for it so far are revoked\n"
            ))
        }
        (None, None, None) => Err(Failure::usage("nothing to revoke given")),
    }
}

async fn one_token(token: &str, args: &RevokeArgs) -> Result<String, Failure> {
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    let now = desk.now();
    let verified = match desk.keys.authority.verifier.verify(token, now) {
        Ok(verified) => verified,
        Err(TokenError::Expired) => return Ok("the token has expired already\n".to_owned()),
        Err(error) => {
            let reason = reason(&desk.keys, error);
            return Err(Failure::failed(format!(
                "no server accepts this token: {reason}"
            )));
        }
    };
    desk.sign_in.revoke(RevokeTarget::Token(token), now).await?;
    let principal = &verified.principal;
    let user = principal.user.as_ref().map_or("", UserId::as_str);
    let id = principal.token.map(|token| format!("{token:?}"));
    let event = desk.event(Kind::Revocation, "revoke_token", json!({ "token_id": id }));
    desk.close(event.user(user).session(&principal.session.shown()))
        .await?;
    Ok(format!("{user}: the token is revoked\n"))
}

async fn stored(
    target: RevokeTarget<'_>,
    args: &RevokeArgs,
    about: impl FnOnce(Event) -> Event,
) -> Result<(), Failure> {
    let desk = Desk::open(&args.location, Missing::Refused).await?;
    desk.sign_in.revoke(target, desk.now()).await?;
    let action = match target {
        RevokeTarget::Session(_) => "revoke_session",
        RevokeTarget::Token(_) => "revoke_token",
        RevokeTarget::User(_) => "revoke_user",
    };
    let event = about(desk.event(Kind::Revocation, action, json!({})));
    desk.close(event).await
}

fn usage(argument: &str, error: &conclave_protocol::NameError) -> Failure {
    Failure::usage(format!("{argument}: the name {error}"))
}
