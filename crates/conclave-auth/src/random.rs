//! Where random bytes come from.

/// Random bytes: the operating system's in the server, counted ones in tests.
pub trait Random: Send + Sync {
    /// Fills the whole slice with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` fresh bytes.
pub(crate) fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
