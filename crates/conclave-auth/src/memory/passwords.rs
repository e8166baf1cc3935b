//! Password hashes computed by the caller itself.

use async_trait::async_trait;

use crate::{PasswordJob, PasswordOutcome, Passwords, PasswordsBusy};

/// Computes password hashes at once, in the caller: for tests and the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlinePasswords;

#[async_trait]
impl Passwords for InlinePasswords {
    async fn run(&self, job: PasswordJob) -> Result<PasswordOutcome, PasswordsBusy> {
        Ok(job.run())
    }
}
