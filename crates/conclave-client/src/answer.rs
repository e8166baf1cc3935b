//! The result of something that was queued.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// What comes of a command. It is queued already: who does not want to know need not wait.
/// While somebody does, the client keeps its connection, even where nothing else is left of it.
pub struct Answer<T> {
    state: State<T>,
}

enum State<T> {
    Refused(Option<Error>),
    Waits {
        told: oneshot::Receiver<Result<T>>,
        /// Keeps the task that answers.
        _link: Box<dyn Any + Send + Sync>,
    },
}

impl<T> Answer<T> {
    pub(crate) fn waits(
        told: oneshot::Receiver<Result<T>>,
        link: impl Send + Sync + 'static,
    ) -> Self {
        let _link = Box::new(link);
        Self {
            state: State::Waits { told, _link },
        }
    }

    pub(crate) fn refused(error: Error) -> Self {
        Self {
            state: State::Refused(Some(error)),
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match &mut self.state {
            State::Refused(error) => Poll::Ready(Err(error.take().unwrap_or(Error::Closed))),
            State::Waits { told, .. } => Pin::new(told)
                .poll(context)
                .map(|told| told.unwrap_or(Err(Error::Closed))),
        }
    }
}

impl<T> Unpin for Answer<T> {}
