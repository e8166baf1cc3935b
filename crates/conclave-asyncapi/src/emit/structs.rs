//! Structs.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::doc::doc;
use super::shapes::{ident, type_tokens};
use crate::shape::{Field, Presence, Rest, Shapes, Struct};

/// A struct with named fields.
pub(super) fn of(shapes: &Shapes, said: &TokenStream, name: &Ident, of: &Struct) -> TokenStream {
    let is_optional = |field: &Field| {
        matches!(
            field.presence,
            Presence::Optional | Presence::OptionalNullable
        )
    };
    let default = of
        .fields
        .iter()
        .all(is_optional)
        .then(|| quote! { Default, });
    let refuses = (of.rest == Rest::Refused).then(|| quote! { #[serde(deny_unknown_fields)] });
    let fields = of.fields.iter().map(|of| field(shapes, of));
    let rest = match &of.rest {
        Rest::Kept(name, of) => {
            let (name, of) = (ident(name), type_tokens(shapes, of));
            Some(quote! {
                /// Properties that the document does not name.
                #[serde(flatten)]
                pub #name: BTreeMap<String, #of>,
            })
        }
        Rest::Ignored | Rest::Refused => None,
    };
    quote! {
        #said
        #[derive(Debug, Clone, PartialEq, #default Serialize, Deserialize)]
        #refuses
        pub struct #name {
            #(#fields)*
            #rest
        }
    }
}

fn field(shapes: &Shapes, field: &Field) -> TokenStream {
    let name = ident(&field.name);
    let said = doc(
        field.doc.as_deref(),
        &format!("`{}`", field.property.replace('`', "'")),
    );
    let deprecated = field
        .deprecated
        .then(|| quote! { #[doc = ""] #[doc = " Deprecated."] });
    let property = &field.property;
    let rename = (field.name != field.property).then(|| quote! { rename = #property, });
    let aliases = &field.aliases;
    let aliases = quote! { #(alias = #aliases,)* };
    let of = type_tokens(shapes, &field.of);
    let (of, options) = match field.presence {
        Presence::Required => (of, None),
        Presence::Optional => (
            quote! { Option<#of> },
            Some(quote! { default, skip_serializing_if = "Option::is_none" }),
        ),
        Presence::RequiredNullable => (
            quote! { Option<#of> },
            Some(quote! { deserialize_with = "schema::nullable" }),
        ),
        Presence::OptionalNullable => (
            quote! { Option<Option<#of>> },
            Some(
                quote! { default, deserialize_with = "schema::present", skip_serializing_if = "Option::is_none" },
            ),
        ),
    };
    let is_plain = rename.is_none() && options.is_none() && field.aliases.is_empty();
    let serde = (!is_plain).then(|| quote! { #[serde(#rename #aliases #options)] });
    quote! {
        #said
        #deprecated
        #serde
        pub #name: #of,
    }
}
