//! What clients must prove, as far as a WebSocket handshake can carry it.

use super::plan::Planning;
use super::{How, Need};
use crate::model::{HttpScheme, Requirement, Scheme, SchemeKind, Within};
use crate::source::Location;

impl Planning<'_> {
    /// The alternatives of a `security`; a scheme that is not supported is an error, never left out.
    pub(super) fn needs(&mut self, requirements: &[Requirement], at: &Location) -> Vec<Vec<Need>> {
        let mut alternatives = Vec::new();
        for requirement in requirements {
            let mut all = Vec::new();
            for needed in &requirement.all {
                let document = self.document;
                let Some(scheme) = document.scheme(needed.scheme) else {
                    continue;
                };
                match how(scheme) {
                    Some(how) => all.push(Need {
                        scheme: scheme.name.clone(),
                        how,
                        scopes: needed.scopes.clone(),
                    }),
                    None => {
                        let (name, kind) = (&scheme.name, label(scheme));
                        self.error(
                            at,
                            format!("the security scheme `{name}` ({kind}) cannot be checked at a WebSocket handshake"),
                        );
                    }
                }
            }
            alternatives.push(all);
        }
        alternatives
    }
}

fn how(scheme: &Scheme) -> Option<How> {
    match &scheme.kind {
        SchemeKind::Http(HttpScheme::Basic) => Some(How::HttpBasic),
        SchemeKind::Http(HttpScheme::Bearer(_)) => Some(How::HttpBearer),
        SchemeKind::HttpApiKey { name, within } => match within {
            Within::Cookie => Some(How::ApiKeyCookie(name.clone())),
            Within::Header => Some(How::ApiKeyHeader(name.clone())),
            Within::Query => Some(How::ApiKeyQuery(name.clone())),
            Within::Password | Within::User => None,
        },
        SchemeKind::Oauth2 { .. } => Some(How::OAuth2),
        SchemeKind::OpenIdConnect { .. } => Some(How::OpenIdConnect),
        SchemeKind::UserPassword => Some(How::UserPassword),
        SchemeKind::ApiKey(_) | SchemeKind::Http(HttpScheme::Other(_)) | SchemeKind::Other(_) => {
            None
        }
    }
}

fn label(scheme: &Scheme) -> String {
    match &scheme.kind {
        SchemeKind::Http(HttpScheme::Other(name)) => format!("http {name}"),
        kind => kind.label().to_owned(),
    }
}
