//! The tests of a generated crate: examples, security, and a real socket.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use serde_json::Value;

use super::mock::mock_name;
use super::service::{imported, types};
use super::{ident, type_tokens};
use crate::service::{Carried, Channel, Example, Operation, Parameter, Service, Way};
use crate::shape::{Form, Shapes, Type};

/// The crate's name in code.
fn root(service: &Service) -> String {
    service.crate_name.replace('-', "_")
}

/// `tests/model.rs`: every example of the document survives a round trip.
pub(crate) fn model_tests(service: &Service) -> TokenStream {
    let mut tests = Vec::new();
    for operation in &service.operations {
        tests.extend(round_trips(
            service,
            operation,
            "payload",
            (Some(&operation.payload), &operation.examples),
        ));
        tests.extend(round_trips(
            service,
            operation,
            "reply",
            (operation.reply.as_ref(), &operation.reply_examples),
        ));
    }
    if tests.is_empty() {
        return TokenStream::new();
    }
    let items = quote! {
        #(#tests)*

        /// Reads an example, writes it, and reads it again: nothing that the type knows is lost.
        fn survives<T: DeserializeOwned + Serialize + PartialEq + Debug>(example: &str) {
            let read: T = serde_json::from_str(example).expect("the example fits its type");
            let written = serde_json::to_value(&read).expect("what was read can be written");
            let original = serde_json::from_str(example).expect("the example is JSON");
            assert!(is_part(&written, &original), "{written} is not part of {original}");
            let again: T = serde_json::from_value(written).expect("what was written can be read");
            assert_eq!(read, again);
        }

        /// Whether everything in `part` is in `whole`; null may stand for what is absent.
        fn is_part(part: &Value, whole: &Value) -> bool {
            match (part, whole) {
                (Value::Object(part), Value::Object(whole)) => part.iter().all(|(name, value)| {
                    value.is_null() || whole.get(name).is_some_and(|other| is_part(value, other))
                }),
                (Value::Array(part), Value::Array(whole)) => {
                    part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part(part, whole))
                }
                (Value::Number(part), Value::Number(whole)) => part.as_f64() == whole.as_f64(),
                _ => part == whole,
            }
        }
    };
    let model = format!("{}::model", root(service));
    let types = types(service);
    imported(
        &[
            ("std::fmt", &["Debug"]),
            ("serde", &["Serialize"]),
            ("serde::de", &["DeserializeOwned"]),
        ],
        &[(&model, &types)],
        items,
    )
}

fn round_trips(
    service: &Service,
    operation: &Operation,
    what: &str,
    (of, examples): (Option<&Type>, &[Example]),
) -> Option<TokenStream> {
    let of = type_tokens(&service.shapes, of?);
    let name = ident(&format!(
        "{}_{what}",
        operation.function.trim_end_matches('_')
    ));
    let texts = examples.iter().map(|example| example.payload.to_string());
    let lines = texts.map(|text| quote! { survives::<#of>(#text); });
    (!examples.is_empty()).then(|| {
        quote! {
            #[test]
            fn #name() {
                #(#lines)*
            }
        }
    })
}

/// `tests/security_tests.rs`: attacks on the service.
pub(crate) fn security_tests(service: &Service) -> TokenStream {
    let mut tests: Vec<TokenStream> = Vec::new();
    if !service.security.is_empty() {
        for name in [
            "valid_by_header",
            "valid_by_query",
            "no_token",
            "bad_token",
            "expired_token",
            "wrong_audience",
            "alg_none",
        ] {
            tests.push(plain_attack(name));
        }
    }
    tests.push(plain_attack("unknown_operation"));
    tests.push(plain_attack("malformed_envelope"));
    for operation in service
        .operations
        .iter()
        .filter(|operation| operation.way == Way::In)
    {
        tests.extend(attacks_on(service, operation));
    }
    for operation in service
        .operations
        .iter()
        .filter(|operation| operation.way == Way::Out)
    {
        tests.extend(other_room(service, operation));
    }
    if service.is_secured() {
        tests.push(quote! {
            #[test]
            fn does_not_start_without_an_authenticator() {
                assert!(Service::builder(&SPEC, router()).build().is_err());
            }
        });
    }
    let items = quote! { #(#tests)* };
    in_harness(service, items)
}

/// `tests/service.rs`: every operation over a real socket.
pub(crate) fn service_tests(service: &Service) -> TokenStream {
    let incoming = service
        .operations
        .iter()
        .filter(|operation| operation.way == Way::In);
    let tests = incoming.filter_map(|operation| {
        let sample = sample(service, operation)?;
        let name = ident(&format!(
            "{}_is_served",
            operation.function.trim_end_matches('_')
        ));
        Some(quote! {
            #[tokio::test]
            async fn #name() -> Result<(), Breach> {
                let mut harness = harness()?.on_socket().await?;
                let served = attack::accepted(&harness, &#sample).await;
                harness.stop().await;
                served
            }
        })
    });
    let items = quote! {
        #(#tests)*

        #[tokio::test]
        async fn what_is_unknown_is_refused_over_a_socket() -> Result<(), Breach> {
            let mut harness = harness()?.on_socket().await?;
            let refused = attack::unknown_operation(&harness).await;
            harness.stop().await;
            refused
        }
    };
    in_harness(service, items)
}

/// Tests with the harness that they run in.
fn in_harness(service: &Service, items: TokenStream) -> TokenStream {
    let mocks: Vec<Ident> = service
        .channels_with(Way::In)
        .map(|(_, channel)| mock_name(channel))
        .collect();
    let fields: Vec<Ident> = service
        .channels_with(Way::In)
        .map(|(_, channel)| ident(&channel.field))
        .collect();
    let mock_names: Vec<String> = mocks.iter().map(ToString::to_string).collect();
    let mock_names: Vec<&str> = mock_names.iter().map(String::as_str).collect();
    let items = quote! {
        #items

        fn harness() -> Result<Harness<impl Dispatch>, Breach> {
            Ok(Harness::new(&SPEC, router())?)
        }

        fn router() -> impl Dispatch {
            Router {
                #(#fields: #mocks::default()),*
            }
        }
    };
    let root = root(service);
    let (mock, router, spec) = (
        format!("{root}::mock"),
        format!("{root}::service"),
        format!("{root}::spec"),
    );
    imported(
        &[
            ("conclave_service", &["Dispatch", "Service"]),
            (
                "conclave_service::testing",
                &["Breach", "Harness", "Sample", "attack"],
            ),
        ],
        &[
            (&mock, &mock_names),
            (&router, &["Router"]),
            (&spec, &["SPEC", "channels", "operations"]),
        ],
        items,
    )
}

fn plain_attack(name: &str) -> TokenStream {
    let attack = ident(name);
    quote! {
        #[tokio::test]
        async fn #attack() -> Result<(), Breach> {
            attack::#attack(&harness()?).await
        }
    }
}

fn attacks_on(service: &Service, operation: &Operation) -> Vec<TokenStream> {
    let Some(sample) = sample(service, operation) else {
        return Vec::new();
    };
    let asks = !operation.permissions.is_empty() || !operation.security.is_empty();
    let function = operation.function.trim_end_matches('_');
    let all = [
        ("accepted", true),
        ("oversized_payload", true),
        ("missing_permission", asks),
    ];
    let chosen = all.into_iter().filter(|(_, is_there)| *is_there);
    let tests = chosen.map(|(attack, _)| {
        let name = ident(&format!("{attack}_{function}"));
        let attack = ident(attack);
        quote! {
            #[tokio::test]
            async fn #name() -> Result<(), Breach> {
                attack::#attack(&harness()?, &#sample).await
            }
        }
    });
    tests.collect()
}

