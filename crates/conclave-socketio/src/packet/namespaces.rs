//! Which packet may come when, Socket.IO v5 "Connection to a namespace".

use super::{MAIN_NAMESPACE, Packet};
use crate::Violation;

/// The namespaces of one connection, as a server sees them.
#[derive(Debug, Default)]
pub struct Namespaces {
    main: Standing,
    others: Vec<(Box<str>, Standing)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Standing {
    #[default]
    Absent,
    Pending,
    Connected,
}

impl Namespaces {
    /// A connection that has connected nowhere.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            main: Standing::Absent,
            others: Vec::new(),
        }
    }

    /// Judges a client's packet by where the client is, before anything is done about it.
    ///
    /// An admitted CONNECT is pending: the server answers it and says [`Namespaces::connect`], or
    /// refuses it and says [`Namespaces::leave`]. An admitted DISCONNECT has left already.
    ///
    /// # Errors
    /// [`Violation::ConnectRepeated`], [`Violation::NamespacesTooMany`],
    /// [`Violation::NamespaceUnconnected`] (also while a CONNECT is pending: clients wait for the
    /// answer) and [`Violation::ConnectErrorFromClient`].
    pub fn admit(&mut self, packet: &Packet<'_>) -> Result<(), Violation> {
        let namespace = packet.namespace();
        match (packet, self.standing(namespace)) {
            (Packet::ConnectError { .. }, _) => Err(Violation::ConnectErrorFromClient),
            (Packet::Connect { .. }, Standing::Absent) => self.await_answer(namespace),
            (Packet::Connect { .. }, Standing::Pending | Standing::Connected) => {
                Err(Violation::ConnectRepeated)
            }
            (Packet::Disconnect { .. }, Standing::Connected) => {
                self.leave(namespace);
                Ok(())
            }
            (Packet::Event { .. } | Packet::Ack { .. }, Standing::Connected) => Ok(()),
            (
                Packet::Disconnect { .. } | Packet::Event { .. } | Packet::Ack { .. },
                Standing::Absent | Standing::Pending,
            ) => Err(Violation::NamespaceUnconnected),
        }
    }

    /// The server answers the pending CONNECT; nothing happens where there is none.
    pub fn connect(&mut self, namespace: &str) {
        if let Some(standing) = self.place(namespace)
            && *standing == Standing::Pending
        {
            *standing = Standing::Connected;
        }
    }

    /// The server refuses the pending CONNECT, or ends the connection to a namespace.
    pub fn leave(&mut self, namespace: &str) {
        if namespace == MAIN_NAMESPACE {
            self.main = Standing::Absent;
        } else {
            self.others.retain(|(name, _)| **name != *namespace);
        }
    }

    /// Whether the client is connected to `namespace`.
    #[must_use]
    pub fn is_connected(&self, namespace: &str) -> bool {
        self.standing(namespace) == Standing::Connected
    }

    /// Whether the client is connected nowhere; a connection that stays so is closed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let connected = |standing| standing == Standing::Connected;
        !connected(self.main) && !self.others.iter().any(|(_, standing)| connected(*standing))
    }

    fn standing(&self, namespace: &str) -> Standing {
        if namespace == MAIN_NAMESPACE {
            return self.main;
        }
        let mut others = self.others.iter();
        others
            .find(|(name, _)| **name == *namespace)
            .map_or(Standing::Absent, |(_, standing)| *standing)
    }

    fn place(&mut self, namespace: &str) -> Option<&mut Standing> {
        if namespace == MAIN_NAMESPACE {
            return Some(&mut self.main);
        }
        let mut others = self.others.iter_mut();
        others
            .find(|(name, _)| **name == *namespace)
            .map(|(_, standing)| standing)
    }

    fn await_answer(&mut self, namespace: &str) -> Result<(), Violation> {
        if namespace == MAIN_NAMESPACE {
            self.main = Standing::Pending;
            return Ok(());
        }
        if self.others.len() >= NAMESPACES_MAX {
            return Err(Violation::NamespacesTooMany);
        }
        self.others.push((namespace.into(), Standing::Pending));
        Ok(())
    }
}

/// Namespaces of a connection besides the main one, at most, pending ones counted (ours).
pub const NAMESPACES_MAX: usize = 16;
