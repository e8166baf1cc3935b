//! What a connection is called: its number, and where there are several nodes, which one has it.

use crate::http::problem::Problem;
use crate::node::Node;

/// A connection, or the place of one in the order of all: that of nodes and then of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// As it is shown; `None` for this node where nothing is said.
    pub(super) node: Option<String>,
    pub(super) number: u64,
}

impl Place {
    /// `NUMBER` or `NUMBER-NODE`.
    ///
    /// # Errors
    /// 400, naming the field.
    pub(super) fn read(field: &str, text: &str) -> Result<Self, Problem> {
        let unfit = || Problem::bad_request(format!("{field}: expected the id of a connection"));
        let (number, node) = match text.split_once('-') {
            Some((number, node)) => (number, Some(node)),
            None => (text, None),
        };
        let is_node = |node: &str| {
            let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            node.len() == NODE_DIGITS && node.bytes().all(digits)
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) || !node.is_none_or(is_node) {
            return Err(unfit());
        }
        Ok(Self {
            node: node.map(str::to_owned),
            number: number.parse().map_err(|_large| unfit())?,
        })
    }

    /// The node that is meant, where it is another.
    pub(super) fn elsewhere(&self, node: &Node) -> Option<&str> {
        let meant = self.node.as_deref()?;
        (node.nodes.name().as_deref() != Some(meant)).then_some(meant)
    }
}

/// Of a node's name.
const NODE_DIGITS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_number_and_perhaps_a_node() {
        let node = "0123456789abcdef0123456789abcdef";
        let read = |text: &str| Place::read("after", text).ok();
        let place = |node: Option<&str>, number| {
            let node = node.map(str::to_owned);
            Some(Place { node, number })
        };
        assert_eq!(read("17"), place(None, 17));
        let both = format!("{}-{node}", u64::MAX);
        assert_eq!(read(&both), place(Some(node), u64::MAX));
        for text in [
            "",
            "-",
            "+1",
            "x",
            "1-",
            "1-0123",
            "99999999999999999999",
            "1-0123456789ABCDEF0123456789abcdef",
            "1-0123456789abcdef0123456789abcdefa",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