/// What is sent to one address is not heard at another.
fn other_room(service: &Service, operation: &Operation) -> Option<TokenStream> {
    let channel = service.channels.get(operation.channel)?;
    let own = sample(service, operation)?;
    let here = address(service, channel, operation.sample.as_ref()?, 0)?;
    let there = address(service, channel, &Value::Null, 1)?;
    if here.to_string() == there.to_string() {
        return None;
    }
    let name = ident(&format!(
        "another_rooms_{}",
        operation.function.trim_end_matches('_')
    ));
    Some(quote! {
        #[tokio::test]
        async fn #name() -> Result<(), Breach> {
            attack::another_rooms_message(&harness()?, &#own, &#there).await
        }
    })
}

/// A message of the operation, on the address that it is for.
fn sample(service: &Service, operation: &Operation) -> Option<TokenStream> {
    let channel = service.channels.get(operation.channel)?;
    let payload = operation.sample.as_ref()?;
    let (route, address) = (
        ident(&operation.constant),
        address(service, channel, payload, 0)?,
    );
    let payload = payload.to_string();
    Some(quote! { Sample::new(operations::#route, #address, #payload) })
}

/// The address number `which` of the channel, as far as the payload does not say it.
fn address(
    service: &Service,
    channel: &Channel,
    payload: &Value,
    which: usize,
) -> Option<TokenStream> {
    let constant = ident(&channel.constant);
    let mut pairs = Vec::new();
    for parameter in &channel.parameters {
        let carried = match &parameter.carried {
            Some(Carried::Payload(pointer)) => payload.pointer(pointer).and_then(plain_text),
            Some(Carried::Header(_)) | None => None,
        };
        let text = carried.or_else(|| parameter_text(&service.shapes, parameter, which))?;
        let (name, text) = (&parameter.name, Literal::string(&text));
        pairs.push(quote! { (#name, #text) });
    }
    Some(quote! { SPEC.address(channels::#constant, &[#(#pairs),*])? })
}

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn parameter_text(shapes: &Shapes, parameter: &Parameter, which: usize) -> Option<String> {
    if parameter.of == Type::Text {
        return Some(if which == 0 { "general" } else { "other" }.to_owned());
    }
    if let Type::Named(id) = parameter.of
        && let Form::Choice(choices) = &shapes.get(id)?.form
    {
        let choice = choices.get(which).or(choices.first())?;
        return Some(choice.text.clone());
    }
    plain_text(&shapes.sample(&parameter.of)?)
}
