//! What a peer can do wrong after the handshake.

/// Why a session must be ended: the peer broke Engine.IO v4, Socket.IO v5 or a limit.
///
/// The reference server ends the engine of such a peer with `parse error`; so must the connection,
/// without a packet, and read no more. A body sent by long-polling is answered with
/// [`Violation::status`] besides.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Violation {
    /// An ack id with a leading zero, over 2^53-1, or on a packet that takes none.
    AckIdInvalid,
    /// An ack that does not say of what.
    AckIdMissing,
    /// More arguments than `Limits::arguments`.
    ArgumentsTooMany,
    /// A text message where a binary attachment was due.
    AssemblyInterrupted,
    /// A packet and its attachments of more than `Limits::assembly_bytes`.
    AssemblyTooBig,
    /// A count of attachments that is no count, or has a leading zero.
    AttachmentCountInvalid,
    /// A binary message that no packet announced.
    AttachmentUnannounced,
    /// More attachments announced than `Limits::attachments`.
    AttachmentsTooMany,
    /// Base64 that is none.
    Base64Invalid,
    /// A long-polling body of bytes: Engine.IO v4 sends base64 in text.
    BodyBinary,
    /// A long-polling body of more than `maxPayload` bytes.
    BodyTooBig,
    /// A long-polling body that is not UTF-8.
    BodyUtf8Invalid,
    /// A `CONNECT_ERROR` from a client.
    ConnectErrorFromClient,
    /// A second CONNECT for a namespace that is connected, or about to be.
    ConnectRepeated,
    /// Content in an Engine.IO packet that has none.
    EngineContentUnexpected,
    /// An Engine.IO packet of no bytes.
    EnginePacketEmpty,
    /// An Engine.IO packet that its sender may not send, or not now.
    EnginePacketUnexpected,
    /// An Engine.IO packet of a type that does not exist.
    EngineTypeUnknown,
    /// An event whose name is neither a string nor a number, or has none.
    EventNameInvalid,
    /// An event with a name that the libraries of both sides keep for themselves.
    EventNameReserved,
    /// A namespace of more than [`crate::packet::NAMESPACE_BYTES_MAX`] bytes.
    NamespaceTooLong,
    /// A packet for a namespace that is not connected.
    NamespaceUnconnected,
    /// More than [`crate::packet::NAMESPACES_MAX`] namespaces at a time.
    NamespacesTooMany,
    /// An open packet without what one must hold.
    OpenInvalid,
    /// A Socket.IO packet of no bytes.
    PacketEmpty,
    /// A Socket.IO packet of a type that does not exist.
    PacketTypeUnknown,
    /// A payload that is not JSON, or JSON of the wrong kind.
    PayloadInvalid,
    /// No payload where one is due.
    PayloadMissing,
    /// A payload where none may be.
    PayloadUnexpected,
    /// A placeholder for no attachment, or with more or less in it than its number.
    PlaceholderInvalid,
    /// Two placeholders for one attachment.
    PlaceholderRepeated,
    /// An attachment without a placeholder.
    PlaceholderUnused,
}

impl Violation {
    /// Why, for logs: ASCII, without anything that the peer sent.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AckIdInvalid => "invalid ack id",
            Self::AckIdMissing => "ack without id",
            Self::ArgumentsTooMany => "too many arguments",
            Self::AssemblyInterrupted => "text message instead of an attachment",
            Self::AssemblyTooBig => "attachments too big",
            Self::AttachmentCountInvalid => "invalid number of attachments",
            Self::AttachmentUnannounced => "binary message without a packet",
            Self::AttachmentsTooMany => "too many attachments",
            Self::Base64Invalid => "invalid base64",
            Self::BodyBinary => "binary body",
            Self::BodyTooBig => "body too big",
            Self::BodyUtf8Invalid => "body is not UTF-8",
            Self::ConnectErrorFromClient => "CONNECT_ERROR from a client",
            Self::ConnectRepeated => "second CONNECT",
            Self::EngineContentUnexpected => "content in an engine packet without one",
            Self::EnginePacketEmpty => "empty engine packet",
            Self::EnginePacketUnexpected => "unexpected engine packet",
            Self::EngineTypeUnknown => "unknown engine packet type",
            Self::EventNameInvalid => "invalid event name",
            Self::EventNameReserved => "reserved event name",
            Self::NamespaceTooLong => "namespace too long",
            Self::NamespaceUnconnected => "packet before CONNECT",
            Self::NamespacesTooMany => "too many namespaces",
            Self::OpenInvalid => "invalid open packet",
            Self::PacketEmpty => "empty packet",
            Self::PacketTypeUnknown => "unknown packet type",
            Self::PayloadInvalid => "invalid payload",
            Self::PayloadMissing => "payload missing",
            Self::PayloadUnexpected => "unexpected payload",
            Self::PlaceholderInvalid => "invalid placeholder",
            Self::PlaceholderRepeated => "attachment used twice",
            Self::PlaceholderUnused => "attachment without a placeholder",
        }
    }

    /// The HTTP status for the long-polling request that did it: 413 too big, else 400.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::AssemblyTooBig | Self::BodyTooBig => 413,
            Self::AckIdInvalid
            | Self::AckIdMissing
            | Self::ArgumentsTooMany
            | Self::AssemblyInterrupted
            | Self::AttachmentCountInvalid
            | Self::AttachmentUnannounced
            | Self::AttachmentsTooMany
            | Self::Base64Invalid
            | Self::BodyBinary
            | Self::BodyUtf8Invalid
            | Self::ConnectErrorFromClient
            | Self::ConnectRepeated
            | Self::EngineContentUnexpected
            | Self::EnginePacketEmpty
            | Self::EnginePacketUnexpected
            | Self::EngineTypeUnknown
            | Self::EventNameInvalid
            | Self::EventNameReserved
            | Self::NamespaceTooLong
            | Self::NamespaceUnconnected
            | Self::NamespacesTooMany
            | Self::OpenInvalid
            | Self::PacketEmpty
            | Self::PacketTypeUnknown
            | Self::PayloadInvalid
            | Self::PayloadMissing
            | Self::PayloadUnexpected
            | Self::PlaceholderInvalid
            | Self::PlaceholderRepeated
            | Self::PlaceholderUnused => 400,
        }
    }
}
