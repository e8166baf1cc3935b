//! What the chain said and nobody has taken yet: bounded.

use std::collections::VecDeque;

use conclave_core::ChainNotice;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// At most so many wait, [`ChainNotice::Lost`] and [`ChainNotice::Heard`] left out.
const WAITING_MAX: usize = 1024;

#[derive(Default)]
pub(super) struct Notices {
    waiting: Mutex<VecDeque<ChainNotice>>,
    some: Notify,
}

impl Notices {
    /// Over the bound the oldest goes: a later head leads to the blocks under it.
    pub(super) fn push(&self, notice: ChainNotice) {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_MAX {
            let goes = |notice: &ChainNotice| {
                matches!(notice, ChainNotice::Head(_) | ChainNotice::Pending(_))
            };
            if let Some(oldest) = waiting.iter().position(goes) {
                waiting.remove(oldest);
            }
        }
        // Lost and heard again before anybody looked is as if once.
        let turn =
            |notice: &ChainNotice| matches!(notice, ChainNotice::Lost | ChainNotice::Heard(_));
        if turn(&notice) && waiting.len() >= WAITING_MAX {
            waiting.retain(|notice| !turn(notice));
        }
        waiting.push_back(notice);
        drop(waiting);
        self.some.notify_one();
    }

    pub(super) async fn next(&self) -> ChainNotice {
        loop {
            let notice = self.waiting.lock().pop_front();
            if let Some(notice) = notice {
                return notice;
            }
            self.some.notified().await;
        }
    }
}
