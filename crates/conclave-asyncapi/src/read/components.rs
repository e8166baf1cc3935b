//! What stands in `components`: read whole, so that a mistake there is found before anybody uses it.

use super::{Generation, Reader};
use crate::model::SchemaId;
use crate::source::Cursor;

impl<'a> Reader<'a> {
    /// Reads the messages and security schemes of the components, and gives its schemas by name.
    pub(super) fn components(
        &self,
        root: &Cursor<'a>,
        generation: Generation,
    ) -> Vec<(String, SchemaId)> {
        let Some(components) = self.object(root, "components") else {
            return Vec::new();
        };
        for (name, message) in self.entries_of(&components, "messages") {
            if message.get("oneOf").is_some() {
                // Some documents keep the alternatives of a 2.x operation here.
                self.messages_of(message, name);
            } else {
                self.message(message, name, generation);
            }
        }
        for (_, scheme) in self.entries_of(&components, "securitySchemes") {
            if let Some(scheme) = self.follow(scheme) {
                self.scheme(scheme);
            }
        }
        let schemas = self.entries_of(&components, "schemas").into_iter();
        let read = |(name, schema): (&str, Cursor<'a>)| {
            let schema = self.follow(schema)?;
            Some((name.to_owned(), self.json_schema(&schema)?))
        };
        schemas.filter_map(read).collect()
    }

    fn entries_of(&self, components: &Cursor<'a>, name: &str) -> Vec<(&'a str, Cursor<'a>)> {
        let map = self.object(components, name);
        map.map(|map| map.entries()).unwrap_or_default()
    }
}
