//! Security schemes and what asks for them.

use super::{Generation, Reader};
use crate::model::{HttpScheme, Needed, Requirement, Scheme, SchemeId, SchemeKind, Within};
use crate::source::Cursor;

impl<'a> Reader<'a> {
    /// The alternatives of a `security` list. One that cannot be read is an error, never dropped
    /// silently: less security than written would be worse than none.
    pub(crate) fn security(
        &self,
        items: Vec<Cursor<'a>>,
        generation: Generation,
    ) -> Vec<Requirement> {
        let read = |item| match generation {
            Generation::Two => self.requirement_by_names(&item),
            Generation::Three => self.requirement(item),
        };
        items.into_iter().filter_map(read).collect()
    }

    /// 3.x: the scheme itself, with its scopes.
    fn requirement(&self, item: Cursor<'a>) -> Option<Requirement> {
        let cursor = self.follow(item)?;
        if !self.is_object(&cursor, "security") {
            return None;
        }
        if cursor.get("type").is_none() {
            self.error(
                &cursor,
                "expected a security scheme or a `$ref` to one (names with scopes are of AsyncAPI 2.x)",
            );
            return None;
        }
        let scopes = self.texts(&cursor, "scopes");
        let scheme = self.scheme(cursor)?;
        Some(Requirement {
            all: vec![Needed { scheme, scopes }],
        })
    }

    /// 2.x: names of schemes, each with its scopes; all of one object are needed together.
    fn requirement_by_names(&self, item: &Cursor<'a>) -> Option<Requirement> {
        if !self.is_object(item, "security") {
            return None;
        }
        let mut all = Vec::new();
        for (name, scopes) in item.entries() {
            let scheme = self.named_scheme(name);
            let Some(scheme) = scheme else {
                self.error(
                    &scopes,
                    format!("there is no `{name}` in components.securitySchemes"),
                );
                return None;
            };
            let scopes = self.texts(item, name);
            all.push(Needed { scheme, scopes });
        }
        Some(Requirement { all })
    }

    fn named_scheme(&self, name: &str) -> Option<SchemeId> {
        let root = self.sources.main()?.path.clone();
        let components = self.object(&self.sources.root(&root)?, "components")?;
        let schemes = self.object(&components, "securitySchemes")?;
        self.scheme(self.field(&schemes, name)?)
    }

    /// The scheme that a value is; its references are followed already.
    pub(crate) fn scheme(&self, cursor: Cursor<'a>) -> Option<SchemeId> {
        let key = cursor.key();
        if let Some(known) = self.schemes.borrow().known(&key) {
            return Some(known);
        }
        if !self.is_object(&cursor, "security scheme") {
            return None;
        }
        let kind = self.scheme_kind(&cursor)?;
        let key_name = cursor.last_name();
        let scheme = Scheme {
            name: if key_name.parse::<usize>().is_ok() {
                kind.label().to_owned()
            } else {
                key_name
            },
            kind,
            description: self.text(&cursor, "description"),
            at: cursor.location(),
        };
        Some(self.schemes.borrow_mut().add(key, scheme, SchemeId))
    }

    fn scheme_kind(&self, cursor: &Cursor<'a>) -> Option<SchemeKind> {
        let kind = self.required_text(cursor, "type")?;
        Some(match kind.as_str() {
            "apiKey" => SchemeKind::ApiKey(self.within(cursor, &[Within::User, Within::Password])?),
            "http" => {
                let scheme = self.required_text(cursor, "scheme")?;
                SchemeKind::Http(match scheme.to_ascii_lowercase().as_str() {
                    "basic" => HttpScheme::Basic,
                    "bearer" => HttpScheme::Bearer(self.text(cursor, "bearerFormat")),
                    _ => HttpScheme::Other(scheme),
                })
            }
            "httpApiKey" => SchemeKind::HttpApiKey {
                name: self.required_text(cursor, "name")?,
                within: self.within(cursor, &[Within::Query, Within::Header, Within::Cookie])?,
            },
            "oauth2" => SchemeKind::Oauth2 {
                scopes: self.flow_scopes(cursor),
            },
            "openIdConnect" => SchemeKind::OpenIdConnect {
                url: self.required_text(cursor, "openIdConnectUrl")?,
            },
            "userPassword" => SchemeKind::UserPassword,
            "X509"
            | "symmetricEncryption"
            | "asymmetricEncryption"
            | "plain"
            | "scramSha256"
            | "scramSha512"
            | "gssapi" => SchemeKind::Other(kind),
            _ => {
                let field = cursor.get("type")?;
                self.error(&field, format!("`{kind}` is no type of security scheme"));
                return None;
            }
        })
    }

    fn within(&self, cursor: &Cursor<'a>, allowed: &[Within]) -> Option<Within> {
        let written = self.required_text(cursor, "in")?;
        let found = allowed.iter().find(|within| within.label() == written);
        if found.is_none() {
            let labels: Vec<&str> = allowed.iter().map(|within| within.label()).collect();
            let field = cursor.get("in")?;
            self.error(
                &field,
                format!("`in` is `{written}`, expected one of {}", labels.join(", ")),
            );
        }
        found.copied()
    }

    /// Every scope of every flow (`scopes` in 2.x, `availableScopes` in 3.x).
    fn flow_scopes(&self, cursor: &Cursor<'a>) -> Vec<String> {
        let mut scopes: Vec<String> = Vec::new();
        let Some(flows) = self.object(cursor, "flows") else {
            self.error(cursor, "`flows` is missing");
            return scopes;
        };
        for (_, flow) in flows.entries() {
            for name in ["availableScopes", "scopes"] {
                let Some(offered) = self.field(&flow, name) else {
                    continue;
                };
                for (scope, _) in offered.entries() {
                    if !scopes.iter().any(|known| known == scope) {
                        scopes.push(scope.to_owned());
                    }
                }
            }
        }
        scopes
    }
}

impl Within {
    /// As documents write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Header => "header",
            Self::Password => "password",
            Self::Query => "query",
            Self::User => "user",
        }
    }
}

impl SchemeKind {
    /// `type` as documents write it.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::ApiKey(_) => "apiKey",
            Self::Http(_) => "http",
            Self::HttpApiKey { .. } => "httpApiKey",
            Self::Oauth2 { .. } => "oauth2",
            Self::OpenIdConnect { .. } => "openIdConnect",
            Self::Other(kind) => kind,
            Self::UserPassword => "userPassword",
        }
    }
}
