//! The request that opens a session or belongs to one, Engine.IO v4 "Transports".

use serde_json::json;

use crate::Sid;

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP requests: GET waits for packets, POST brings them.
    Polling,
    /// A WebSocket, one packet per message.
    Websocket,
}

impl Transport {
    /// Its word in the query and in the open packet.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }
}

/// The transports a server lets clients use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// WebSocket only: long-polling is an unknown transport.
    Websocket,
    /// Long-polling as well, from which a session may change to WebSocket.
    WebsocketAndPolling,
}

impl Offer {
    const fn includes(self, transport: Transport) -> bool {
        match (self, transport) {
            (_, Transport::Websocket) | (Self::WebsocketAndPolling, Transport::Polling) => true,
            (Self::Websocket, Transport::Polling) => false,
        }
    }
}

/// What an HTTP request says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The query string, without `?`.
    pub query: &'a str,
    /// Whether the request asks to become a WebSocket.
    pub upgrade: bool,
}

/// What an HTTP request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A new session.
    Open(Transport),
    /// `GET` by long-polling: the packets that wait, or the next ones.
    Poll(Sid),
    /// `POST` by long-polling: packets for the server.
    Push(Sid),
    /// A WebSocket for a session that began by long-polling.
    Upgrade(Sid),
}

impl Request {
    /// Reads `EIO=4&transport=websocket|polling[&sid=…]`; other parameters are nobody's business.
    ///
    /// Values are compared as they stand: no client escapes one of these, and an escaped or
    /// repeated one is as good as a wrong one. An empty `sid` is none; beside a `sid` the version
    /// was settled when the session began. Whether the session exists, on which transport it is,
    /// and whether it was upgraded already is the caller's to say, with
    /// [`Rejection::SessionUnknown`] and [`Rejection::BadRequest`].
    ///
    /// # Errors
    /// The [`Rejection`], judged in this order: transport, session, method, upgrade, version.
    pub fn parse(arrival: &Arrival<'_>, offer: Offer) -> Result<Self, Rejection> {
        let query = Query::parse(arrival.query);
        let transport = match query.transport {
            Parameter::Once("websocket") => Transport::Websocket,
            Parameter::Once("polling") => Transport::Polling,
            Parameter::Absent | Parameter::Once(_) | Parameter::Repeated => {
                return Err(Rejection::TransportUnknown);
            }
        };
        if !offer.includes(transport) {
            return Err(Rejection::TransportUnknown);
        }
        let sid = match query.sid {
            Parameter::Absent | Parameter::Once("") => None,
            Parameter::Once(text) => Some(Sid::parse(text).ok_or(Rejection::SessionUnknown)?),
            Parameter::Repeated => return Err(Rejection::SessionUnknown),
        };
        if let Some(sid) = sid {
            return match (transport, arrival.method, arrival.upgrade) {
                (Transport::Websocket, "GET", true) => Ok(Self::Upgrade(sid)),
                (Transport::Polling, "GET", false) => Ok(Self::Poll(sid)),
                (Transport::Polling, "POST", false) => Ok(Self::Push(sid)),
                (Transport::Websocket | Transport::Polling, _, _) => Err(Rejection::BadRequest),
            };
        }
        if arrival.method != "GET" {
            return Err(Rejection::BadHandshakeMethod);
        }
        if arrival.upgrade != (transport == Transport::Websocket) {
            return Err(Rejection::BadRequest);
        }
        match query.version {
            Parameter::Once("4") => Ok(Self::Open(transport)),
            Parameter::Absent | Parameter::Once(_) | Parameter::Repeated => {
                Err(Rejection::VersionUnsupported)
            }
        }
    }
}

/// Why an HTTP request gets no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.message())]
pub enum Rejection {
    /// The transport is missing, not known, or not offered.
    TransportUnknown,
    /// There is no such session, or no longer.
    SessionUnknown,
    /// A session is opened by GET.
    BadHandshakeMethod,
    /// The request does not fit its transport, or the session's.
    BadRequest,
    /// The server does not want this client.
    Forbidden,
    /// `EIO` is missing or not 4.
    VersionUnsupported,
}

impl Rejection {
    /// The number of Engine.IO, 0 to 5.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::TransportUnknown => 0,
            Self::SessionUnknown => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::VersionUnsupported => 5,
        }
    }

    /// The words that go with the number.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionUnknown => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::VersionUnsupported => "Unsupported protocol version",
        }
    }

    /// The HTTP status: 403 for [`Rejection::Forbidden`], else 400.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::TransportUnknown
            | Self::SessionUnknown
            | Self::BadHandshakeMethod
            | Self::BadRequest
            | Self::VersionUnsupported => 400,
        }
    }

    /// The body, `application/json`: `{"code":0,"message":"Transport unknown"}`.
    #[must_use]
    pub fn body(self) -> String {
        json!({ "code": self.code(), "message": self.message() }).to_string()
    }
}

/// The parameters that Engine.IO gave a meaning.
#[derive(Clone, Copy, Debug, Default)]
struct Query<'a> {
    version: Parameter<'a>,
    transport: Parameter<'a>,
    sid: Parameter<'a>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Parameter<'a> {
    #[default]
    Absent,
    Once(&'a str),
    Repeated,
}

impl<'a> Query<'a> {
    fn parse(text: &'a str) -> Self {
        let mut query = Self::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let parameter = match name {
                "EIO" => &mut query.version,
                "transport" => &mut query.transport,
                "sid" => &mut query.sid,
                _ => continue,
            };
            *parameter = match parameter {
                Parameter::Absent => Parameter::Once(value),
                Parameter::Once(_) | Parameter::Repeated => Parameter::Repeated,
            };
        }
        query
    }
}
