//! Server-sent events, as far as answers need them: the `data` of each event.

/// Cuts a stream of bytes into events. Holds at most [`EVENT_BYTES_MAX`] of an unfinished one.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The line under way.
    line: Vec<u8>,
    /// The data of the event under way.
    data: Option<Vec<u8>>,
    /// Whether the last byte was a carriage return: a line feed behind it ends nothing.
    returned: bool,
    /// Whether the first line is behind.
    begun: bool,
}

/// An event is longer than any that an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Events {
    /// Takes bytes as they come, and gives the data of each event that ends in them.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        mut event: impl FnMut(&[u8]),
    ) -> Result<(), TooLong> {
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    if let Some(data) = self.end_line(&line) {
                        event(&data);
                    }
                }
                byte => self.line.push(byte),
            }
            let held = self.line.len() + self.data.as_ref().map_or(0, Vec::len);
            if held > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let first = !std::mem::replace(&mut self.begun, true);
        let line = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if first => rest,
            _ => line,
        };
        if line.is_empty() {
            return self.data.take();
        }
        let rest = line.strip_prefix(b"data")?;
        let value = match rest.split_first() {
            None => rest,
            Some((b':', value)) => value.strip_prefix(b" ").unwrap_or(value),
            // Another field, whose name only begins so.
            Some(_) => return None,
        };
        match &mut self.data {
            None => self.data = Some(value.to_vec()),
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
        }
        None
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Events of an answer are some hundred bytes long.
pub(crate) const EVENT_BYTES_MAX: usize = 256 * 1024;
