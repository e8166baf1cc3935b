//! What a document asks for, against what a handshake proves.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AuthError, AuthRequest, Authenticator, Claims};
use crate::address::Template;
use crate::spec::{Action, OperationSpec, Requirement, ServiceSpec};

/// Why a service does not start: it would let in whom its document keeps out, or could serve
/// nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The document asks for this scheme, and nothing checks it.
    #[error("no authenticator for the security scheme `{0}`")]
    AuthenticatorMissing(String),
    /// An authenticator is given for a scheme that the document does not name.
    #[error("the document names no security scheme `{0}`")]
    SchemeUnknown(String),
    /// The document's constants contradict each other.
    #[error("the description is not sound: {0}")]
    Spec(String),
    /// An operation needs permissions, but nobody can prove any: no scheme is named.
    #[error("operation `{0}` needs permissions, but the document names no security scheme")]
    Unprotected(String),
}

/// Whom a connection proved to be.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    proved: Vec<(Requirement, Claims)>,
}

impl Identity {
    /// Somebody who was proved elsewhere, by the scheme of this name.
    #[must_use]
    pub fn proved(requirement: Requirement, claims: Claims) -> Self {
        Self {
            proved: vec![(requirement, claims)],
        }
    }

    /// The claims that speak for the connection: those of an access token where there is one,
    /// else of a password, else of an API key.
    #[must_use]
    pub fn claims(&self) -> Option<&Claims> {
        let by_token = self.proved.iter().find(|(by, _)| by.scheme.is_token());
        let by_person = || self.proved.iter().find(|(by, _)| by.scheme.is_person());
        by_token
            .or_else(by_person)
            .or(self.proved.first())
            .map(|(_, claims)| claims)
    }

    fn by(&self, name: &str) -> Option<&Claims> {
        self.proved
            .iter()
            .find(|(by, _)| by.name == name)
            .map(|(_, claims)| claims)
    }

    /// The same with these claims in place of those of its token; `None` where it has no token.
    pub(crate) fn renewed(&self, claims: Claims) -> Option<Self> {
        let mut renewed = self.clone();
        let (_, old) = renewed
            .proved
            .iter_mut()
            .find(|(by, _)| by.scheme.is_token())?;
        *old = claims;
        Some(renewed)
    }

    /// When the first of what it rests on ends.
    pub(crate) fn expires_at(&self) -> Option<conclave_protocol::Timestamp> {
        self.proved
            .iter()
            .filter_map(|(_, claims)| claims.expires_at())
            .min()
    }

    fn add(&mut self, by: Requirement, claims: Claims) -> Result<(), AuthError> {
        let differs = |(other, own): &(Requirement, Claims)| {
            other.scheme.is_person() && own.subject() != claims.subject()
        };
        if by.scheme.is_person() && self.proved.iter().any(differs) {
            return Err(AuthError::Conflicting);
        }
        self.proved.push((by, claims));
        Ok(())
    }
}

/// Which operations a connection may use, by their position.
pub(crate) type Granted = Arc<[bool]>;

/// The security of one service.
pub(crate) struct Gate {
    spec: &'static ServiceSpec,
    schemes: Vec<(Requirement, Arc<dyn Authenticator>)>,
}

impl Gate {
    /// Fails where anything that the document asks for could not be checked.
    pub(crate) fn new(
        spec: &'static ServiceSpec,
        mut authenticators: BTreeMap<String, Arc<dyn Authenticator>>,
    ) -> Result<Self, StartError> {
        check(spec)?;
        let mut schemes: Vec<(Requirement, Arc<dyn Authenticator>)> = Vec::new();
        for requirement in requirements(spec) {
            if let Some((known, _)) = schemes.iter().find(|(by, _)| by.name == requirement.name) {
                if known.scheme != requirement.scheme {
                    let name = requirement.name;
                    return Err(StartError::Spec(format!("scheme `{name}` is of two kinds")));
                }
                continue;
            }
            let authenticator = authenticators
                .remove(requirement.name)
                .ok_or_else(|| StartError::AuthenticatorMissing(requirement.name.to_owned()))?;
            schemes.push((requirement.scopes(&[]), authenticator));
        }
        if let Some(name) = authenticators.into_keys().next() {
            return Err(StartError::SchemeUnknown(name));
        }
        let unprotected = spec
            .operations
            .iter()
            .find(|operation| schemes.is_empty() && operation.is_secured());
        match unprotected {
            Some(operation) => Err(StartError::Unprotected(operation.name.to_owned())),
            None => Ok(Self { spec, schemes }),
        }
    }

