//! `spec.rs`: the description that the runtime works from.

use proc_macro2::TokenStream;
use quote::quote;

use super::doc::doc;
use super::ident;
use super::layout::Imports;
use crate::model::Spelling;
use crate::service::{Carried, Correlation, How, Need, Operation, Parameter, Service, Way};

const IMPORTS: Imports<'static> = Imports(&[(
    "conclave_service",
    &[
        "ChannelSpec",
        "Correlation",
        "Location",
        "OperationSpec",
        "Requirement",
        "Scheme",
        "ServiceSpec",
        "Spelling",
    ],
)]);

/// The indexes of channels and operations, and `SPEC`.
pub(crate) fn spec(service: &Service) -> TokenStream {
    let channels = service.channels.iter().enumerate().map(|(index, channel)| {
        let name = ident(&channel.constant);
        let index = number(index);
        let said = doc(channel.doc.as_deref(), &format!("`{}`", channel.address));
        quote! { #said pub const #name: usize = #index; }
    });
    let operations = service
        .operations
        .iter()
        .enumerate()
        .map(|(index, operation)| {
            let name = ident(&operation.constant);
            let index = number(index);
            let said = doc(operation.doc.as_deref(), &format!("`{}`", operation.name));
            quote! { #said pub const #name: usize = #index; }
        });
    let channel_specs = service.channels.iter().map(|channel| {
        let (name, address) = (&channel.name, &channel.address);
        let locations: Vec<TokenStream> = channel.parameters.iter().filter_map(location).collect();
        let locations = (!locations.is_empty()).then(|| quote! { .locations(&[#(#locations),*]) });
        quote! { ChannelSpec::new(#name, #address) #locations }
    });
    let operation_specs = service.operations.iter().map(operation_spec);
    let secured = service
        .operations
        .iter()
        .filter(|operation| !operation.security.is_empty());
    let securities = secured.map(|operation| {
        let name = security_name(operation);
        let needs = alternatives(&operation.security);
        quote! { const #name: &[&[Requirement]] = #needs; }
    });
    let (title, version, path) = (&service.title, &service.version, &service.path);
    let security = (!service.security.is_empty()).then(|| quote! { .security(SECURITY) });
    let spellings = service.spelling.map(both_spellings);
    let server_security = (!service.security.is_empty()).then(|| {
        let needs = alternatives(&service.security);
        quote! {
            /// What a connection must prove.
            const SECURITY: &[&[Requirement]] = #needs;
        }
    });
    IMPORTS.before(quote! {
        /// The service as its document describes it.
        pub static SPEC: ServiceSpec = ServiceSpec::new(#title, #version)
            .path(#path)
            #security
            #spellings
            .channels(CHANNELS)
            .operations(OPERATIONS);

        /// Positions of the channels.
        pub mod channels {
            #(#channels)*
        }

        /// Positions of the operations.
        pub mod operations {
            #(#operations)*
        }

        const CHANNELS: &[ChannelSpec] = &[#(#channel_specs),*];

        const OPERATIONS: &[OperationSpec] = &[#(#operation_specs),*];

        #server_security

        #(#securities)*
    })
}

fn both_spellings(own: Spelling) -> TokenStream {
    match own {
        Spelling::Camel => quote! { .both_spellings(Spelling::Camel) },
        Spelling::Snake => quote! { .both_spellings(Spelling::Snake) },
    }
}

fn operation_spec(operation: &Operation) -> TokenStream {
    let (name, channel) = (&operation.name, number(operation.channel));
    let made = match operation.way {
        Way::In => quote! { OperationSpec::receive(#name, #channel) },
        Way::Out => quote! { OperationSpec::send(#name, #channel) },
    };
    let replies =
        (operation.reply.is_some() && operation.way == Way::In).then(|| quote! { .replies() });
    let permissions = &operation.permissions;
    let permissions =
        (!permissions.is_empty()).then(|| quote! { .permissions(&[#(#permissions),*]) });
    let security = (!operation.security.is_empty()).then(|| {
        let name = security_name(operation);
        quote! { .security(#name) }
    });
    let correlation = correlation(&operation.correlation).map(|of| quote! { .correlation(#of) });
    let reply = correlation_of_reply(operation).map(|of| quote! { .reply_correlation(#of) });
    quote! { #made #replies #permissions #security #correlation #reply }
}

fn correlation_of_reply(operation: &Operation) -> Option<TokenStream> {
    operation
        .reply
        .as_ref()
        .and(correlation(&operation.reply_correlation))
}

fn correlation(of: &Correlation) -> Option<TokenStream> {
    match of {
        Correlation::Envelope => None,
        Correlation::Message(Carried::Header(pointer)) => {
            Some(quote! { Correlation::Header(#pointer) })
        }
        Correlation::Message(Carried::Payload(pointer)) => {
            Some(quote! { Correlation::Payload(#pointer) })
        }
    }
}

/// Where messages carry a parameter of their channel.
fn location(parameter: &Parameter) -> Option<TokenStream> {
    let name = &parameter.name;
    Some(match parameter.carried.as_ref()? {
        Carried::Header(pointer) => quote! { (#name, Location::Header(#pointer)) },
        Carried::Payload(pointer) => quote! { (#name, Location::Payload(#pointer)) },
    })
}

fn security_name(operation: &Operation) -> proc_macro2::Ident {
    ident(&format!("{}_SECURITY", operation.constant))
}

fn alternatives(needs: &[Vec<Need>]) -> TokenStream {
    let alternatives = needs.iter().map(|all| {
        let all = all.iter().map(need);
        quote! { &[#(#all),*] }
    });
    quote! { &[#(#alternatives),*] }
}

fn need(need: &Need) -> TokenStream {
    let name = &need.scheme;
    let scheme = match &need.how {
        How::ApiKeyCookie(field) => quote! { Scheme::ApiKeyCookie(#field) },
        How::ApiKeyHeader(field) => quote! { Scheme::ApiKeyHeader(#field) },
        How::ApiKeyQuery(field) => quote! { Scheme::ApiKeyQuery(#field) },
        How::HttpBasic => quote! { Scheme::HttpBasic },
        How::HttpBearer => quote! { Scheme::HttpBearer },
        How::OAuth2 => quote! { Scheme::OAuth2 },
        How::OpenIdConnect => quote! { Scheme::OpenIdConnect },
        How::UserPassword => quote! { Scheme::UserPassword },
    };
    let scopes = &need.scopes;
    let scopes = (!scopes.is_empty()).then(|| quote! { .scopes(&[#(#scopes),*]) });
    quote! { Requirement::new(#name, #scheme) #scopes }
}

pub(crate) fn number(value: usize) -> proc_macro2::Literal {
    proc_macro2::Literal::usize_unsuffixed(value)
}
