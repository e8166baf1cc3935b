//! `README.md` of a generated crate.

use super::{Dependencies, mark};
use crate::service::{Service, Way};

pub(super) fn readme(service: &Service, dependencies: &Dependencies) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\n\
         Version {} of the API, AsyncAPI {}. Clients connect to `{}`.\n",
        service.title,
        mark(&dependencies.document),
        service.version,
        service.asyncapi,
        service.url
    );
    text.push_str(
        "\n## Channels\n\n| address | service sends | service takes in |\n| --- | --- | --- |\n",
    );
    for (index, channel) in service.channels.iter().enumerate() {
        let names = |way| {
            let all = service
                .of_channel(index, way)
                .map(|(_, operation)| format!("`{}`", operation.name));
            all.collect::<Vec<_>>().join(", ")
        };
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            channel.address,
            names(Way::Out),
            names(Way::In)
        ));
    }
    text.push_str(&security(service));
    text.push_str(&serving(service));
    text
}

fn security(service: &Service) -> String {
    if !service.is_secured() {
        return "\n## Security\n\nThe document asks for none: everybody may connect.\n".to_owned();
    }
    let mut text = "\n## Security\n\n".to_owned();
    let alternatives = service.security.iter().map(|all| {
        let names: Vec<String> = all
            .iter()
            .map(|need| format!("`{}`", need.scheme))
            .collect();
        names.join(" and ")
    });
    let alternatives: Vec<String> = alternatives.collect();
    if !alternatives.is_empty() {
        text.push_str(&format!(
            "A connection must prove {}.\n\n",
            alternatives.join(", or ")
        ));
    }
    text.push_str("| operation | permissions | schemes and scopes |\n| --- | --- | --- |\n");
    for operation in &service.operations {
        let permissions: Vec<String> = operation
            .permissions
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let needs = operation.security.iter().flatten();
        let needs: Vec<String> = needs
            .map(|need| format!("`{}` {}", need.scheme, need.scopes.join(" ")))
            .collect();
        let (permissions, needs) = (permissions.join(", "), needs.join(", "));
        text.push_str(&format!(
            "| `{}` | {permissions} | {needs} |\n",
            operation.name
        ));
    }
    text
}

fn serving(service: &Service) -> String {
    let traits: Vec<String> = service
        .channels_with(Way::In)
        .map(|(_, channel)| format!("`{}`", channel.service))
        .collect();
    let publishers: Vec<String> = service
        .channels_with(Way::Out)
        .map(|(_, channel)| format!("`{}`", channel.publisher))
        .collect();
    let mut text = "\n## Use\n\n".to_owned();
    if !traits.is_empty() {
        text.push_str(&format!(
            "Implement {} in a crate of your own, put them into `service::Router`, and give it with \
             `spec::SPEC` to `conclave_service::Service::builder`.\n",
            traits.join(", ")
        ));
    }
    if !publishers.is_empty() {
        text.push_str(&format!(
            "What the service sends goes through {}.\n",
            publishers.join(", ")
        ));
    }
    text.push_str(&format!(
        "`client::{}` is the other end.\n\n    cargo test\n    cargo test --test security_tests\n",
        service.client
    ));
    text
}
