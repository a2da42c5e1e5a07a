//! What stands before PostgreSQL, or in its place, is named at the start.

use std::time::{Duration, Instant};

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    store::{OpenError, Store},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::postgres;

/// What PgBouncer 1.18 answers to a connection that comes with settings.
const REFUSAL: &[u8] = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";

#[tokio::test]
async fn a_pooler_that_refuses_the_settings_of_a_connection_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1_024]).await;
            let length = u32::try_from(REFUSAL.len() + 4).unwrap();
            let answer = [&b"E"[..], &length.to_be_bytes(), REFUSAL].concat();
            let _ = stream.write_all(&answer).await;
        }
    });
    let url = format!("postgres://bridge@127.0.0.1:{port}/bridge?sslmode=disable");
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let error = Store::open(&config, Clock::system(), true).await.unwrap_err();
    assert!(matches!(error, OpenError::Pooler), "{error:?}");
    assert!(error.to_string().contains("write the address of PostgreSQL itself"), "{error}");
}

/// What PgBouncer passes over where its `ignore_startup_parameters` has sqlx's.
const IGNORED: &[&[u8]] = &[b"options", b"extra_float_digits"];

/// The parameters with which a client begins, but for these.
async fn startup_without(ignored: &[&[u8]], client: &mut TcpStream) -> Vec<u8> {
    let length = usize::try_from(client.read_u32().await.unwrap()).unwrap();
    let mut message = vec![0; length - 4];
    client.read_exact(&mut message).await.unwrap();
    let (version, parameters) = message.split_at(4);
    let mut kept = version.to_vec();
    let mut words = parameters.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if !name.is_empty() && !ignored.contains(&name) {
            kept.extend([name, b"\0", value, b"\0"].concat());
        }
    }
    kept.push(0);
    let length = u32::try_from(kept.len() + 4).unwrap();
    [&length.to_be_bytes()[..], &kept].concat()
}

/// Stands before the server at this port: its own port.
async fn pooler(server: u16, ignored: &'static [&'static [u8]]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let startup = startup_without(ignored, &mut client).await;
                let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                server.write_all(&startup).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn a_pooler_that_passes_over_the_settings_of_a_connection_is_named() {
    let database = postgres::database().await;
    let server = postgres::port(&database);
    let cases: [(&'static [&'static [u8]], bool); 2] = [(&[], false), (IGNORED, true)];
    for (ignored, is_named) in cases {
        let port = pooler(server, ignored).await;
        let url = database.replace(&format!(":{server}/"), &format!(":{port}/")) + "?sslmode=disable";
        let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
        let opened = Store::open(&config, Clock::system(), true).await;
        assert_eq!(matches!(opened, Err(OpenError::Pooler)), is_named, "{:?}", opened.err());
    }
}

/// As a firewall does, or a server that hangs: the line is taken, and nothing is ever said on it.
#[tokio::test]
async fn a_login_that_nobody_answers_ends_in_time_and_says_where() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let config = DatabaseConfig {
        url: format!("postgres://bridge:secret-of-db@127.0.0.1:{port}/bridge").parse().unwrap(),
        ..DatabaseConfig::default()
    };
    let begun = Instant::now();
    let error = Store::open(&config, Clock::system(), true).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let told = error.to_string();
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("没有应答登录"), "{told}");
    assert!(!told.contains("secret-of-db"), "{told}");
    held.abort();
}
