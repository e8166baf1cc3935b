//! Who asks: what a handler knows of the worker's connection.

use std::sync::Arc;

use conclave_core::{Guarded, Origin, Permit, Stamp, authorise};
use conclave_protocol::Principal;
use conclave_service::{AsyncApiError, AsyncApiResult, MessageContext};
use parking_lot::Mutex;

use super::faults;

/// A worker's connection, as its handlers see it.
pub(crate) struct Caller {
    origin: Origin,
    /// Permissions that a renewed token must have (`dialects.service.require`).
    required: Box<[String]>,
    standing: Mutex<Standing>,
}

struct Standing {
    principal: Arc<Principal>,
    /// A renewal that the worker has still to put in force.
    renewed: Option<Arc<Principal>>,
}

impl Caller {
    /// The connection whose publications have this origin.
    pub(crate) fn new(origin: Origin, principal: Arc<Principal>, required: &[String]) -> Self {
        Self {
            origin,
            required: required.into(),
            standing: Mutex::new(Standing {
                principal,
                renewed: None,
            }),
        }
    }

    /// The one of the message.
    pub(super) fn of(context: &MessageContext) -> AsyncApiResult<Arc<Self>> {
        let caller = context.connection().attached();
        caller.ok_or_else(|| AsyncApiError::internal("the connection is no worker's"))
    }

    /// Who it is now.
    pub(crate) fn principal(&self) -> Arc<Principal> {
        Arc::clone(&self.standing.lock().principal)
    }

    /// Puts another principal in force.
    pub(crate) fn put(&self, principal: Arc<Principal>) {
        self.standing.lock().principal = principal;
    }

    /// The renewal that a handler has granted, once.
    pub(crate) fn take_renewed(&self) -> Option<Arc<Principal>> {
        self.standing.lock().renewed.take()
    }

    pub(super) fn grant(&self, renewed: Arc<Principal>) {
        self.standing.lock().renewed = Some(renewed);
    }

    pub(super) fn required(&self) -> &[String] {
        &self.required
    }

    /// What a message is stamped with.
    pub(super) fn stamp(&self, context: &MessageContext) -> Stamp {
        Stamp {
            at: context.now(),
            origin: self.origin,
        }
    }

    /// The permit for a command; the only way to the core.
    pub(super) fn permit<C: Guarded>(&self, command: C) -> AsyncApiResult<Permit<C>> {
        authorise(&self.principal(), command).map_err(faults::denied)
    }
}
