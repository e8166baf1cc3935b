//! The `wallet` dialect (conversation.md): JSON frames with a `type`, about balances,
//! transactions and contracts of a chain.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use conclave_protocol::{
    CloseMeaning, Command, Dialect, DialectState, Disconnect, Form, Frame, FrameKind, Mode,
    Publication, Push, Received, Reply, Start, Timestamp, WalletCommand,
};

use crate::conversation;

/// A user's wallets, at `/api/v1/web3/ws/{user_id}`.
pub static WALLET: WalletDialect = WalletDialect(());

/// The type of [`WALLET`].
#[derive(Clone, Copy, Debug)]
pub struct WalletDialect(());

impl Dialect for WalletDialect {
    /// As `/ws/stats` counts connections.
    fn name(&self) -> &'static str {
        "web3"
    }

    fn start(&self, _state: &DialectState) -> Start {
        Start::Wallet
    }

    fn open(&self, _query: &str, _authenticated: bool) -> DialectState {
        DialectState::default()
    }

    /// Never hears the broadcast stream.
    fn mode(&self, _state: &DialectState) -> Mode {
        Mode::Subscriber
    }

    fn form(&self, _state: &DialectState) -> Form {
        SHARED
    }

    fn decode<'a>(&self, _state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
        match frame {
            Frame::Binary(_) => Received::Violation(CloseMeaning::BinaryFrame),
            Frame::Text(text) => decode::frame(text),
        }
    }

    fn word(&self, command: &Command<'_>) -> &'static str {
        word(command)
    }

    fn encode_reply(
        &self,
        _state: &DialectState,
        reply: &Reply<'_>,
        at: Timestamp,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::reply(reply, at, out)
    }

    fn encode_push(
        &self,
        _state: &DialectState,
        push: &Push<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::push(push, out)
    }

    fn encode_publication(
        &self,
        _form: Form,
        publication: &Publication,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::publication(publication, out)
    }

    /// As the conversation's: one column of identity.md is for both.
    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        conversation::CONVERSATION.disconnect(meaning)
    }
}

/// The `type` of the frame that asks for a command.
const fn word(command: &Command<'_>) -> &'static str {
    match command {
        Command::Ping => PING,
        Command::Renew(_) => AUTH,
        Command::Wallet(WalletCommand::Balance { .. }) => BALANCE,
        Command::Wallet(WalletCommand::Contract { .. }) => CONTRACT,
        Command::Wallet(WalletCommand::Transactions { .. }) => TRANSACTIONS,
        Command::Wallet(WalletCommand::Unwatch { .. }) => UNSUBSCRIBE,
        // Of other surfaces.
        Command::Broadcast(_)
        | Command::Connect(_)
        | Command::Disconnect
        | Command::Publish(_)
        | Command::RegisterName(_)
        | Command::RegisterSession(_)
        | Command::Room(..)
        | Command::Subscribe(_)
        | Command::TopicPresence(_)
        | Command::Unsubscribe(_) => "unknown",
    }
}

const AUTH: &str = "auth";
const BALANCE: &str = "subscribe_balance";
const CONTRACT: &str = "subscribe_contract";
const PING: &str = "ping";
const TRANSACTIONS: &str = "subscribe_transactions";
const UNSUBSCRIBE: &str = "unsubscribe";
const SHARED: Form = Form(7);
