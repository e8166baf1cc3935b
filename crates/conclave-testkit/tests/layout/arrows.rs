//! Which crate may import which: the table of ARCHITECTURE.md. An arrow not drawn is forbidden.

use crate::tree::Manifest;

/// A crate of ours and those of ours that it may import.
pub(crate) const DRAWN: &[(&str, &[&str])] = &[
    (
        "conclave-assistant",
        &["conclave-core", "conclave-protocol"],
    ),
    ("conclave-asyncapi", &[]),
    ("conclave-auth", &["conclave-protocol"]),
    // Its build makes it, with the generator.
    ("conclave-chat", &["conclave-asyncapi", "conclave-service"]),
    ("conclave-client", &["conclave-websocket"]),
    ("conclave-core", &["conclave-protocol"]),
    ("conclave-dialects", &["conclave-protocol"]),
    ("conclave-pages", &[]),
    ("conclave-protocol", &[]),
    (
        "conclave-redis",
        &["conclave-auth", "conclave-core", "conclave-protocol"],
    ),
    (
        "conclave-server",
        &[
            "conclave-assistant",
            "conclave-asyncapi",
            "conclave-auth",
            "conclave-chat",
            "conclave-client",
            "conclave-core",
            "conclave-dialects",
            "conclave-pages",
            "conclave-protocol",
            "conclave-redis",
            "conclave-service",
            "conclave-socketio",
            "conclave-store",
            "conclave-wallet",
            "conclave-websocket",
        ],
    ),
    (
        "conclave-service",
        &[
            "conclave-auth",
            "conclave-protocol",
            // Its tests need its own features.
            "conclave-service",
            "conclave-websocket",
        ],
    ),
    ("conclave-socketio", &["conclave-protocol"]),
    (
        "conclave-store",
        &["conclave-auth", "conclave-core", "conclave-protocol"],
    ),
    (
        TESTKIT,
        &["conclave-auth", "conclave-core", "conclave-protocol"],
    ),
    (
        "conclave-wallet",
        &["conclave-client", "conclave-core", "conclave-protocol"],
    ),
    ("conclave-websocket", &[]),
    ("conclave-yardsticks", &[]),
];

/// Only tests may import it, but those of any crate of ours.
const TESTKIT: &str = "conclave-testkit";

/// The libraries that get time, randomness and bytes as arguments.
const PURE: &[&str] = &[
    "conclave-asyncapi",
    "conclave-auth",
    "conclave-core",
    "conclave-dialects",
    "conclave-protocol",
    "conclave-socketio",
    "conclave-websocket",
];

/// What only the server, the store and the bus may import: sockets, files, randomness, a runtime.
const IMPURE: &[&str] = &[
    "axum",
    "getrandom",
    "hyper",
    "hyper-util",
    "rand",
    "redis",
    "reqwest",
    "rustix",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-rustls",
];

/// The arrows of one crate that the table does not draw.
pub(crate) fn undrawn(manifest: &Manifest) -> Vec<String> {
    let name = manifest.name();
    let Some((_, drawn)) = DRAWN.iter().find(|(from, _)| *from == name) else {
        return vec![format!(
            "{}: `{name}` is not in the table of arrows, draw what it may import first",
            manifest.path
        )];
    };
    let forbidden = |(table, to): &(String, String)| {
        let ours = to.starts_with("conclave-");
        let for_tests = table.ends_with("dev-dependencies") && to == TESTKIT;
        ours && !for_tests && !drawn.contains(&to.as_str())
    };
    imports(&manifest.toml)
        .into_iter()
        .filter(forbidden)
        .map(|(table, to)| {
            format!(
                "{}: `{name}` imports `{to}` in [{table}], no such arrow is drawn",
                manifest.path
            )
        })
        .collect()
}

