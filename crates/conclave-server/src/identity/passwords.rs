//! The pool that computes password hashes: few threads, a short queue, then "busy".

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use async_trait::async_trait;
use conclave_auth::{PasswordJob, PasswordOutcome, Passwords, PasswordsBusy};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Threads that do nothing else, so that sign-ins never slow deliveries by more than their
/// share of the cores.
#[derive(Clone, Debug)]
pub(crate) struct PasswordPool {
    jobs: SyncSender<Job>,
}

type Job = (PasswordJob, oneshot::Sender<PasswordOutcome>);

impl PasswordPool {
    /// Half the cores, at least one thread; the threads end with the last handle.
    ///
    /// # Errors
    /// What the system says of a new thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for number in 0..(cores / 2).max(1) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("passwords-{number}"))
                .spawn(move || work(&queue))?;
        }
        Ok(Self { jobs })
    }
}

#[async_trait]
impl Passwords for PasswordPool {
    async fn run(&self, job: PasswordJob) -> Result<PasswordOutcome, PasswordsBusy> {
        let (answer, answered) = oneshot::channel();
        self.jobs
            .try_send((job, answer))
            .map_err(|_full| PasswordsBusy)?;
        answered.await.map_err(|_ended| PasswordsBusy)
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let next = queue.lock().recv();
        let Ok((job, answer)) = next else { return };
        // Who asked may be gone.
        answer.send(job.run()).ok();
    }
}

const QUEUE: usize = 64;
