//! Which surface a path leads to, and what the path itself says.

use conclave_dialects::{CONVERSATION, FEED, TOPICS, WALLET};
use conclave_protocol::{RoomId, UserId};
use conclave_socketio::{CONFORMANCE, ENGINE_ECHO, SOCKETIO, SOCKETIO_EVENT_FAILURE};
use percent_encoding::percent_decode_str;

use crate::config::{AuthFailure, Setup};
use crate::service::SERVICE;
use crate::worker::Surface;

/// A surface, and what its path says.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) surface: Surface,
    pub(crate) kind: RouteKind,
    /// The user whose feed or conversation it is; anybody else is refused.
    pub(crate) user: PathUser,
    /// The conversation.
    pub(crate) room: Option<RoomId>,
}

/// Which part of the configuration rules a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteKind {
    Conversation,
    Echo,
    Service,
    SocketIo,
    Topics,
    Wallet,
}

/// Whose path it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathUser {
    /// The path names nobody.
    Anybody,
    /// The path names what is no user id.
    Nobody,
    /// This one's.
    Only(UserId),
}

/// The surface at a path; `None` where it is for HTTP.
pub(crate) fn route(setup: &Setup, path: &str) -> Option<Route> {
    let config = &setup.config;
    let plain = |surface, kind| Route {
        surface,
        kind,
        user: PathUser::Anybody,
        room: None,
    };
    if config.topics.enabled && path == config.topics.path {
        return Some(plain(Surface::Dialect(&TOPICS), RouteKind::Topics));
    }
    if config.socketio.enabled && is_same_but_slash(path, &config.socketio.path) {
        let surface = match config.socketio.auth_failure {
            _ if setup.profile.conformance => Surface::Dialect(&CONFORMANCE),
            AuthFailure::Event => Surface::Dialect(&SOCKETIO_EVENT_FAILURE),
            AuthFailure::Refuse => Surface::Dialect(&SOCKETIO),
        };
        return Some(plain(surface, RouteKind::SocketIo));
    }
    if setup.profile.conformance && is_same_but_slash(path, ENGINE_ECHO_PATH) {
        let surface = Surface::Dialect(&ENGINE_ECHO);
        return Some(plain(surface, RouteKind::SocketIo));
    }
    if setup.profile.conformance && path == "/echo" {
        return Some(plain(Surface::Echo, RouteKind::Echo));
    }
    if config.service.enabled && path == config.service.path {
        return Some(plain(Surface::Dialect(&SERVICE), RouteKind::Service));
    }
    if config.wallet.enabled
        && let Some(below) = path.strip_prefix(config.wallet.path.trim_end_matches('/'))
        && let Some(user) = below.strip_prefix('/')
    {
        return wallet(user);
    }
    if config.conversation.enabled {
        let below = path.strip_prefix(config.conversation.path.trim_end_matches('/'))?;
        return conversation(below.strip_prefix('/')?);
    }
    None
}

/// `{user_id}`, or `conversation/{user_id}/{conversation_id}`.
fn conversation(below: &str) -> Option<Route> {
    let mut parts = below.split('/');
    let (first, second, third, rest) = (parts.next()?, parts.next(), parts.next(), parts.next());
    let (surface, user, room) = match (first, second, third, rest) {
        ("", ..) => return None,
        (user, None, None, None) => (Surface::Dialect(&FEED), user, None),
        ("conversation", Some(user), Some(room), None) => {
            let room = decoded(room).and_then(|room| RoomId::new(&room).ok());
            (Surface::Dialect(&CONVERSATION), user, room)
        }
        _ => return None,
    };
    Some(Route {
        surface,
        kind: RouteKind::Conversation,
        user: path_user(user),
        room,
    })
}

/// `{user_id}`.
fn wallet(user: &str) -> Option<Route> {
    let names_one = !user.is_empty() && !user.contains('/');
    names_one.then(|| Route {
        surface: Surface::Dialect(&WALLET),
        kind: RouteKind::Wallet,
        user: path_user(user),
        room: None,
    })
}

fn path_user(part: &str) -> PathUser {
    let user = decoded(part).and_then(|user| UserId::new(&user).ok());
    user.map_or(PathUser::Nobody, PathUser::Only)
}

fn decoded(part: &str) -> Option<String> {
    let decoded = percent_decode_str(part).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn is_same_but_slash(path: &str, configured: &str) -> bool {
    path.trim_end_matches('/') == configured.trim_end_matches('/')
}

/// Where Engine.IO's protocol suite finds its echo.
pub(crate) const ENGINE_ECHO_PATH: &str = "/engine.io/";
