//! Values that keep their bounds: made only by a check, read only through it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use serde_json::Number;

use super::shapes::type_tokens;
use crate::shape::{Check, Shapes, Type, Width};

/// A newtype whose every way in checks.
pub(super) fn newtype(
    shapes: &Shapes,
    said: &TokenStream,
    name: &Ident,
    of: &Type,
    checks: &[Check],
) -> TokenStream {
    let inner = type_tokens(shapes, of);
    let from = quote! { #inner }.to_string().replace(' ', "");
    let from = from.replace(',', ", ");
    let (patterns, statements): (Vec<TokenStream>, Vec<TokenStream>) = checks
        .iter()
        .enumerate()
        .map(|(index, check)| statement(of, index, check))
        .unzip();
    let more = match of {
        Type::Text | Type::Integer(_) | Type::Bool => quote! { Eq, PartialOrd, Ord, Hash, },
        _ => TokenStream::new(),
    };
    let target = match of {
        Type::Text => quote! { str },
        _ => inner.clone(),
    };
    let as_text = (*of == Type::Text).then(|| text_impls(name));
    let as_number = matches!(of, Type::Integer(_) | Type::Float | Type::Bool)
        .then(|| number_impls(name, &inner));
    quote! {
        #said
        #[derive(Debug, Clone, PartialEq, #more Serialize, Deserialize)]
        #[serde(try_from = #from)]
        pub struct #name(#inner);

        impl #name {
            /// The value itself.
            #[must_use]
            pub fn into_inner(self) -> #inner {
                self.0
            }
        }

        impl TryFrom<#inner> for #name {
            type Error = Invalid;

            fn try_from(value: #inner) -> Result<Self, Invalid> {
                #(#patterns)*
                #(#statements)*
                Ok(Self(value))
            }
        }

        impl Deref for #name {
            type Target = #target;

            fn deref(&self) -> &#target {
                &self.0
            }
        }

        impl From<#name> for #inner {
            fn from(value: #name) -> Self {
                value.0
            }
        }

        #as_text
        #as_number
    }
}

fn text_impls(name: &Ident) -> TokenStream {
    quote! {
        impl TryFrom<&str> for #name {
            type Error = Invalid;

            fn try_from(value: &str) -> Result<Self, Invalid> {
                Self::try_from(value.to_owned())
            }
        }

        impl FromStr for #name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for #name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    }
}

fn number_impls(name: &Ident, inner: &TokenStream) -> TokenStream {
    quote! {
        impl FromStr for #name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let value: #inner = text
                    .parse()
                    .map_err(|_| Invalid::new("must be a value of the document's type"))?;
                Self::try_from(value)
            }
        }

        impl fmt::Display for #name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    }
}

/// The patterns that a check needs, and the statement that checks.
fn statement(of: &Type, index: usize, check: &Check) -> (TokenStream, TokenStream) {
    let none = TokenStream::new();
    match check {
        Check::Above(number) => (none, compared(of, "above", number)),
        Check::AtLeast(number) => (none, compared(of, "at_least", number)),
        Check::AtMost(number) => (none, compared(of, "at_most", number)),
        Check::Below(number) => (none, compared(of, "below", number)),
        Check::MultipleOf(number) if *of == Type::Float => {
            (none, compared(of, "multiple_of_float", number))
        }
        Check::MultipleOf(number) => (none, compared(of, "multiple_of", number)),
        Check::Choices(values) => {
            let list = serde_json::Value::Array(values.clone()).to_string();
            (none, quote! { schema::one_of(&value, #list)?; })
        }
        Check::Format(format) => (none, quote! { schema::format(&value, #format)?; }),
        Check::Items(least, most) => {
            let (least, most) = (bound(*least), bound(*most));
            (none, quote! { schema::items(value.len(), #least, #most)?; })
        }
        Check::Length(least, most) => {
            let (least, most) = (bound(*least), bound(*most));
            (none, quote! { schema::length(&value, #least, #most)?; })
        }
        Check::Keys(sources) => {
            let names: Vec<Ident> = (0..sources.len())
                .map(|part| pattern_name(index, part))
                .collect();
            let patterns = names
                .iter()
                .zip(sources)
                .map(|(name, source)| pattern(name, source));
            (
                quote! { #(#patterns)* },
                quote! { schema::keys(value.keys(), &[#(&#names),*])?; },
            )
        }
        Check::Pattern(source) => {
            let name = pattern_name(index, 0);
            (pattern(&name, source), quote! { #name.check(&value)?; })
        }
        Check::Unique => (none, quote! { schema::unique(&value)?; }),
    }
}

fn compared(of: &Type, function: &str, number: &Number) -> TokenStream {
    let function = super::ident(function);
    let bound = number_literal(of, number);
    quote! { schema::#function(value, #bound)?; }
}

/// `PATTERN`, numbered where there are several.
fn pattern_name(index: usize, part: usize) -> Ident {
    match index + part {
        0 => super::ident("PATTERN"),
        number => super::ident(&format!("PATTERN_{number}")),
    }
}

fn pattern(name: &Ident, source: &str) -> TokenStream {
    quote! { static #name: Pattern = Pattern::new(#source); }
}

fn bound(count: Option<u64>) -> TokenStream {
    match count {
        Some(count) => {
            let count = Literal::u64_unsuffixed(count);
            quote! { Some(#count) }
        }
        None => quote! { None },
    }
}

fn number_literal(of: &Type, number: &Number) -> TokenStream {
    let negative = |literal: Literal, is_negative: bool| {
        if is_negative {
            quote! { -#literal }
        } else {
            quote! { #literal }
        }
    };
    match of {
        Type::Integer(Width::U32 | Width::U64) => {
            let literal = Literal::u64_unsuffixed(number.as_u64().unwrap_or_default());
            quote! { #literal }
        }
        Type::Integer(_) => {
            let value = number.as_i64().unwrap_or_default();
            negative(Literal::u64_unsuffixed(value.unsigned_abs()), value < 0)
        }
        _ => {
            let value = number.as_f64().unwrap_or_default();
            negative(Literal::f64_unsuffixed(value.abs()), value < 0.0)
        }
    }
}
