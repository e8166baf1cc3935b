//! What a peer can do wrong after the handshake.

/// Why a connection must be closed: the peer broke RFC 6455, RFC 7692 or a limit.
///
/// The connection sends a Close with [`Violation::close_code`] and [`Violation::reason`] and reads
/// no more: what follows in the stream has no meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Violation {
    /// A close code outside 1000-1003, 1007-1014 and 3000-4999.
    CloseCodeIllegal,
    /// A close body of one byte: half a code.
    CloseCodeTruncated,
    /// A continuation frame while no fragmented message is under way.
    ContinuationWithoutStart,
    /// A ping, pong or close without FIN.
    ControlFragmented,
    /// A ping, pong or close of more than 125 bytes.
    ControlTooLong,
    /// A compressed message that is no whole DEFLATE stream.
    DeflateInvalid,
    /// More fragments in one message than `DecoderLimits::fragments`.
    FragmentsTooMany,
    /// A payload length written in more bytes than it needs.
    LengthNotMinimal,
    /// A payload length with the top bit set.
    LengthOverflow,
    /// A server's frame with a mask.
    Masked,
    /// A text or binary frame inside a fragmented message.
    MessageInterleaved,
    /// A message of more than `DecoderLimits::message_bytes`, inflated where it was compressed.
    MessageTooBig,
    /// An opcode that no RFC defines.
    OpcodeReserved,
    /// RSV2, RSV3, or an RSV1 that no negotiated extension explains.
    ReservedBits,
    /// A client's frame without a mask.
    Unmasked,
    /// A text message or close reason that is not UTF-8.
    Utf8Invalid,
}

impl Violation {
    /// The code for the Close frame: 1002 protocol error, 1007 data not of its kind, 1009 too big.
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::CloseCodeIllegal
            | Self::CloseCodeTruncated
            | Self::ContinuationWithoutStart
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::LengthNotMinimal
            | Self::LengthOverflow
            | Self::Masked
            | Self::MessageInterleaved
            | Self::OpcodeReserved
            | Self::ReservedBits
            | Self::Unmasked => 1002,
            Self::DeflateInvalid | Self::Utf8Invalid => 1007,
            Self::FragmentsTooMany | Self::MessageTooBig => 1009,
        }
    }

    /// The reason for the Close frame: ASCII, at most 123 bytes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::CloseCodeIllegal => "illegal close code",
            Self::CloseCodeTruncated => "close body of one byte",
            Self::ContinuationWithoutStart => "continuation without a start",
            Self::ControlFragmented => "fragmented control frame",
            Self::ControlTooLong => "control frame over 125 bytes",
            Self::DeflateInvalid => "invalid compressed data",
            Self::FragmentsTooMany => "too many fragments",
            Self::LengthNotMinimal => "payload length not minimal",
            Self::LengthOverflow => "payload length with the top bit set",
            Self::Masked => "masked server frame",
            Self::MessageInterleaved => "new message inside a fragmented one",
            Self::MessageTooBig => "message too big",
            Self::OpcodeReserved => "reserved opcode",
            Self::ReservedBits => "reserved bit set",
            Self::Unmasked => "unmasked client frame",
            Self::Utf8Invalid => "invalid UTF-8",
        }
    }
}
