use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use reqwest::dns::Resolve as _;

use crate::webhooks::reach::{Private, PublicNames, Reach, is_public, url_problem};

#[test]
fn private_addresses_are_told_from_public_ones() {
    for (public, addresses) in [
        (
            true,
            "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 \
             192.167.0.1 198.17.0.1 198.20.0.1 223.255.255.255 2606:4700::1111 2a00::1 \
             ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::1",
        ),
        (
            false,
            "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 \
             169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 \
             192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 \
             255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 \
             64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1 \
             2002:a00:1::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1",
        ),
    ] {
        for text in addresses.split_whitespace() {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(is_public(address), public, "{text}");
        }
    }
}

#[test]
fn urls_lead_where_they_may() {
    let private = |url| url_problem(url, Reach::Anywhere);
    let public = |url| url_problem(url, Reach::Public);
    for url in [
        "https://hooks.example.com/a?b=c",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]:8443/x",
    ] {
        assert_eq!(public(url), None, "{url}");
        assert_eq!(private(url), None, "{url}");
    }
    for url in [
        "http://hooks.example.com/",
        "http://1.1.1.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
    ] {
        assert!(public(url).is_some(), "{url}");
        assert_eq!(private(url), None, "{url}");
    }
    for url in [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https://user@hooks.example.com/",
        "https://user:hunter2@hooks.example.com/",
        "https://hooks.example.com/#hunter2",
    ] {
        let problem = private(url).unwrap();
        assert!(!problem.contains("hunter2"), "{problem}");
        assert!(public(url).is_some(), "{url}");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    let resolved = PublicNames.resolve("localhost".parse().unwrap()).await;
    let Err(refused) = resolved else {
        panic!("localhost is private");
    };
    assert!(refused.is::<Private>(), "{refused}");
}

#[tokio::test]
async fn no_connection_is_made_to_a_private_address() {
    // Another part of the process may have installed the same one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Reach::Public.client(Duration::from_secs(5)).unwrap();
    for url in [
        format!("https://localhost:{port}/"),
        format!("http://localhost:{port}/"),
    ] {
        let answer = client.post(&url).body("[]").send().await;
        assert!(answer.is_err(), "{url}");
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "{url}");
    }
}
