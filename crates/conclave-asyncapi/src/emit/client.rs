//! `client.rs`: the other end of the same document.

use proc_macro2::TokenStream;
use quote::quote;

use super::doc::doc;
use super::publisher::{address, arguments};
use super::service::with_imports;
use super::{ident, type_tokens};
use crate::service::{Channel, Operation, Service, Way};

/// The client and what it hears.
pub(crate) fn client(service: &Service) -> TokenStream {
    let name = ident(&service.client);
    let event = ident(&service.event);
    let said = doc(None, &format!("A connection to {}.", service.title));
    let incoming = service
        .operations
        .iter()
        .filter(|operation| operation.way == Way::In);
    let methods = incoming.filter_map(|operation| {
        let channel = service.channels.get(operation.channel)?;
        Some(method(service, channel, operation))
    });
    let events = events(service);
    let hear = events.is_some().then(|| {
        quote! {
            /// What the server sends without being asked; the first caller gets it.
            #[must_use]
            pub fn events(&self) -> Events<#event> {
                self.client.events()
            }
        }
    });
    let items = quote! {
        #said
        #[derive(Debug)]
        pub struct #name {
            client: Client,
        }

        impl #name {
            /// Connects.
            ///
            /// # Errors
            /// If the server cannot be reached, or refuses.
            pub async fn connect(config: ClientConfig) -> Result<Self, ClientError> {
                let client = Client::connect(&SPEC, config).await?;
                Ok(Self { client })
            }

            #(#methods)*

            #hear

            /// Ends the connection.
            ///
            /// # Errors
            /// If it has ended already.
            pub async fn close(&self) -> Result<(), ClientError> {
                self.client.close().await
            }
        }

        #events
    };
    with_imports(
        service,
        &[(
            "conclave_service",
            &[
                "Client",
                "ClientConfig",
                "ClientError",
                "Events",
                "FromPush",
                "Push",
            ],
        )],
        &[
            ("super::parameters", &parameter_names(service)),
            ("super::spec", &["SPEC", "channels", "operations"]),
        ],
        items,
    )
}

fn parameter_names(service: &Service) -> Vec<&str> {
    service
        .channels
        .iter()
        .map(|channel| channel.parameters_name.as_str())
        .collect()
}

fn method(service: &Service, channel: &Channel, operation: &Operation) -> TokenStream {
    let name = ident(&operation.function);
    let said = doc(
        operation.doc.as_deref(),
        &format!("Sends `{}`.", operation.name),
    );
    let arguments = arguments(&service.shapes, &channel.parameters);
    let request = type_tokens(&service.shapes, &operation.payload);
    let address = address(channel);
    let route = ident(&operation.constant);
    let (reply, call) = match &operation.reply {
        Some(of) => (type_tokens(&service.shapes, of), quote! { request }),
        None => (quote! { () }, quote! { send }),
    };
    quote! {
        #said
        ///
        /// # Errors
        /// What the server answers, or what went wrong on the way.
        pub async fn #name(&self, #(#arguments,)* request: &#request) -> Result<#reply, ClientError> {
            #address.map_err(|error| ClientError::Encode(error.to_string()))?;
            self.client.#call(operations::#route, &address, request).await
        }
    }
}

/// What the client hears: what the server sends, and replies that come later.
fn events(service: &Service) -> Option<TokenStream> {
    let event = ident(&service.event);
    let heard = |operation: &&Operation| operation.way == Way::Out || operation.reply.is_some();
    let all: Vec<&Operation> = service.operations.iter().filter(heard).collect();
    if all.is_empty() {
        return None;
    }
    let variants = all.iter().map(|operation| {
        let name = ident(&operation.variant);
        let of = carried(service, operation);
        let said = doc(operation.doc.as_deref(), &format!("`{}`", operation.name));
        let parameters = parameters_of(service, operation).map(|of| {
            quote! {
                /// The parameters of its address.
                parameters: #of,
            }
        });
        quote! {
            #said
            #name {
                #parameters
                /// What it carries.
                message: #of,
            },
        }
    });
    let arms = all.iter().map(|operation| {
        let (name, route) = (ident(&operation.variant), ident(&operation.constant));
        let parameters =
            parameters_of(service, operation).map(|_| quote! { parameters: push.parameters()?, });
        quote! { operations::#route => Ok(Self::#name { #parameters message: push.payload()? }), }
    });
    let said = doc(None, &format!("What {} sends.", service.title));
    Some(quote! {
        #said
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #event {
            #(#variants)*
        }

        impl FromPush for #event {
            fn from_push(push: &Push) -> Result<Self, ClientError> {
                match push.route() {
                    #(#arms)*
                    _ => Err(push.unknown()),
                }
            }
        }
    })
}

/// What a push of this operation carries: its message, or, of one that is asked, its reply.
fn carried(service: &Service, operation: &Operation) -> TokenStream {
    match (&operation.reply, operation.way) {
        (Some(reply), Way::In) => type_tokens(&service.shapes, reply),
        _ => type_tokens(&service.shapes, &operation.payload),
    }
}

fn parameters_of(service: &Service, operation: &Operation) -> Option<TokenStream> {
    let channel = service.channels.get(operation.channel)?;
    let name = ident(&channel.parameters_name);
    (!channel.parameters.is_empty()).then(|| quote! { #name })
}
