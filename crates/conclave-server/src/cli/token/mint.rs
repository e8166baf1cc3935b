//! `conclave token mint`.

use std::sync::Arc;
use std::time::Duration;

use conclave_auth::{AccessClaims, Random as _, Standing, Users as _};
use conclave_protocol::{Clock, SessionName, Timestamp, UserId};
use conclave_store::Store;
use serde_json::json;

use super::MintArgs;
use super::inspect::{ended, reason};
use crate::audit::{Event, Kind};
use crate::cli::Failure;
use crate::cli::desk::by_command_line;
use crate::cli::keys::{Keys, Missing, store_if_there};
use crate::clock::WallClock;
use crate::identity::SystemRandom;
use crate::stored::Stored;

/// A token that the server would accept now, and a newline. Where there is an audit chain, it
/// tells of it.
pub(super) async fn mint(args: MintArgs) -> Result<String, Failure> {
    let name = UserId::new(&args.user)
        .map_err(|error| Failure::usage(format!("--user: the name {error}")))?;
    if let Some(session) = &args.session {
        SessionName::new(session)
            .map_err(|error| Failure::usage(format!("--session: the name {error}")))?;
    }
    let setup = args.location.setup()?;
    let stored = Stored::of(&setup.config)?;
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    let keys = Keys::find(setup, Missing::Refused)?;
    let store = store_if_there(&stored).await?;
    let standing = keys.standing(store.as_ref()).await?;
    let (roles, permissions) = grants(&args, &name, &keys, store.as_ref()).await?;
    let mut id = [0; 16];
    SystemRandom.fill(&mut id);
    let auth = &keys.setup.config.auth;
    let life = args
        .seconds
        .map(|seconds| Duration::from_secs(u64::from(seconds)));
    let claims = AccessClaims {
        sub: name.as_str(),
        sid: args.session.as_deref(),
        name: args.name.as_deref(),
        roles: &roles,
        permissions: &permissions,
        issued_at: clock.now(),
        life: life.unwrap_or_else(|| auth.json_token_life()),
        id,
        family: None,
    };
    let token = accepted(&keys, &standing, &claims)?;
    record(&keys, &claims, &clock)?;
    Ok(format!("{token}\n"))
}

/// Those of the arguments, else of the stored user, else of tokens that carry none.
async fn grants(
    args: &MintArgs,
    name: &UserId,
    keys: &Keys,
    store: Option<&Store>,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let auth = &keys.setup.config.auth;
    if let Some(role) = args
        .roles
        .iter()
        .find(|role| !auth.roles.contains_key(*role))
    {
        let problem = format!("--role: {role:?} given, expected a name of [auth.roles]");
        return Err(Failure::usage(problem));
    }
    if !(args.roles.is_empty() && args.permissions.is_empty()) {
        return Ok((args.roles.clone(), args.permissions.clone()));
    }
    let user = match store {
        Some(store) => store.find(name).await?,
        None => None,
    };
    Ok(match user {
        Some(user) => (user.roles, user.permissions),
        None => (auth.default_roles.clone(), auth.default_permissions.clone()),
    })
}

/// Signs, and verifies as the server would. A token that is signed in the moment of a revocation
/// says that it is from after it.
fn accepted(
    keys: &Keys,
    standing: &Standing,
    claims: &AccessClaims<'_>,
) -> Result<String, Failure> {
    let refused = |reason: String| Failure::failed(format!("the server would refuse it: {reason}"));
    let verified = |claims: &AccessClaims<'_>| {
        let token = keys
            .authority
            .signer
            .sign(claims)
            .map_err(anyhow::Error::from)?;
        let verified = keys.authority.verifier.verify(&token, claims.issued_at);
        Ok::<_, Failure>((
            verified.map_err(|error| refused(reason(keys, error)))?,
            token,
        ))
    };
    let (mut proof, mut token) = verified(claims)?;
    if let Some(user) = &proof.principal.user {
        let session = &proof.principal.session;
        let issued_at: Timestamp = standing
            .revocations
            .issue_at(user, session, claims.issued_at);
        if issued_at > claims.issued_at {
            (proof, token) = verified(&AccessClaims {
                issued_at,
                ..*claims
            })?;
        }
    }
    match standing.of(&proof.principal) {
        Ok(_) => Ok(token),
        Err(_) => Err(refused(ended(standing, &proof))),
    }
}

fn record(keys: &Keys, claims: &AccessClaims<'_>, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
    let config = &keys.setup.config;
    if !config.audit_file().exists() {
        return Ok(());
    }
    let audit = crate::start::open_audit(config, clock)?;
    let detail = json!({
        "action": "token_mint",
        "by": by_command_line(),
        "roles": claims.roles,
        "permissions": claims.permissions,
        "seconds": claims.life.as_secs(),
    });
    let event = Event::new(Kind::AdminAction, clock.now())
        .user(claims.sub)
        .detail(detail);
    audit.record_blocking(match claims.sid {
        Some(session) => event.session(session),
        None => event,
    });
    Ok(audit.flush()?)
}