/// The imports of a pure library that reach for the outside world; its tests may.
pub(crate) fn impure(manifest: &Manifest) -> Vec<String> {
    let name = manifest.name();
    if !PURE.contains(&name) {
        return Vec::new();
    }
    imports(&manifest.toml)
        .into_iter()
        .filter(|(table, to)| !table.ends_with("dev-dependencies") && IMPURE.contains(&to.as_str()))
        .map(|(_, to)| {
            format!(
                "{}: `{name}` is deterministic, it cannot import `{to}`",
                manifest.path
            )
        })
        .collect()
}

/// Every import as (name of its table, crate), renamed ones under their real name.
fn imports(manifest: &toml::Table) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else {
            continue;
        };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                found.extend(table.iter().map(|entry| (key.clone(), real_name(entry))));
            }
            "target" => {
                for (platform, nested) in table {
                    let nested = nested.as_table().map(imports).unwrap_or_default();
                    let prefixed = |(key, to)| (format!("target.{platform}.{key}"), to);
                    found.extend(nested.into_iter().map(prefixed));
                }
            }
            _ => {}
        }
    }
    found
}

fn real_name((key, value): (&String, &toml::Value)) -> String {
    let package = value.get("package").and_then(toml::Value::as_str);
    package.unwrap_or(key).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, rest: &str) -> Manifest {
        Manifest::parse(
            "x/Cargo.toml",
            &format!("[package]\nname = \"{name}\"\n{rest}"),
        )
        .unwrap()
    }

    #[track_caller]
    fn refused(name: &str, rest: &str, word: &str) {
        let offences = undrawn(&manifest(name, rest));
        assert_eq!(offences.len(), 1, "{offences:?}");
        assert!(
            offences.iter().all(|offence| offence.contains(word)),
            "{offences:?}"
        );
    }

    #[test]
    fn a_drawn_arrow_passes() {
        let rest = "[dependencies]\nconclave-protocol.workspace = true\nserde.workspace = true";
        assert!(undrawn(&manifest("conclave-core", rest)).is_empty());
    }

    #[test]
    fn an_undrawn_arrow_fails_with_a_sentence() {
        let rest = "[dependencies]\nconclave-core.workspace = true";
        refused(
            "conclave-protocol",
            rest,
            "`conclave-protocol` imports `conclave-core`",
        );
        refused("conclave-yardsticks", rest, "conclave-core");
    }

    #[test]
    fn a_renamed_or_nested_import_does_not_hide() {
        let renamed = "[dependencies]\nhub = { package = \"conclave-core\", path = \"..\" }";
        refused("conclave-auth", renamed, "conclave-core");
        let nested = "[target.'cfg(unix)'.dependencies]\nconclave-core.workspace = true";
        refused("conclave-auth", nested, "target.cfg(unix).dependencies");
        let build = "[build-dependencies]\nconclave-core.workspace = true";
        refused("conclave-auth", build, "build-dependencies");
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let dev = "[dev-dependencies]\nconclave-testkit.workspace = true";
        assert!(undrawn(&manifest("conclave-store", dev)).is_empty());
        let normal = "[dependencies]\nconclave-testkit.workspace = true";
        refused("conclave-server", normal, "conclave-testkit");
    }

    #[test]
    fn tests_follow_the_arrows_too() {
        let dev = "[dev-dependencies]\nconclave-server.workspace = true";
        refused("conclave-core", dev, "dev-dependencies");
    }

    #[test]
    fn a_crate_missing_from_the_table_fails() {
        refused("conclave-new", "", "not in the table");
    }

    #[test]
    fn a_pure_library_with_a_socket_fails() {
        let rest = "[dependencies]\ntokio.workspace = true";
        assert_eq!(impure(&manifest("conclave-core", rest)).len(), 1);
        assert!(impure(&manifest("conclave-server", rest)).is_empty());
        let dev = "[dev-dependencies]\ntokio.workspace = true";
        assert!(impure(&manifest("conclave-core", dev)).is_empty());
    }
}
