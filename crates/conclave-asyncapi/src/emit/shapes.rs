//! Every named type of a document as Rust.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::doc::doc;
use super::layout::Imports;
use super::{checked, structs, unions};
use crate::shape::{Choice, Form, Shape, Shapes, Type, Width, is_keyword};

/// What generated types import, as far as they use it.
const IMPORTS: Imports<'static> = Imports(&[
    ("std::collections", &["BTreeMap"]),
    ("std", &["fmt"]),
    ("std::net", &["Ipv4Addr", "Ipv6Addr"]),
    ("std::ops", &["Deref"]),
    ("std::str", &["FromStr"]),
    ("conclave_service::format", &["DateTime", "Uuid"]),
    ("conclave_service", &["schema"]),
    (
        "conclave_service::schema",
        &["Date", "Invalid", "Known", "Map", "Pattern", "Value"],
    ),
    (
        "serde",
        &["Deserialize", "Deserializer", "Serialize", "Serializer"],
    ),
]);

/// The items of all shapes, with the imports that they need.
#[must_use]
pub(crate) fn shapes(shapes: &Shapes) -> TokenStream {
    let items = shapes.all.iter().map(|shape| item(shapes, shape));
    IMPORTS.before(quote! { #(#items)* })
}

fn item(shapes: &Shapes, shape: &Shape) -> TokenStream {
    let name = ident(&shape.name);
    let said = doc(
        shape.doc.as_deref(),
        &format!("`{}` of the document.", shape.name),
    );
    let deprecated = shape
        .deprecated
        .then(|| quote! { #[doc = ""] #[doc = " Deprecated."] });
    let said = quote! { #said #deprecated };
    match &shape.form {
        Form::Choice(choices) => choice(&said, &name, choices),
        Form::Checked { of, checks } => checked::newtype(shapes, &said, &name, of, checks),
        Form::Struct(of) => structs::of(shapes, &said, &name, of),
        Form::Union(of) => unions::of(shapes, &said, &name, of),
        Form::Unfinished => TokenStream::new(),
    }
}

/// A name, with `r#` where it is a word of the language.
pub(crate) fn ident(name: &str) -> Ident {
    if is_keyword(name) {
        return Ident::new_raw(name, Span::call_site());
    }
    Ident::new(name, Span::call_site())
}

/// A type as it is written.
pub(crate) fn type_tokens(shapes: &Shapes, of: &Type) -> TokenStream {
    match of {
        Type::Bool => quote! { bool },
        Type::Boxed(inner) => {
            let inner = type_tokens(shapes, inner);
            quote! { Box<#inner> }
        }
        Type::Date => quote! { Date },
        Type::Float => quote! { f64 },
        Type::Integer(Width::I32) => quote! { i32 },
        Type::Integer(Width::I64) => quote! { i64 },
        Type::Integer(Width::U32) => quote! { u32 },
        Type::Integer(Width::U64) => quote! { u64 },
        Type::Ipv4 => quote! { Ipv4Addr },
        Type::Ipv6 => quote! { Ipv6Addr },
        Type::Json => quote! { Value },
        Type::JsonObject => quote! { Map<String, Value> },
        Type::List(inner) => {
            let inner = type_tokens(shapes, inner);
            quote! { Vec<#inner> }
        }
        Type::Map(inner) => {
            let inner = type_tokens(shapes, inner);
            quote! { BTreeMap<String, #inner> }
        }
        Type::Named(id) => {
            let name = shapes.get(*id).map_or("Value", |shape| shape.name.as_str());
            let name = ident(name);
            quote! { #name }
        }
        Type::Null => quote! { () },
        Type::Nullable(inner) => {
            let inner = type_tokens(shapes, inner);
            quote! { Option<#inner> }
        }
        Type::Text => quote! { String },
        Type::Timestamp => quote! { DateTime },
        Type::Tuple(elements) => {
            let elements = elements.iter().map(|element| type_tokens(shapes, element));
            quote! { (#(#elements,)*) }
        }
        Type::Uuid => quote! { Uuid },
    }
}

/// One of several texts.
fn choice(said: &TokenStream, name: &Ident, choices: &[Choice]) -> TokenStream {
    let only = matches!(choices, [_]);
    let default = only.then(|| quote! { Default, });
    let default_variant = only.then(|| quote! { #[default] });
    let variants: Vec<Ident> = choices.iter().map(|choice| ident(&choice.name)).collect();
    let texts: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
    let docs = texts
        .iter()
        .map(|text| doc(None, &format!("`{}`", text.replace('`', "'"))));
    let aliases = choices.iter().map(|choice| {
        let aliases = &choice.aliases;
        quote! { #(, alias = #aliases)* }
    });
    quote! {
        #said
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, #default Serialize, Deserialize)]
        pub enum #name {
            #(
                #docs
                #[serde(rename = #texts #aliases)]
                #default_variant
                #variants,
            )*
        }

        impl #name {
            /// Every value there is, in the order of the document.
            pub const ALL: &'static [Self] = &[#(Self::#variants),*];

            /// The text that stands for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #texts,)*
                }
            }
        }

        impl fmt::Display for #name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for #name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let found = Self::ALL.iter().find(|value| value.as_str() == text);
                found
                    .copied()
                    .ok_or_else(|| Invalid::new("must be a value that the document lists"))
            }
        }
    }
}
