//! Servers of both generations.

use super::{Generation, Reader};
use crate::model::{Server, Variable};
use crate::source::Cursor;

impl<'a> Reader<'a> {
    pub(super) fn servers(&self, root: &Cursor<'a>, generation: Generation) -> Vec<Server> {
        let Some(servers) = self.object(root, "servers") else {
            return Vec::new();
        };
        let read = |(name, server): (&str, Cursor<'a>)| {
            let server = self.follow(server)?;
            self.is_object(&server, "server")
                .then(|| self.server(name, &server, generation))
        };
        servers.entries().into_iter().filter_map(read).collect()
    }

    fn server(&self, name: &str, cursor: &Cursor<'a>, generation: Generation) -> Server {
        let protocol = self
            .required_text(cursor, "protocol")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let (host, pathname) = match generation {
            Generation::Two => {
                let url = self.required_text(cursor, "url").unwrap_or_default();
                self.tell_other_scheme(cursor, &url, &protocol);
                host_and_path(&url)
            }
            Generation::Three => self.host(cursor),
        };
        Server {
            name: name.to_owned(),
            host,
            pathname,
            description: self.text(cursor, "description"),
            variables: self.variables(cursor),
            security: self.security(self.list(cursor, "security"), generation),
            bindings: self.raw(cursor, "bindings"),
            at: cursor.location(),
            protocol,
        }
    }

    /// 3.x: `host` and `pathname`; a whole address under either is told.
    fn host(&self, cursor: &Cursor<'a>) -> (String, Option<String>) {
        if let Some(url) = cursor.get("url") {
            self.error(
                &url,
                "a server of AsyncAPI 3 has `host` and `pathname`, not `url`",
            );
        }
        let host = self.required_text(cursor, "host").unwrap_or_default();
        let pathname = self.text(cursor, "pathname");
        if let Some(field) = cursor.get("host").filter(|_| host.contains("://")) {
            self.warning(
                &field,
                "`host` is a host and perhaps a port; its scheme is ignored",
            );
        }
        let (host, in_host) = host_and_path(&host);
        (host, pathname.or(in_host))
    }

    fn tell_other_scheme(&self, cursor: &Cursor<'a>, url: &str, protocol: &str) {
        let Some((scheme, _)) = url.split_once("://") else {
            return;
        };
        let websocket = |name: &str| matches!(name, "ws" | "wss");
        let scheme = scheme.to_ascii_lowercase();
        let (Some(field), true) = (cursor.get("url"), scheme != protocol) else {
            return;
        };
        if websocket(&scheme) && websocket(protocol) {
            self.warning(
                &field,
                format!("`url` begins with `{scheme}:` but `protocol` is `{protocol}`"),
            );
        }
    }

    fn variables(&self, cursor: &Cursor<'a>) -> Vec<Variable> {
        let Some(variables) = self.object(cursor, "variables") else {
            return Vec::new();
        };
        let read = |(name, variable): (&str, Cursor<'a>)| {
            let variable = self.follow(variable)?;
            Some(Variable {
                name: name.to_owned(),
                choices: self.texts(&variable, "enum"),
                default: self.text(&variable, "default"),
                description: self.text(&variable, "description"),
            })
        };
        variables.entries().into_iter().filter_map(read).collect()
    }
}

/// `wss://api.example.com:8080/chat` as host and path.
fn host_and_path(url: &str) -> (String, Option<String>) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.split_once('/') {
        Some((host, path)) => (host.to_owned(), Some(format!("/{path}"))),
        None => (rest.to_owned(), None),
    }
}
