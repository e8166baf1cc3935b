//! From a document to what its crate consists of.

use crate::diagnostic::{Diagnostic, Severity, has_errors};
use crate::model::{Document, Server};
use crate::service::{Example, Options, Service};
use crate::shape::{self, Misfit, Plan, Type};
use crate::source::Location;

/// What is needed while a service is planned.
pub(super) struct Planning<'d> {
    pub(super) document: &'d Document,
    pub(super) options: &'d Options,
    pub(super) shapes: Plan,
    found: Vec<Diagnostic>,
}

/// Decides what the crate of a document consists of, or says why there can be none.
///
/// The document must have been read without errors.
///
/// # Errors
/// Everything that the document asks for and that is not supported, with its place.
pub fn plan(
    document: &Document,
    options: &Options,
) -> Result<(Service, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut planning = Planning {
        document,
        options,
        shapes: Plan::new(document),
        found: Vec::new(),
    };
    let service = planning.service();
    let Planning {
        shapes, mut found, ..
    } = planning;
    let (shapes, more) = shapes.finish();
    found.extend(more);
    let service = service.map(|service| Service { shapes, ..service });
    let service = service.map(|service| sampled(service, &mut found));
    found.sort();
    found.dedup();
    match service {
        Some(service) if !has_errors(&found) => Ok((service, found)),
        _ => Err(found),
    }
}

impl<'d> Planning<'d> {
    fn service(&mut self) -> Option<Service> {
        let (index, server) = self.server()?;
        let base = shape::type_name(&self.document.title).unwrap_or_else(|| "Service".to_owned());
        let client = self.shapes.take_name(&format!("{base}Client"));
        let event = self.shapes.take_name(&format!("{base}Event"));
        let security = self.needs(&server.security, &server.at);
        let (ids, mut channels) = self.channels(index);
        let operations = self.operations(&ids, &channels);
        self.parameters(&ids, &mut channels);
        let pathname = server
            .pathname
            .clone()
            .map(|path| self.filled(server, &path));
        let path = pathname.unwrap_or_else(|| "/".to_owned());
        if path.contains('{') {
            self.error(&server.at, "the path has a variable without a default");
        }
        Some(Service {
            crate_name: crate_name(&self.document.title),
            title: self.document.title.clone(),
            version: self.document.api_version.clone(),
            description: self.document.description.clone(),
            asyncapi: self.document.version.clone(),
            url: format!(
                "{}://{}{path}",
                server.protocol,
                self.filled(server, &server.host)
            ),
            path,
            spelling: match self.document.spellings.as_slice() {
                [own, other] if own != other => Some(*own),
                _ => None,
            },
            security,
            channels,
            operations,
            client,
            event,
            shapes: shape::Shapes::default(),
        })
    }

    /// The server whose path and security count.
    fn server(&mut self) -> Option<(usize, &'d Server)> {
        let document = self.document;
        let all = document.servers.iter().enumerate();
        let sockets: Vec<(usize, &Server)> =
            all.filter(|(_, server)| server.is_websocket()).collect();
        let chosen = match &self.options.server {
            // Rather the one that asks for something: an open one beside it must not open the rest.
            None => sockets
                .iter()
                .find(|(_, server)| is_secured(server))
                .or(sockets.first()),
            Some(name) => sockets.iter().find(|(_, server)| server.name == *name),
        };
        let (index, server) = chosen.copied().or_else(|| {
            self.found.push(Diagnostic {
                file: String::new(),
                place: crate::diagnostic::Place::START,
                pointer: "/servers".to_owned(),
                severity: Severity::Error,
                message: self.options.server.as_ref().map_or_else(
                    || "the document has no WebSocket server (`protocol: ws` or `wss`)".to_owned(),
                    |name| format!("the document has no WebSocket server `{name}`"),
                ),
            });
            None
        })?;
        let others = document.servers.iter().filter(|other| other.is_websocket());
        if self.options.server.is_none()
            && others
                .clone()
                .any(|other| other.security != server.security)
        {
            self.warning(
                &server.at,
                format!(
                    "other servers ask for other security; the crate asks for what `{}` does",
                    server.name
                ),
            );
        }
        Some((index, server))
    }

    /// Text with the server's variables filled in by their defaults, or first choices.
    fn filled(&self, server: &Server, text: &str) -> String {
        let mut filled = text.to_owned();
        for variable in &server.variables {
            let value = variable.default.as_ref().or(variable.choices.first());
            if let Some(value) = value {
                filled = filled.replace(&format!("{{{}}}", variable.name), value);
            }
        }
        filled
    }

    pub(super) fn error(&mut self, at: &Location, message: impl Into<String>) {
        self.find(at, Severity::Error, message.into());
    }

    pub(super) fn warning(&mut self, at: &Location, message: impl Into<String>) {
        self.find(at, Severity::Warning, message.into());
    }

    fn find(&mut self, at: &Location, severity: Severity, message: String) {
        self.found.push(Diagnostic {
            file: at.file.to_string(),
            place: at.place,
            pointer: at.pointer.clone(),
            severity,
            message,
        });
    }
}

/// Whether nobody may connect without proving something.
fn is_secured(server: &Server) -> bool {
    !server.security.is_empty()
        && server
            .security
            .iter()
            .all(|requirement| !requirement.all.is_empty())
}

/// The service with the examples that fit their types, and a sample for each operation.
fn sampled(mut service: Service, found: &mut Vec<Diagnostic>) -> Service {
    let shapes = &service.shapes;
    let mut fitting = |of: &Type, examples: &mut Vec<Example>| {
        examples.retain(|example| {
            let misfit = shapes.fits(of, &example.payload).err();
            if let Some(misfit) = &misfit {
                found.push(unfit(example, misfit));
            }
            misfit.is_none()
        });
        let first = examples.first().map(|example| example.payload.clone());
        first.or_else(|| shapes.sample(of))
    };
    for operation in &mut service.operations {
        operation.sample = fitting(&operation.payload, &mut operation.examples);
        if let Some(reply) = &operation.reply {
            operation.reply_sample = fitting(reply, &mut operation.reply_examples);
        }
    }
    service
}

fn unfit(example: &Example, misfit: &Misfit) -> Diagnostic {
    let Misfit { path, sentence } = misfit;
    let place = if path.is_empty() { "payload" } else { path };
    Diagnostic {
        file: example.at.file.to_string(),
        place: example.at.place,
        pointer: example.at.pointer.clone(),
        severity: Severity::Warning,
        message: format!(
            "the example does not fit its schema, so it is not tested: `{place}`: {sentence}"
        ),
    }
}

/// A name for a crate: `kebab-case`, and none that Cargo keeps for itself.
fn crate_name(title: &str) -> String {
    let name = shape::snake(title).replace('_', "-");
    let kept = [
        "test",
        "core",
        "std",
        "alloc",
        "build",
        "deps",
        "examples",
        "conclave-service",
        "serde",
        "tokio",
    ];
    match name.chars().next() {
        None => "service".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("service-{name}"),
        Some(_) if kept.contains(&name.as_str()) || shape::is_keyword(&name) => {
            format!("{name}-service")
        }
        Some(_) => name,
    }
}
