//! Whether a newer token may take the place of a connection's (identity.md).

use std::sync::Arc;

use conclave_protocol::Principal;

/// The principal to put in force: `new`, in the session of `old`. `required` are the permissions
/// that the surface asks of every handshake.
///
/// # Errors
/// Says why the old token stays in force.
pub(crate) fn renewal(
    old: &Principal,
    mut new: Arc<Principal>,
    required: &[String],
) -> Result<Arc<Principal>, &'static str> {
    let same_session =
        new.session == old.session || (!new.session_named_by_token && !old.session_named_by_token);
    if old.user.is_none()
        || new.user != old.user
        || new.session.issuer != old.session.issuer
        || !same_session
    {
        return Err("the new token must be of the same user and session");
    }
    let lacks = |name: &String| !new.grants.allow_named(name, "");
    if required.iter().any(lacks) {
        return Err("the new token lacks a permission that this surface requires");
    }
    if new.session != old.session {
        Arc::make_mut(&mut new).session = old.session.clone();
    }
    Ok(new)
}
