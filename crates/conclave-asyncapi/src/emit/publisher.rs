//! `publisher.rs`: what the service sends, typed by the parameters of the address.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::doc::doc;
use super::service::with_imports;
use super::{ident, type_tokens};
use crate::service::{Channel, Operation, Parameter, Service, Way};
use crate::shape::{Shapes, Type};

/// A publisher for each channel that the service sends to.
pub(crate) fn publishers(service: &Service) -> TokenStream {
    let all = service
        .channels_with(Way::Out)
        .map(|(index, channel)| publisher(service, index, channel));
    with_imports(
        service,
        &[(
            "conclave_service",
            &["AsyncApiResult", "Publisher", "Reach"],
        )],
        &[("super::spec", &["SPEC", "channels", "operations"])],
        quote! { #(#all)* },
    )
}

fn publisher(service: &Service, index: usize, channel: &Channel) -> TokenStream {
    let name = ident(&channel.publisher);
    let said = doc(None, &format!("Sends to `{}`.", channel.address));
    let methods = service
        .of_channel(index, Way::Out)
        .map(|(_, operation)| method(service, channel, operation));
    quote! {
        #said
        #[derive(Debug, Clone)]
        pub struct #name {
            publisher: Publisher,
        }

        impl #name {
            /// With the running service's publisher.
            #[must_use]
            pub const fn new(publisher: Publisher) -> Self {
                Self { publisher }
            }

            #(#methods)*
        }
    }
}

fn method(service: &Service, channel: &Channel, operation: &Operation) -> TokenStream {
    let name = ident(&operation.function);
    let said = doc(
        operation.doc.as_deref(),
        &format!("Sends `{}`.", operation.name),
    );
    let arguments = arguments(&service.shapes, &channel.parameters);
    let message = type_tokens(&service.shapes, &operation.payload);
    let address = address(channel);
    let route = ident(&operation.constant);
    quote! {
        #said
        ///
        /// # Errors
        /// If a parameter cannot stand in an address, or the message cannot be written as JSON.
        pub fn #name(&self, #(#arguments,)* message: &#message) -> AsyncApiResult<Reach> {
            #address?;
            self.publisher.publish(operations::#route, &address, message)
        }
    }
}

/// The arguments for the parameters of an address.
pub(crate) fn arguments(shapes: &Shapes, parameters: &[Parameter]) -> Vec<TokenStream> {
    let argument = |parameter: &Parameter| {
        let name = ident(&parameter.field);
        let of = match &parameter.of {
            Type::Text => quote! { &str },
            of if is_copied(of) => type_tokens(shapes, of),
            of => {
                let of = type_tokens(shapes, of);
                quote! { &#of }
            }
        };
        quote! { #name: #of }
    };
    parameters.iter().map(argument).collect()
}

fn is_copied(of: &Type) -> bool {
    matches!(
        of,
        Type::Bool | Type::Integer(_) | Type::Float | Type::Uuid | Type::Date
    )
}

/// `let address = …`, a result, from arguments of the parameters' names.
pub(crate) fn address(channel: &Channel) -> TokenStream {
    let constant = ident(&channel.constant);
    let texts = channel
        .parameters
        .iter()
        .filter(|parameter| parameter.of != Type::Text)
        .map(|parameter| {
            let name = ident(&parameter.field);
            quote! { let #name = #name.to_string(); }
        });
    let pairs = channel.parameters.iter().map(|parameter| {
        let (name, field) = (&parameter.name, ident(&parameter.field));
        match parameter.of {
            Type::Text => quote! { (#name, #field) },
            _ => quote! { (#name, #field.as_str()) },
        }
    });
    quote! {
        #(#texts)*
        let address = SPEC.address(channels::#constant, &[#(#pairs),*])
    }
}

/// Structs of the parameters of addresses.
pub(crate) fn parameters(service: &Service) -> TokenStream {
    let with = service
        .channels
        .iter()
        .filter(|channel| !channel.parameters.is_empty());
    let all = with.map(|channel| parameters_of(&service.shapes, channel));
    with_imports(
        service,
        &[(
            "conclave_service",
            &["AsyncApiResult", "FromParameters", "Parameters"],
        )],
        &[],
        quote! { #(#all)* },
    )
}

fn parameters_of(shapes: &Shapes, channel: &Channel) -> TokenStream {
    let name = ident(&channel.parameters_name);
    let said = doc(None, &format!("The parameters of `{}`.", channel.address));
    let names: Vec<&str> = channel
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    let fields: Vec<Ident> = channel
        .parameters
        .iter()
        .map(|parameter| ident(&parameter.field))
        .collect();
    let types = channel
        .parameters
        .iter()
        .map(|parameter| type_tokens(shapes, &parameter.of));
    let docs = channel
        .parameters
        .iter()
        .map(|parameter| doc(parameter.doc.as_deref(), &format!("`{}`", parameter.name)));
    quote! {
        #said
        #[derive(Debug, Clone, PartialEq)]
        pub struct #name {
            #(#docs pub #fields: #types,)*
        }

        impl FromParameters for #name {
            fn from_parameters(parameters: &Parameters<'_>) -> AsyncApiResult<Self> {
                Ok(Self {
                    #(#fields: parameters.parse(#names)?,)*
                })
            }
        }
    }
}
