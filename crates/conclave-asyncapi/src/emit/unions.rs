//! Unions: an enum that is written as what it holds, and read by its tag or by what fits best.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::doc::doc;
use super::shapes::{ident, type_tokens};
use crate::shape::{Shapes, Tag, Type, Union, Variant};

/// An enum with its own reading, and writing where the tag must be written.
pub(super) fn of(shapes: &Shapes, said: &TokenStream, name: &Ident, of: &Union) -> TokenStream {
    let variants = of.variants.iter().map(|variant| {
        let (name, of) = (ident(&variant.name), type_tokens(shapes, &variant.of));
        let said = doc(None, &meaning(variant));
        quote! { #said #name(#of), }
    });
    let written = of.tag.as_ref().filter(|tag| tag.written);
    let derived = written.is_none().then(|| quote! { , Serialize });
    let untagged = written.is_none().then(|| quote! { #[serde(untagged)] });
    let serialize = written.map(|tag| serialize(name, tag, &of.variants));
    let deserialize = match &of.tag {
        Some(tag) => by_tag(name, tag, &of.variants),
        None => by_fit(name, &of.variants),
    };
    let conversions = conversions(shapes, name, &of.variants);
    quote! {
        #said
        #[derive(Debug, Clone, PartialEq #derived)]
        #untagged
        pub enum #name {
            #(#variants)*
        }

        #serialize
        #deserialize
        #conversions
    }
}

fn meaning(variant: &Variant) -> String {
    if variant.tags.is_empty() {
        return format!("`{}`", variant.name);
    }
    let tags: Vec<String> = variant
        .tags
        .iter()
        .map(|tag| format!("`{}`", tag.replace('`', "'")))
        .collect();
    tags.join(", ")
}

fn serialize(name: &Ident, tag: &Tag, variants: &[Variant]) -> TokenStream {
    let property = &tag.property;
    let arms = variants.iter().map(|variant| {
        let name = ident(&variant.name);
        let text = variant.tags.first();
        quote! { Self::#name(value) => schema::tagged(value, #property, #text, serializer), }
    });
    quote! {
        impl Serialize for #name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    #(#arms)*
                }
            }
        }
    }
}

fn by_tag(name: &Ident, tag: &Tag, variants: &[Variant]) -> TokenStream {
    let property = &tag.property;
    let all = variants.iter().flat_map(|variant| &variant.tags);
    let arms = variants.iter().map(|variant| {
        let name = ident(&variant.name);
        let tags = &variant.tags;
        quote! { #(#tags)|* => schema::variant(&value).map(Self::#name), }
    });
    quote! {
        impl<'de> Deserialize<'de> for #name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = schema::value(deserializer)?;
                match schema::tag(&value, #property)? {
                    #(#arms)*
                    other => Err(schema::unknown_tag(other, &[#(#all),*])),
                }
            }
        }
    }
}

fn by_fit(name: &Ident, variants: &[Variant]) -> TokenStream {
    let known = variants.iter().map(|variant| {
        let (properties, required) = (&variant.properties, &variant.required);
        quote! { Known { properties: &[#(#properties),*], required: &[#(#required),*] } }
    });
    let arms = variants.iter().enumerate().map(|(index, variant)| {
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        let name = ident(&variant.name);
        quote! { #index => Deserialize::deserialize(value).ok().map(Self::#name), }
    });
    quote! {
        impl #name {
            const KNOWN: &'static [Known] = &[#(#known),*];
        }

        impl<'de> Deserialize<'de> for #name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = schema::value(deserializer)?;
                schema::best(&value, Self::KNOWN, |index, value| match index {
                    #(#arms)*
                    _ => None,
                })
            }
        }
    }
}

/// `From` for each type that only one variant holds.
fn conversions(shapes: &Shapes, name: &Ident, variants: &[Variant]) -> TokenStream {
    let is_named = |of: &Type| match of {
        Type::Named(_) => true,
        Type::Boxed(inner) => matches!(**inner, Type::Named(_)),
        _ => false,
    };
    let once = |variant: &&Variant| {
        is_named(&variant.of)
            && variants
                .iter()
                .filter(|other| other.of == variant.of)
                .count()
                == 1
    };
    let all = variants.iter().filter(once).map(|variant| {
        let held = ident(&variant.name);
        let (of, value) = match &variant.of {
            Type::Boxed(inner) => (type_tokens(shapes, inner), quote! { Box::new(value) }),
            of => (type_tokens(shapes, of), quote! { value }),
        };
        quote! {
            impl From<#of> for #name {
                fn from(value: #of) -> Self {
                    Self::#held(#value)
                }
            }
        }
    });
    quote! { #(#all)* }
}
