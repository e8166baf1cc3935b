//! `mock.rs`: services for tests, which remember what they were given and answer with samples.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::doc::doc;
use super::ident;
use super::service::{signature_with, with_imports};
use crate::service::{Channel, Operation, Service, Way};

/// A mock for each trait.
pub(crate) fn mocks(service: &Service) -> TokenStream {
    let mocks = service
        .channels_with(Way::In)
        .map(|(index, channel)| mock(service, index, channel));
    let traits: Vec<&str> = service
        .channels_with(Way::In)
        .map(|(_, channel)| channel.service.as_str())
        .collect();
    let mut inner: Vec<(&str, &[&str])> = Vec::new();
    if !traits.is_empty() {
        inner.push(("super::service", &traits));
    }
    let calls = (!traits.is_empty()).then(|| calls(service));
    with_imports(
        service,
        &[
            ("std::sync", &["Mutex", "PoisonError"]),
            (
                "conclave_service",
                &[
                    "AsyncApiError",
                    "AsyncApiResult",
                    "MessageContext",
                    "async_trait",
                    "serde_json",
                ],
            ),
            ("serde", &["Serialize"]),
            ("serde::de", &["DeserializeOwned"]),
        ],
        &inner,
        quote! { #(#mocks)* #calls },
    )
}

/// The mock of a channel's trait.
pub(crate) fn mock_name(channel: &Channel) -> Ident {
    ident(&format!("Mock{}", channel.base))
}

fn mock(service: &Service, index: usize, channel: &Channel) -> TokenStream {
    let (name, implemented) = (mock_name(channel), ident(&channel.service));
    let said = doc(
        None,
        &format!(
            "A `{}` that remembers its calls and answers with samples.",
            channel.service
        ),
    );
    let handlers = service
        .of_channel(index, Way::In)
        .map(|(_, operation)| handled(service, operation));
    quote! {
        #said
        #[derive(Debug, Default)]
        pub struct #name {
            calls: Calls,
        }

        impl #name {
            /// What it was given: the operation's name and the payload, in order.
            #[must_use]
            pub fn calls(&self) -> Vec<(&'static str, Value)> {
                self.calls.all()
            }
        }

        #[async_trait]
        impl #implemented for #name {
            #(#handlers)*
        }
    }
}

fn handled(service: &Service, operation: &Operation) -> TokenStream {
    let signature = signature_with(service, operation, &ident("_context"));
    let name = &operation.name;
    let answer = match (&operation.reply, &operation.reply_sample) {
        (None, _) => quote! { Ok(()) },
        (Some(_), Some(sample)) => {
            let sample = sample.to_string();
            quote! { answer(#sample) }
        }
        (Some(_), None) => {
            quote! { Err(AsyncApiError::unavailable("there is no sample of the reply")) }
        }
    };
    quote! {
        #signature {
            self.calls.remember(#name, &request)?;
            #answer
        }
    }
}

fn calls(service: &Service) -> TokenStream {
    let sampled =
        |operation: &Operation| operation.way == Way::In && operation.reply_sample.is_some();
    let answer = service.operations.iter().any(sampled).then(|| {
        quote! {
            /// A sample as a reply.
            fn answer<T: DeserializeOwned>(sample: &str) -> AsyncApiResult<T> {
                serde_json::from_str(sample).map_err(AsyncApiError::internal)
            }
        }
    });
    quote! {
        /// The calls of one mock.
        #[derive(Debug, Default)]
        struct Calls(Mutex<Vec<(&'static str, Value)>>);

        impl Calls {
            fn remember<T: Serialize>(&self, operation: &'static str, request: &T) -> AsyncApiResult<()> {
                let request = serde_json::to_value(request).map_err(AsyncApiError::internal)?;
                self.0.lock().unwrap_or_else(PoisonError::into_inner).push((operation, request));
                Ok(())
            }

            fn all(&self) -> Vec<(&'static str, Value)> {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
        }

        #answer
    }
}