    /// Whom a handshake proves. A credential that is there and wrong refuses it, needed or not.
    pub(crate) async fn admit(&self, request: &AuthRequest) -> Result<Identity, AuthError> {
        let mut tried = Vec::with_capacity(self.schemes.len());
        for (by, authenticator) in &self.schemes {
            let claims = match request.credential(by.scheme) {
                Ok(Some(credential)) => authenticator.authenticate(&credential).await,
                Ok(None) => Err(AuthError::Missing),
                Err(fault) => Err(fault),
            };
            tried.push((*by, claims));
        }
        let mut identity = Identity::default();
        for (by, claims) in &tried {
            if let Ok(claims) = claims {
                identity.add(*by, claims.clone())?;
            }
        }
        // Two schemes may read the same credential, and one of them is enough.
        let is_wrong = |(by, claims): &&(Requirement, Result<Claims, AuthError>)| {
            let shared = identity
                .proved
                .iter()
                .any(|(other, _)| other.scheme.is_token() && by.scheme.is_token());
            !shared && !matches!(claims, Ok(_) | Err(AuthError::Missing))
        };
        if let Some((_, Err(fault))) = tried.iter().find(is_wrong) {
            return Err(fault.clone());
        }
        self.satisfied(&identity).map(|()| identity)
    }

    /// Whether the handshake's own requirements hold.
    fn satisfied(&self, identity: &Identity) -> Result<(), AuthError> {
        if self.spec.security.is_empty() || any_of(self.spec.security, identity) {
            return Ok(());
        }
        let without_scopes = |alternative: &&[Requirement]| {
            alternative
                .iter()
                .all(|requirement| identity.by(requirement.name).is_some())
        };
        if self.spec.security.iter().any(without_scopes) {
            return Err(AuthError::Forbidden("a scope is missing".to_owned()));
        }
        Err(AuthError::Missing)
    }

    /// Which operations this identity may use.
    pub(crate) fn granted(&self, identity: &Identity) -> Granted {
        self.spec
            .operations
            .iter()
            .map(|operation| is_granted(operation, identity))
            .collect()
    }

    /// Whether the operation at this position is one that clients send.
    pub(crate) fn is_received(&self, route: usize) -> bool {
        self.spec
            .operation(route)
            .is_some_and(|operation| operation.action == Action::Receive)
    }
}

fn is_granted(operation: &OperationSpec, identity: &Identity) -> bool {
    let by_security = operation.security.is_empty() || any_of(operation.security, identity);
    let by_permissions = operation.permissions.is_empty()
        || identity.claims().is_some_and(|claims| {
            operation
                .permissions
                .iter()
                .all(|permission| claims.has_permission(permission))
        });
    by_security && by_permissions
}

fn any_of(security: &[&[Requirement]], identity: &Identity) -> bool {
    security.iter().any(|alternative| {
        alternative.iter().all(|requirement| {
            identity.by(requirement.name).is_some_and(|claims| {
                requirement
                    .scopes
                    .iter()
                    .all(|scope| claims.has_scope(scope))
            })
        })
    })
}

fn requirements(spec: &'static ServiceSpec) -> impl Iterator<Item = Requirement> {
    let of_operations = spec.operations.iter().map(|operation| operation.security);
    std::iter::once(spec.security)
        .chain(of_operations)
        .flatten()
        .flat_map(|alternative| alternative.iter().copied())
}

/// Whether the constants fit each other.
fn check(spec: &ServiceSpec) -> Result<(), StartError> {
    let fault = |text: String| Err(StartError::Spec(text));
    if !spec.path.starts_with('/') {
        return fault(format!("the path `{}` does not begin with `/`", spec.path));
    }
    for channel in spec.channels {
        if !Template(channel.address).is_sound() {
            return fault(format!("the address `{}` is malformed", channel.address));
        }
        let names = |name: &str| Template(channel.address).names().any(|own| own == name);
        if let Some((name, _)) = channel.locations.iter().find(|(name, _)| !names(name)) {
            return fault(format!(
                "the address `{}` has no parameter `{name}`",
                channel.address
            ));
        }
    }
    for (place, operation) in spec.operations.iter().enumerate() {
        let name = operation.name;
        if spec.channel(operation.channel).is_none() {
            return fault(format!("operation `{name}` has no channel"));
        }
        if name.is_empty() || name.len() > 128 {
            return fault(format!("operation `{name}` needs a name of 1 to 128 bytes"));
        }
        if spec.route(name) != Some(place) {
            return fault(format!("two operations are named `{name}`"));
        }
    }
    Ok(())
}
