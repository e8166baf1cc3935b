//! `service.rs`: a trait for each channel, and the router between the runtime and them.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::doc::doc;
use super::layout::Imports;
use super::{ident, type_tokens};
use crate::service::{Channel, Operation, Service, Way};

/// More arguments than this upset clippy.
const ARGUMENTS_MAX: usize = 7;

/// The traits and the router.
pub(crate) fn service(service: &Service) -> TokenStream {
    let traits = service
        .channels_with(Way::In)
        .map(|(index, channel)| channel_trait(service, index, channel));
    let router = router(service);
    with_imports(
        service,
        &[
            ("std::sync", &["Arc"]),
            (
                "conclave_service",
                &[
                    "AsyncApiError",
                    "AsyncApiResult",
                    "Call",
                    "Dispatch",
                    "MessageContext",
                    "async_trait",
                ],
            ),
        ],
        &[],
        quote! { #(#traits)* #router },
    )
}

/// Items with the imports that they use: these, those of types, and these of the crate.
pub(crate) fn with_imports(
    service: &Service,
    outer: &[(&str, &[&str])],
    inner: &[(&str, &[&str])],
    items: TokenStream,
) -> TokenStream {
    let types = types(service);
    let mut inner = inner.to_vec();
    inner.insert(0, ("super::model", &types));
    imported(outer, &inner, items)
}

/// The names of every type of the document.
pub(crate) fn types(service: &Service) -> Vec<&str> {
    service
        .shapes
        .all
        .iter()
        .map(|shape| shape.name.as_str())
        .collect()
}

/// Items with the imports that they use, those of formats among them.
pub(crate) fn imported(
    outer: &[(&str, &[&str])],
    inner: &[(&str, &[&str])],
    items: TokenStream,
) -> TokenStream {
    let mut all: Vec<(&str, &[&str])> = vec![
        ("std::collections", &["BTreeMap"]),
        ("std::net", &["Ipv4Addr", "Ipv6Addr"]),
    ];
    all.extend(outer);
    all.push(("conclave_service::format", &["DateTime", "Uuid"]));
    all.push(("conclave_service::schema", &["Date", "Map", "Value"]));
    all.extend(inner);
    Imports(&all).before(items)
}

fn channel_trait(service: &Service, index: usize, channel: &Channel) -> TokenStream {
    let name = ident(&channel.service);
    let said = doc(
        channel.doc.as_deref(),
        &format!("What clients send to `{}`.", channel.address),
    );
    let methods: Vec<TokenStream> = service
        .of_channel(index, Way::In)
        .map(|(_, of)| signature(service, of))
        .collect();
    let docs = service.of_channel(index, Way::In).map(|(_, operation)| {
        let said = doc(
            operation.doc.as_deref(),
            &format!("Serves `{}`.", operation.name),
        );
        let asked = asked_for(operation);
        quote! { #said #asked }
    });
    let handlers: Vec<Ident> = service
        .of_channel(index, Way::In)
        .map(|(_, operation)| handler(operation))
        .collect();
    quote! {
        #said
        #[async_trait]
        pub trait #name: Send + Sync + 'static {
            #(#docs #methods;)*
        }

        #[async_trait]
        impl<T: #name> #name for Arc<T> {
            #(#methods {
                T::#handlers(self, request, context).await
            })*
        }
    }
}

/// What a client must have proved before the handler runs, as a line of its doc comment.
fn asked_for(operation: &Operation) -> TokenStream {
    let mut all: Vec<String> = operation
        .permissions
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    all.extend(
        operation
            .security
            .iter()
            .flatten()
            .flat_map(|need| &need.scopes)
            .map(|name| format!("`{name}`")),
    );
    if all.is_empty() {
        return TokenStream::new();
    }
    let line = format!(" Asks for {}.", all.join(", "));
    quote! { #[doc = ""] #[doc = #line] }
}

fn handler(operation: &Operation) -> Ident {
    ident(&format!(
        "handle_{}",
        operation.function.trim_end_matches('_')
    ))
}

fn signature(service: &Service, operation: &Operation) -> TokenStream {
    signature_with(service, operation, &ident("context"))
}

/// A handler's signature, its last argument under this name.
pub(crate) fn signature_with(
    service: &Service,
    operation: &Operation,
    context: &Ident,
) -> TokenStream {
    let name = handler(operation);
    let request = type_tokens(&service.shapes, &operation.payload);
    let reply = operation
        .reply
        .as_ref()
        .map_or_else(|| quote! { () }, |of| type_tokens(&service.shapes, of));
    quote! { async fn #name(&self, request: #request, #context: &MessageContext) -> AsyncApiResult<#reply> }
}

fn router(service: &Service) -> TokenStream {
    let channels: Vec<&Channel> = service
        .channels_with(Way::In)
        .map(|(_, channel)| channel)
        .collect();
    let fields: Vec<Ident> = channels
        .iter()
        .map(|channel| ident(&channel.field))
        .collect();
    let parameters: Vec<Ident> = (0..channels.len())
        .map(|index| ident(&format!("S{index}")))
        .collect();
    let traits: Vec<Ident> = channels
        .iter()
        .map(|channel| ident(&channel.service))
        .collect();
    let docs = channels
        .iter()
        .map(|channel| doc(None, &format!("Serves `{}`.", channel.address)));
    let generics = (!channels.is_empty()).then(|| quote! { <#(#parameters),*> });
    let bounds = (!channels.is_empty()).then(|| quote! { <#(#parameters: #traits),*> });
    let made = (channels.len() <= ARGUMENTS_MAX).then(|| {
        quote! {
            impl #generics Router #generics {
                /// Puts the services together.
                pub const fn new(#(#fields: #parameters),*) -> Self {
                    Self { #(#fields),* }
                }
            }
        }
    });
    let dispatch = dispatch(service);
    quote! {
        /// Hands each message to the service of its channel.
        #[derive(Debug, Clone, Default)]
        pub struct Router #generics {
            #(#docs pub #fields: #parameters,)*
        }

        #made

        impl #bounds Dispatch for Router #generics {
            #dispatch
        }
    }
}

/// The function that finds the handler.
fn dispatch(service: &Service) -> TokenStream {
    let routes = service
        .operations
        .iter()
        .filter(|operation| operation.way == Way::In);
    let arms = routes.map(|operation| arm(service, operation));
    let arms: Vec<TokenStream> = arms.collect();
    if arms.is_empty() {
        quote! {
            async fn dispatch(&self, _route: usize, _call: &mut Call<'_>) -> AsyncApiResult<()> {
                Err(AsyncApiError::unknown_operation())
            }
        }
    } else {
        quote! {
            async fn dispatch(&self, route: usize, call: &mut Call<'_>) -> AsyncApiResult<()> {
                match route {
                    #(#arms)*
                    _ => Err(AsyncApiError::unknown_operation()),
                }
            }
        }
    }
}

fn arm(service: &Service, operation: &Operation) -> TokenStream {
    let route = ident(&operation.constant);
    let handler = handler(operation);
    let field = service
        .channels
        .get(operation.channel)
        .map(|channel| ident(&channel.field));
    let called = quote! { self.#field.#handler(call.payload()?, call.context()).await };
    if operation.reply.is_none() {
        return quote! { super::spec::operations::#route => #called, };
    }
    quote! {
        super::spec::operations::#route => {
            let reply = #called?;
            call.reply(&reply)
        }
    }
}
