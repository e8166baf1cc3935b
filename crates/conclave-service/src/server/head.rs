//! The head of a request.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A request's head; header values that are no text are left out.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) is_http_1_1: bool,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// What came behind it.
    pub(crate) early: Vec<u8>,
}

/// Why there is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// The peer went away.
    Ended,
    /// It is no HTTP.
    Malformed,
    /// Over 16 KiB or 100 lines.
    TooBig,
}

/// Reads a head, byte by byte as they come.
pub(crate) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Head, HeadFault> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let read = stream.read_buf(&mut bytes).await;
        if !matches!(read, Ok(1..)) {
            return Err(HeadFault::Ended);
        }
        if let Some(head) = parse(&bytes)? {
            return Ok(head);
        }
        if bytes.len() >= HEAD_BYTES_MAX {
            return Err(HeadFault::TooBig);
        }
    }
}

/// `None` where it is not whole.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Head>, HeadFault> {
    let mut lines = [httparse::EMPTY_HEADER; LINES_MAX];
    let mut request = httparse::Request::new(&mut lines);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Complete(_)) | Err(httparse::Error::TooManyHeaders) => {
            return Err(HeadFault::TooBig);
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(HeadFault::Malformed),
    };
    let headers = request
        .headers
        .iter()
        .map(|line| (line.name.to_owned(), line.value.to_vec()))
        .collect();
    Ok(Some(Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        is_http_1_1: request.version == Some(1),
        headers,
        early: bytes.get(length..).unwrap_or_default().to_vec(),
    }))
}

impl Head {
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The lines of this name that are text.
    pub(crate) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }
}

const HEAD_BYTES_MAX: usize = 16 * 1024;
const LINES_MAX: usize = 100;
